"""Taking over a signed configuration: all or nothing, on trial until the link stands, and the way back.

    config.json     in force
    config.new      being written; means nothing
    config.old      the one before; as long as it is there, config.json is on trial
    config.prev     the one before, once the trial is over
    state/trial     starts of this trial
    state/refused   "SEQUENCE REASON" of the last configuration this device did not keep

A trial ends well when the device has connected with it. It ends badly when it has not in time (`adopting`), or at the
fourth start: then config.old is in force again, and the next birth says so.
"""

import json

from jikimi.wire import WireError, settings

_STARTS = 3
_TRIAL, _REFUSED = "trial", "refused"
_NOW, _NEW, _OLD, _PREVIOUS = "config.json", "config.new", "config.old", "config.prev"
_REASON_CHARS = 48  # of a text of the wire, which has 64 bytes, beside the number


class Adoption:
    """`flash` and `state` are `Files` of the root and of `state`; `roots()` gives the trusted public keys."""

    def __init__(self, flash, state, roots):
        self._flash = flash
        self._state = state
        self._roots = roots

    @property
    def on_trial(self):
        return _OLD in self._flash.names()

    @property
    def refused(self):
        """What the birth says: "SEQUENCE REASON", or None."""
        return _text(self._state, _REFUSED)

    def begin(self):
        """At each start, before the configuration is read: True when it has just gone back and must start anew."""
        if not self.on_trial:
            return False
        starts = int(_text(self._state, _TRIAL) or 0) + 1
        if starts > _STARTS:
            self.go_back("restarts")
            return True
        self._write(self._state, _TRIAL, str(starts))
        return False

    def offer(self, document):
        """Check a document and put it in force; None when the device is to restart with it, else the reason."""
        from jikimi.wire import configuration  # with all of signature verification: loaded when it is needed

        current = self._current()
        sequence = 0
        try:
            sequence, values = configuration.opened(document, self._roots(), current["site"], current["device"])
            if sequence <= self._last_sequence(current):
                return "replayed"  # not noted: what was refused before stays known
            self._take(current, sequence, values)
        except WireError as error:
            self._note(sequence, error.reason)
            return error.reason
        except settings.ConfigError as error:
            self._note(sequence, "settings " + _plain(str(error)))
            return "settings"
        return None

    def confirm(self):
        """The device has connected: the trial is over."""
        if self.on_trial:
            self._flash.rename(_OLD, _PREVIOUS)
            _remove(self._state, _TRIAL)
            _remove(self._state, _REFUSED)

    def go_back(self, why):
        """The configuration before is in force at the next start; the reason is noted first."""
        self._note(self._current().get("sequence", 0), why)
        _remove(self._state, _TRIAL)
        self._flash.rename(_OLD, _NOW)

    def _take(self, current, sequence, values):
        whole = {key: current[key] for key in settings.IDENTITY if key in current}
        for key in values:
            if key in settings.IDENTITY:
                raise settings.ConfigError(key + " is no setting")
        whole.update(values)
        whole["sequence"] = sequence
        settings.check(whole)
        _remove(self._state, _TRIAL)  # a power cut may have left that of an earlier one
        self._write(self._flash, _NEW + ".tmp", json.dumps(whole), _NEW)
        if settings.digest(whole) != settings.digest(current):
            self._write(self._flash, _OLD + ".tmp", json.dumps(current), _OLD)
        self._flash.rename(_NEW, _NOW)

    def _last_sequence(self, current):
        return max(current.get("sequence", 0), self._refused_sequence())

    def _refused_sequence(self):
        number = (self.refused or "0").split(" ")[0]
        return int(number) if number.isdigit() else 0

    def _current(self):
        return json.loads(self._flash.read(_NOW))

    def _note(self, sequence, reason):
        """`sequence` 0: of something whose signature proves nothing; the number noted before stays."""
        self._write(self._state, _REFUSED, f"{sequence or self._refused_sequence()} {reason[:_REASON_CHARS]}")

    def _write(self, files, name, text, final=None):
        """`name` as a whole or not at all."""
        draft = name if final else name + ".tmp"
        file = files.create(draft)
        try:
            files.write(file, text.encode())
        finally:
            files.close(file)
        files.rename(draft, final or name)


def _plain(text):
    return "".join([char if " " <= char <= "~" else "?" for char in text])


def _text(files, name):
    return files.read(name).decode() if name in files.names() else None


def _remove(files, name):
    if name in files.names():
        files.remove(name)
