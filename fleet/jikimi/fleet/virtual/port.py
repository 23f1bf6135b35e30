"""The board's serial port: a pseudo-terminal that tools open, there as long as the board is plugged in."""

from __future__ import annotations

import asyncio
import os
import pty
import tty
from collections.abc import Callable


class Port:
    """`received(data)` gets what a tool sends. Output nobody reads is dropped when the buffer is full, as USB does."""

    def __init__(self, received: Callable[[bytes], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = received
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)  # no echo, no line editing: bytes as they are
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self.dropped = 0
        self._loop.add_reader(self._master, self._readable)

    def send(self, data: bytes) -> None:
        """Output of the board."""
        try:
            sent = os.write(self._master, data)
        except BlockingIOError:
            sent = 0
        self.dropped += len(data) - sent

    def pause(self) -> None:
        """Take no more input until `resume`."""
        self._loop.remove_reader(self._master)

    def resume(self) -> None:
        """Take input again."""
        self._loop.add_reader(self._master, self._readable)

    def close(self) -> None:
        """Unplug it."""
        self._loop.remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)

    def _readable(self) -> None:
        self._received(os.read(self._master, 4096))
