"""What a board has said: every console line, kept in a file and for those who wait for one."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from jikimi.fleet.errors import BoardError

_KEPT_LINES = 20_000
_PARTIAL_MAX = 4096


class Console:
    """Lines of one board. Written from one thread, which also calls `listeners` for each line; read from any other."""

    def __init__(self, name: str, log_path: Path) -> None:
        self._name = name
        self.log_path = log_path
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self._file = log_path.open("ab", buffering=0)
        self._partial = bytearray()
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._count = 0
        self._changed = threading.Condition(threading.RLock())
        self.listeners: list[Callable[[str], None]] = []

    def write(self, data: bytes) -> None:
        """Output of the board, in any pieces."""
        self._partial += data
        *lines, rest = bytes(self._partial).split(b"\n")
        self._partial = bytearray(rest)
        for line in lines:
            self._add(line)
        if len(self._partial) > _PARTIAL_MAX:
            self.end_line()

    def end_line(self) -> None:
        """The board was reset: what it was saying will not be finished."""
        if self._partial:
            line, self._partial = bytes(self._partial), bytearray()
            self._add(line)

    def close(self) -> None:
        """Close the file."""
        self.end_line()
        self._file.close()

    @property
    def count(self) -> int:
        """How many lines there have been."""
        with self._changed:
            return self._count

    def lines(self, since: int = 0) -> list[str]:
        """The lines after the first `since` (at most the last 20,000)."""
        with self._changed:
            skip = max(0, since - (self._count - len(self._lines)))
            return list(self._lines)[skip:]

    def wait_for(self, pattern: str, timeout_s: float, since: int = 0) -> re.Match[str]:
        """The first line after the first `since` in which the regular expression occurs; else BoardError."""
        deadline = time.monotonic() + timeout_s
        wanted = re.compile(pattern)
        with self._changed:
            while True:
                for line in self.lines(since):
                    match = wanted.search(line)
                    if match is not None:
                        return match
                if not self._changed.wait(deadline - time.monotonic()):
                    said = "\n".join(self.lines()[-20:])
                    raise BoardError(
                        f"{self._name} did not say /{pattern}/ in {timeout_s:g} s; its last lines:\n{said}"
                    )

    def _add(self, raw: bytes) -> None:
        raw = raw.rstrip(b"\r")
        self._file.write(raw + b"\n")
        line = raw.decode("utf-8", "replace")
        with self._changed:
            self._lines.append(line)
            self._count += 1
            self._changed.notify_all()
        for listener in self.listeners:
            listener(line)
