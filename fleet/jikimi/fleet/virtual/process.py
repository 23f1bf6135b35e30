"""The process of one run of a board, from reset to reset: its console as a socket, interrupt, kill, exit.

All methods belong to the world's thread. The console is a socket pair and not a terminal: MicroPython throws away
waiting input each time it changes a terminal's mode, a chip's serial line does not.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jikimi.fleet.services import launch

_CTRL_C = b"\x03"
_SIGINT_BIT = 1 << (signal.SIGINT - 1)
_READ_BYTES = 4096


class Process:
    """A process in `folder`; `output(data)` gets its console, `ended(code)` its end (negative: killed by a signal)."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        output: Callable[[bytes], None],
        ended: Callable[[int], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._output, self._ended = output, ended
        self._waiting = bytearray()
        self._console, inner = socket.socketpair()
        with inner:
            fd = inner.fileno()
            # The kernel kills it with this thread, which ends only when the world does.
            wrapped = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), *command]
            self._popen = subprocess.Popen(
                wrapped, stdin=fd, stdout=fd, stderr=fd, cwd=folder, env=dict(environment), start_new_session=True
            )
        self._console.setblocking(False)
        self._exit_fd = os.pidfd_open(self._popen.pid)
        self._loop.add_reader(self._console, self._readable)
        self._loop.add_reader(self._exit_fd, self._exited)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._popen.pid

    @property
    def backlog(self) -> int:
        """Bytes of input the process has not taken yet."""
        return len(self._waiting)

    def write(self, data: bytes) -> None:
        """Input for the console; Ctrl-C interrupts a running program as the USB driver of a chip does."""
        *before, last = data.split(_CTRL_C)
        for part in before:
            self._feed(part)
            self._interrupt()
        self._feed(last)

    def kill(self) -> None:
        """As if the power were cut."""
        self._popen.kill()

    def terminate(self) -> None:
        """Kill it and wait for its end, without telling `ended`."""
        self._popen.kill()
        self._popen.wait()
        self._close()

    def _feed(self, data: bytes) -> None:
        self._waiting += data
        self._writable()

    def _writable(self) -> None:
        try:
            while self._waiting:
                del self._waiting[: self._console.send(self._waiting)]
            self._loop.remove_writer(self._console)
        except BlockingIOError:
            self._loop.add_writer(self._console, self._writable)
        except OSError:
            self._waiting.clear()  # it has just ended; `_exited` will tell

    def _interrupt(self) -> None:
        """SIGINT while a program runs, the byte 3 at the prompt.

        MicroPython catches SIGINT only while a program runs; at the prompt the signal would kill it. So the process
        is stopped before we look, and cannot change its mind between the look and the signal.
        """
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if self._catches_sigint():
            os.kill(self.pid, signal.SIGINT)
        else:
            self._feed(_CTRL_C)
        os.kill(self.pid, signal.SIGCONT)

    def _catches_sigint(self) -> bool:
        status = Path(f"/proc/{self.pid}/status").read_text()
        for line in status.splitlines():
            name, _, value = line.partition(":")
            if name == "SigCgt":
                return bool(int(value, 16) & _SIGINT_BIT)
        return False

    def _readable(self) -> None:
        try:
            data = self._console.recv(_READ_BYTES)
        except OSError:
            data = b""
        if data:
            self._output(data)
        else:
            self._loop.remove_reader(self._console)

    def _exited(self) -> None:
        code = self._popen.wait()
        self._drain()
        self._close()
        self._ended(code)

    def _drain(self) -> None:
        while True:
            try:
                data = self._console.recv(_READ_BYTES)
            except OSError:
                return
            if not data:
                return
            self._output(data)

    def _close(self) -> None:
        self._loop.remove_reader(self._console)
        self._loop.remove_writer(self._console)
        self._loop.remove_reader(self._exit_fd)
        self._console.close()
        os.close(self._exit_fd)
