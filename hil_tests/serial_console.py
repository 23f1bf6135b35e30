"""A board's console by its serial port, read all the time it is open."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import serial  # type: ignore[import-untyped]

from jikimi.fleet.virtual.console import Console

_READ_S = 0.05
_REOPEN_S = 0.1
_OPEN_S = 60.0


class SerialConsole:
    """Open from `open` to `close`; meanwhile no other tool may use the port. A port that goes away is opened again."""

    def __init__(self, name: str, port: str, log_path: Path) -> None:
        self._port = port
        self._console = Console(name, log_path)
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._opened = threading.Event()
        self._serial: serial.Serial | None = None

    def open(self) -> None:
        """Start to read."""
        if self._thread is None:
            self._stop.clear()
            self._opened.clear()
            self._thread = threading.Thread(target=self._read, name=f"console {self._port}")
            self._thread.start()
        if not self._opened.wait(_OPEN_S):
            raise TimeoutError(f"{self._port} cannot be opened")

    def close(self) -> None:
        """Stop to read, and let go of the port."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def finish(self) -> None:
        """At the end of the bench."""
        self.close()
        self._console.close()

    @property
    def count(self) -> int:
        """Lines so far."""
        return self._console.count

    def lines(self, since: int = 0) -> list[str]:
        """Lines after the first `since`."""
        return self._console.lines(since)

    def wait_for(self, pattern: str, timeout_s: float, since: int = 0) -> str:
        """The first line after the first `since` in which the regular expression occurs."""
        return self._console.wait_for(pattern, timeout_s, since).string

    def reset(self) -> None:
        """Stop what runs and reset the board from its prompt."""
        self._write(b"\r\x03\x03\x02")
        self._write(b"\rimport machine\rmachine.reset()\r")

    def _write(self, data: bytes) -> None:
        port = self._serial
        assert port is not None
        port.write(data)
        port.flush()

    def _read(self) -> None:
        while not self._stop.is_set():
            try:
                with serial.Serial(self._port, 115200, timeout=_READ_S, exclusive=True) as port:
                    self._serial = port
                    self._opened.set()
                    while not self._stop.is_set():
                        self._console.write(port.read(4096))
            except (serial.SerialException, OSError):
                time.sleep(_REOPEN_S)  # a board with its own USB leaves the bus while it resets
