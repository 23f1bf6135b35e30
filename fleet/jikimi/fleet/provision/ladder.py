"""How a board is brought to its raw REPL: four rungs, each for boards on which the one before has failed.

1. interrupt and soft reset: what runs is stopped, nothing of it stays in memory
2. interrupt without soft reset: for boards whose soft reset hangs or starts the application again
3. the reset lines (DTR and RTS), with the boot pin released: for boards that do not listen at all
4. a person, who is asked to unplug the board and plug it in again
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from jikimi.fleet.errors import BoardError

Say = Callable[[str], None]

_BANNER = b"raw REPL; CTRL-B to exit\r\n"
PROMPT = _BANNER + b">"
_REBOOTED = b"soft reboot\r\n"
_INTERRUPT = b"\r\x03\x03"
_RAW = b"\r\x01"
_SOFT_RESET = b"\x04"
_ANSWER_S = 3.0  # on a rung; a board that is just booting needs a second or two
_TRY_S = 0.5
_RESET_S = 0.1
_BOOT_S = 8.0  # after the reset lines
PERSON_S = 60.0  # for somebody to walk to the board


def to_raw_repl(transport: Any, port: str, say: Say, *, person_s: float = 0.0) -> str:
    """Bring the board at mpremote's open `transport` to its raw REPL; the rung that worked, for the log.

    `say` gets what is tried. With `person_s` somebody is asked for a power cycle and given that many seconds.
    BoardError when no rung holds.
    """
    for name, climb in _rungs(transport, say, person_s):
        if climb() and _settled(transport):
            transport.in_raw_repl = True
            return name
        say(f"{port}: no answer after {name}")
    raise BoardError(
        f"the board at {port} does not answer: unplug it, plug it in again, and try once more. If it still does not, "
        "it has no MicroPython (`jikimi device flash`), or another program uses the port"
    )


def _rungs(transport: Any, say: Say, person_s: float) -> Iterator[tuple[str, Callable[[], bool]]]:
    yield "soft reset", lambda: _soft(transport)
    yield "interrupt without soft reset", lambda: _prompted(transport, _ANSWER_S)
    if _has_reset_lines(transport):
        yield "reset lines", lambda: _by_lines(transport)
    if person_s > 0:
        say("please unplug the board and plug it in again")
        yield "power cycle", lambda: _prompted(transport, person_s)


def _soft(transport: Any) -> bool:
    if not _prompted(transport, _ANSWER_S):
        return False
    transport.serial.write(_SOFT_RESET)
    rebooted: bytes = transport.read_until(1, _REBOOTED, timeout=_ANSWER_S, timeout_overall=_ANSWER_S)
    if not rebooted.endswith(_REBOOTED):
        return False
    answer: bytes = transport.read_until(1, PROMPT, timeout=_ANSWER_S, timeout_overall=_ANSWER_S)
    return answer.endswith(PROMPT)


def _prompted(transport: Any, patience_s: float) -> bool:
    """Ask again and again: what is sent to a booting board is lost."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        transport.serial.write(_INTERRUPT)
        transport.serial.write(_RAW)
        if transport.read_until(1, PROMPT, timeout=_TRY_S, timeout_overall=_TRY_S).endswith(PROMPT):
            return True
    return False


def _settled(transport: Any) -> bool:
    """Leave exactly one prompt to be read, as mpremote expects it: several may have been asked for."""
    while transport.serial.in_waiting:
        transport.serial.read(transport.serial.in_waiting)
    transport.serial.write(b"\x03\x01")
    answer: bytes = transport.read_until(1, _BANNER, timeout=_ANSWER_S, timeout_overall=_ANSWER_S)
    return answer.endswith(_BANNER)


def _has_reset_lines(transport: Any) -> bool:
    """A pseudo-terminal and some gateways have none; writing what is there already changes nothing."""
    try:
        transport.serial.dtr = transport.serial.dtr
    except OSError:
        return False
    return True


def _by_lines(transport: Any) -> bool:
    """The circuit of Espressif's boards: RTS low pulls EN down; DTR stays off, or the chip would enter its loader."""
    transport.serial.dtr = False
    transport.serial.rts = True
    time.sleep(_RESET_S)
    transport.serial.rts = False
    return _prompted(transport, _BOOT_S)
