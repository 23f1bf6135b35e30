"""Failed starts, kept over a reset: what the last crash was, and whether to start with the least that helps.

A start has failed when a task of it raised, ended or stood still, when the application could not be built, or when the
watchdog had to bite. Power cuts and ordered restarts are no failures. After three in a row the device starts in safe
mode: button, warnings, reports, commands and updates, without sensors and radios. It then tries to start whole again,
and one more failure brings it back to safe mode.
"""

import hashlib

_FILE = "failed"
_TRACE = "traceback"
_MOST = 3
_DIGITS = 8
_LONGEST_NAME = 40
# The first lines of a traceback say where it happened.
_LONGEST_TRACE = 1500
WATCHDOG = "watchdog"
POWER = "power"


class Starts:
    """`files` of the state directory; `reset_reason` as Hardware.reset_reason.

    `crash` is a short text while there is one to report: the kind of error and a digest of its traceback, the same for
    the same fault in the same version. The traceback itself stays in `state/traceback` for the technician.
    """

    def __init__(self, files, reset_reason):
        self._files = files
        self._failed, self.crash = _stored(files)
        if reset_reason == WATCHDOG:
            self._failed += 1
            self.crash = self.crash or WATCHDOG
        self.safe = self._failed >= _MOST
        if self.safe:
            self._failed = _MOST - 1  # the next start is whole again, and the last chance
        self._save()

    def failed(self, what, trace):
        """This start has failed: `what` names the error or the task, `trace` is its traceback or "". Never raises."""
        self._failed += 1
        try:
            digest = hashlib.sha256(trace.encode()).digest().hex()[:_DIGITS]
            self.crash = what[:_LONGEST_NAME] + "-" + digest
            self._save()
            if trace:
                self._write(_TRACE, trace[:_LONGEST_TRACE].encode())
        except MemoryError:
            pass  # not even what `memory` puts aside is left: the restart that follows is what helps

    def works(self):
        """It has run long enough to count as good."""
        if self._failed and not self.safe:
            self._failed = 0
            self._save()

    def told(self):
        """The broker holds the state message with the crash."""
        if self.crash is not None:
            self.crash = None
            self._save()

    def _save(self):
        self._write(_FILE, f"{self._failed} {self.crash or ''}".encode())

    def _write(self, name, content):
        try:
            if name in self._files.names() and self._files.read(name) == content:
                return
            file = self._files.create(name + ".new")
            try:
                self._files.write(file, content)
            finally:
                self._files.close(file)
            self._files.rename(name + ".new", name)
        except OSError:
            pass  # without flash the fault is at least on the console


def _stored(files):
    try:
        failed, _, crash = files.read(_FILE).decode().partition(" ")
        return int(failed), crash or None
    except (OSError, ValueError):
        return 0, None  # the first start of this flash, or nothing that can be read
