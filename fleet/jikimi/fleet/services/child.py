"""One supervised process: start, readiness, end, back-off."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jikimi.fleet.errors import ServiceError, StoreAwayError
from jikimi.fleet.services import launch
from jikimi.fleet.services.patience import Pause
from jikimi.fleet.services.ready import ready_path, waits_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from jikimi.fleet.site import Site

_log = logging.getLogger(__name__)

QUICK_DEATHS = 5  # in a row: then something is wrong that starting again does not heal
_QUICK_S = 10.0  # a service that was ready for this long has recovered from what ailed it
_BACKOFF_S, _BACKOFF_MAX_S = 0.2, 10.0
_LOG_MAX_BYTES = 8 << 20  # of one log file, about; one older file is kept


@dataclass(frozen=True)
class Service:
    """A program to keep running. Its output goes to SITE/log/NAME.log, its process id to SITE/run/NAME.pid."""

    name: str
    command: list[str]
    is_ready: Callable[[int], bool]  # given the process id; asked every few hundredths of a second until true
    start_context: Callable[[], AbstractContextManager[None]] = nullcontext  # held around start and pid file
    ready_s: float = 30.0  # started again when not ready after this long
    stop_s: float = 10.0  # killed when still there this long after SIGTERM
    away_s: float = 0.0  # at the least so long between its end and the next start
    awaited: bool = True  # whether those after it are started only when it is ready
    vital: bool = True  # whether all is stopped when it cannot go on; else alarms arrive without it


class Child:
    """The process of one service, through all its restarts."""

    def __init__(self, site: Site, service: Service) -> None:
        self.service = service
        self.ready = False
        self.was_ready = False  # at any time
        self.restarts = 0
        self.waiting: str | None = None  # for what, while it can do nothing about it
        self.log_path = site.log_dir / f"{service.name}.log"
        self.pid_path = site.run_dir / f"{service.name}.pid"
        self._ready_path = ready_path(site, service.name)
        self._process: subprocess.Popen[bytes] | None = None
        self._changed_s = 0.0  # when it was started, became ready or ended
        self._quick_deaths = 0
        self._ended = ""
        self._site = site
        self._pause = Pause()
        self._not_before_s = 0.0  # the next start, while the database is away

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        process = self._process  # asked from other threads, while ours may set it to None
        return process.pid if process else None

    @property
    def start_due_s(self) -> float:
        """When the next start is due, on the monotonic clock."""
        if self._quick_deaths == 0:
            return self._not_before_s
        backoff_s = min(_BACKOFF_MAX_S, _BACKOFF_S * 2.0 ** min(self._quick_deaths - 1, 16))
        return max(self._not_before_s, self._changed_s + max(backoff_s, self.service.away_s))

    def start(self) -> None:
        """Start the process, later when the database is away; ServiceError when it cannot be."""
        try:
            self._start()
        except StoreAwayError as error:
            self._wait(str(error))
            self._not_before_s = time.monotonic() + self._pause.next_s()
        except ServiceError as error:
            if self.service.vital or not self.was_ready:
                raise
            self._wait(str(error))
            self._not_before_s = time.monotonic() + _BACKOFF_MAX_S

    def _start(self) -> None:
        self._ready_path.unlink(missing_ok=True)
        self._rotate_log()
        wrapped = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), *self.service.command]
        with self.service.start_context(), self.log_path.open("ab") as log:
            # A session of its own: Ctrl-C on the terminal reaches only the supervisor, which stops all in order.
            self._process = subprocess.Popen(
                wrapped, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
            self.pid_path.write_text(f"{self._process.pid}\n")
        self._changed_s = time.monotonic()

    def check_ready(self) -> bool:
        """Whether it has just become ready; kills a process that takes too long."""
        if self._process is None or self.ready:
            return False
        if self.service.is_ready(self._process.pid):
            self.ready = self.was_ready = True
            self._changed_s = time.monotonic()
        elif (why := waits_for(self._site, self.service.name, self._process.pid)) is not None:
            self._wait(why)
        elif time.monotonic() - self._changed_s > self.service.ready_s:
            self._process.kill()
        if self.ready:
            self._pause, self.waiting = Pause(), None
        return self.ready

    def _wait(self, why: str) -> None:
        self.waiting, self._changed_s = why, time.monotonic()

    def reap(self) -> bool:
        """Note the end of the process, if it has ended; ServiceError when that was one quick death too many."""
        if self._process is None or self._process.poll() is None:
            return False
        self._ended = _describe(self._process.returncode)
        quick = not self.ready or time.monotonic() - self._changed_s < _QUICK_S
        self._forget()
        self._quick_deaths = self._quick_deaths + 1 if quick else 1
        self.restarts += 1
        if self._quick_deaths >= QUICK_DEATHS and (self.service.vital or not self.was_ready):
            raise ServiceError(
                f"{self.service.name} ended {QUICK_DEATHS} times in a row ({self._ended}): read {self.log_path}"
                f"{self._last_words()}"
            )
        return True

    @property
    def ended(self) -> str:
        """How it last ended, in words."""
        return self._ended

    def stop(self) -> None:
        """End the process: SIGTERM, and SIGKILL when it does not heed it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(self.service.stop_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._forget()

    def _forget(self) -> None:
        self._process = None
        self.ready = False
        self._changed_s = time.monotonic()
        self.pid_path.unlink(missing_ok=True)
        self._ready_path.unlink(missing_ok=True)

    def trim_log(self) -> None:
        """Put the log aside when it has grown large, while the process writes on at the end of the same file."""
        if self._process is None or not self._log_is_large():
            return
        try:
            shutil.copyfile(self.log_path, self._old_log_path)
        except OSError as error:  # the disk is full, of this log perhaps: what it says now is worth more
            _log.warning("the log %s is not put aside: %s", self.log_path, error)
        os.truncate(self.log_path, 0)  # it was opened to append, so the next line comes first

    def _log_is_large(self) -> bool:
        return self.log_path.exists() and self.log_path.stat().st_size > _LOG_MAX_BYTES

    @property
    def _old_log_path(self) -> Path:
        return self.log_path.with_suffix(".log.1")

    def _rotate_log(self) -> None:
        if self._log_is_large():
            self.log_path.replace(self._old_log_path)

    def _last_words(self) -> str:
        lines = _tail(self.log_path).strip().splitlines()
        return f'; its last line is "{lines[-1].strip()}"' if lines else ""


def _tail(path: Path, size: int = 2_000) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - size))
        return file.read().decode("utf-8", "replace")


def _describe(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
