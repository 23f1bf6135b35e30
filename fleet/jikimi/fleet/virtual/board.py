"""A virtual board: a directory as flash, a pseudo-terminal as USB, a MicroPython process that a reset starts anew."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from jikimi.fleet.errors import BoardError
from jikimi.fleet.virtual import link
from jikimi.fleet.virtual.console import Console
from jikimi.fleet.virtual.interpreter import HEAP_BYTES, ROM_SOURCES, micropython_command
from jikimi.fleet.virtual.port import Port
from jikimi.fleet.virtual.process import Process
from jikimi.fleet.virtual.world import World

_T = TypeVar("_T")

_RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n"
_FRIENDLY_BANNER = b'Type "help()" for more information.\r\n'
_CTRL_A = b"\x01"
_INPUT_MAX = 4096
RESTART_STATUS = os.EX_TEMPFAIL
_FOREVER_MS = 0xFFFFFFFF

# A board that crashes again and again does it ever more slowly, so that it cannot eat the machine.
_CRASH_BACKOFF_S, _CRASH_BACKOFF_MAX_S, _SETTLED_S = 0.05, 5.0, 10.0


class VirtualBoard:
    """The board `name` in `world`, off until `start`. Methods may be called from any thread but the world's.

    `flash_dir` is made when it is not there. `command` runs something else than MicroPython in its place: a Linux
    gateway, which finds the same emulated modules on its PYTHONPATH. The port stays when the board is off or reset, as
    that of a board with a USB bridge chip. `log_path` gets every console line (default: beside the flash directory).
    """

    def __init__(
        self,
        name: str,
        flash_dir: Path,
        world: World,
        *,
        heap_bytes: int = HEAP_BYTES,
        log_path: Path | None = None,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.flash_dir = Path(flash_dir)
        self.flash_dir.mkdir(parents=True, exist_ok=True)
        self.boots = 0
        self._world = world
        self._heap_bytes = heap_bytes
        self._command = command
        self._extra_environment = dict(environment or {})
        self.console = Console(name, log_path or self.flash_dir.with_name(self.flash_dir.name + ".log"))
        self._process: Process | None = None
        self._held = bytearray()
        self._accepts_input = False
        self._raw = False
        self._tail = b""
        self._restart_as: tuple[int, float] | None = None
        self._crashes, self._spawned_s = 0, 0.0
        self._powered = False
        self._closed = False
        self._port = world.do(lambda: Port(self._received))
        world.controllers[name] = self

    # For users.

    def __enter__(self) -> VirtualBoard:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def port(self) -> str:
        """Path of the serial port."""
        return self._port.path

    @property
    def pid(self) -> int | None:
        """Process id of the interpreter; None while the board is off or between two runs."""
        process = self._process
        return process.pid if process else None

    def start(self) -> None:
        """Switch on; nothing when it is on."""
        self._in_world(self._power_on)

    def stop(self) -> None:
        """Switch off: the process is killed, flash stays, everything else is lost."""
        self._in_world(self._power_off)

    def kill(self) -> None:
        """Cut the power in the middle of whatever it does (SIGKILL); the board stays off until `start`."""
        self.stop()

    def reset(self) -> None:
        """Press the reset button; BoardError when it is off."""
        self._in_world(lambda: self._reset_now(link.HARD_RESET))

    def lines(self, since: int = 0) -> list[str]:
        """Console lines after the first `since`."""
        return self.console.lines(since)

    def wait_for(self, pattern: str, timeout_s: float, since: int = 0) -> re.Match[str]:
        """The first console line after the first `since` in which the regular expression occurs."""
        return self.console.wait_for(pattern, timeout_s, since)

    def close(self) -> None:
        """Switch off and unplug."""
        if not self._closed:
            self._closed = True
            self.stop()
            self._in_world(self._port.close)
            del self._world.controllers[self.name]
            self.console.close()

    def _in_world(self, function: Callable[[], _T]) -> _T:
        return self._world.do(function)

    # For the world (its thread only).

    def booted(self) -> int:
        """The process is about to run /boot.py: input may come. In the raw REPL /main.py is not run, as on a chip."""
        self._accepts_input = True
        if self._process is not None:
            if self._raw:
                self._process.write(_CTRL_A)
            held, self._held = bytes(self._held), bytearray()
            self._process.write(held)
        return int(self._raw)

    def restart(self, cause: int, after_s: float) -> None:
        """The board asked for a reset, or its watchdog did."""
        if self._process is not None:
            self._restart_as = (cause, after_s)
            self._process.kill()

    # Power.

    def _power_on(self) -> None:
        if self._powered:
            return
        self._powered = True
        self._crashes = 0
        self._raw = False
        hardware = self._world.hardware(self.name)
        hardware.power_up()
        self._spawn(link.PWRON_RESET)

    def _power_off(self) -> None:
        self._powered = False
        if self._process is not None:
            self._process.terminate()
        self._gone()
        self._world.hardware(self.name).power_down()

    def _reset_now(self, cause: int) -> None:
        if self._process is None:
            raise BoardError(f"{self.name} is off: start it first")
        self.restart(cause, 0.0)

    def _spawn(self, cause: int) -> None:
        if not self._powered or self._process is not None:
            return
        self._world.hardware(self.name).reset(cause)
        self._accepts_input = self._command is not None  # only our boot script says when it listens
        self._restart_as = None
        self._spawned_s = self._world.now()
        self.boots += 1
        command = self._command or micropython_command(self._heap_bytes)
        folder = self.flash_dir if self._command else ROM_SOURCES
        self._process = Process(command, self._environment(), folder, self._said, self._ended)

    def _environment(self) -> dict[str, str]:
        own = {
            "JIKIMI_WORLD": self._world.socket_path,
            "JIKIMI_BOARD": self.name,
            "JIKIMI_FLASH": str(self.flash_dir.resolve()),
            "JIKIMI_ROM": str(self._world.rom_dir),
        }
        if self._command is None:
            return own | self._extra_environment  # a chip inherits nothing
        return os.environ | {"PYTHONPATH": str(ROM_SOURCES), "PYTHONUNBUFFERED": "1"} | own | self._extra_environment

    def _gone(self) -> None:
        """The process has ended: nothing of its run may act any more."""
        self._process = None
        self._accepts_input = False
        self.console.end_line()
        self._world.disconnect(self.name)

    def _ended(self, code: int) -> None:
        asked, self._restart_as = self._restart_as, None
        self._gone()
        self._world.hardware(self.name).reset(link.HARD_RESET)  # outputs fall at once, whenever it starts again
        if asked is not None:
            cause, after_s = asked
            self._raw = False
            self._crashes = 0
            if cause == link.SOFT_RESET:
                self._announce("MPY: soft reboot")
            self._later(after_s, cause)
        elif code == RESTART_STATUS:  # a gateway's way to ask for a reset
            self._later(0.0, link.HARD_RESET)
        elif code == 0:  # Ctrl-D at the prompt, or sys.exit()
            self._announce("MPY: soft reboot")
            self._later(0.0, link.SOFT_RESET)
        else:
            self._crashed(code)

    def _crashed(self, code: int) -> None:
        self._raw = False
        settled = self._world.now() - self._spawned_s > _SETTLED_S
        self._crashes = 1 if settled else self._crashes + 1
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        self._announce(f"virtual board: the interpreter ended ({how}); reset")
        self._later(min(_CRASH_BACKOFF_MAX_S, _CRASH_BACKOFF_S * 2.0**self._crashes), link.HARD_RESET)

    def _later(self, after_s: float, cause: int) -> None:
        if after_s < _FOREVER_MS / 1000:
            self._world.loop.call_later(after_s, self._spawn, cause)

    # Console.

    def _received(self, data: bytes) -> None:
        """From the port. Before the board listens, input waits (a chip's USB buffer holds it, too)."""
        if self._process is None and not self._powered:
            return
        if self._process is None or not self._accepts_input:
            self._held += data[: _INPUT_MAX - len(self._held)]
            return
        self._process.write(data)

    def _announce(self, line: str) -> None:
        text = line.encode() + b"\r\n"
        self._port.send(text)
        self.console.write(text)

    def _said(self, data: bytes) -> None:
        self._follow_mode(data)
        # A chip ends lines with CR LF. In the raw REPL tools may move binary data, so it is left alone there.
        self._port.send(data if self._raw else _with_returns(data, self._tail[-1:]))
        self._tail = (self._tail + data)[-64:]
        self.console.write(data)

    def _follow_mode(self, data: bytes) -> None:
        recent = self._tail + data
        raw, friendly = recent.rfind(_RAW_BANNER), recent.rfind(_FRIENDLY_BANNER)
        if raw != friendly:
            self._raw = raw > friendly


def _with_returns(data: bytes, before: bytes) -> bytes:
    """`data` with each bare LF as CR LF; `before` is the byte before it."""
    return (
        re.sub(rb"(?<!\r)\n", b"\r\n", before + data)[len(before) :]
        if before != b"\n"
        else re.sub(rb"(?<!\r)\n", b"\r\n", data)
    )
