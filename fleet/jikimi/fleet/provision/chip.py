"""What a board says about itself before anything is put onto it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jikimi.fleet.errors import BoardError

if TYPE_CHECKING:
    from jikimi.fleet.provision.usb import Board

# MicroPython's own numbers (py/persistentcode.h): which native code an interpreter runs.
_ARCHS = {2: "x64", 9: "xtensa", 10: "xtensawin", 11: "rv32imc"}
_MPY_VERSION = 6
_BYTECODE_MASK = 0xFF
_ARCH_SHIFT, _ARCH_MASK = 10, 0x0F

# An application that ran before may have left its watchdog running, which a soft reset does not stop on every chip: it
# gets longer than a session takes. The reset at the end starts it anew.
_ASK = """
import binascii, json, machine, sys
def said():
    try:
        with open('/config.json') as f:
            values = json.load(f)
        return values.get('site'), values.get('device')
    except (OSError, ValueError, AttributeError):
        return None, None
def ran():
    try:
        open('/main.py').close()
    except OSError:
        return False
    return True
if ran():
    machine.WDT(timeout=300000)
i = sys.implementation
print((binascii.hexlify(machine.unique_id()).decode(), getattr(i, '_mpy', 0), getattr(i, '_machine', ''),
       '.'.join([str(n) for n in i.version[:3]])) + said())
"""


@dataclass(frozen=True)
class Chip:
    """Identity of a board; `board` is what the chip calls itself, hexadecimal, and never goes on the air."""

    board: str
    arch: str
    machine: str
    micropython: str
    site: str | None  # as its flash says: of the site and the device it was provisioned for
    device: str | None


def identify(board: Board) -> Chip:
    """Ask the board; BoardError when it runs a MicroPython that our code is not compiled for."""
    ident, mpy, machine, version, site, device = board.ask(_ASK)
    if mpy & _BYTECODE_MASK != _MPY_VERSION:
        raise BoardError(
            f"MicroPython {version} on the board at {board.port} does not take .mpy files of version {_MPY_VERSION}: "
            "put a newer one onto it with `jikimi device flash`"
        )
    arch = _ARCHS.get(mpy >> _ARCH_SHIFT & _ARCH_MASK)
    if arch is None:
        raise BoardError(f"{machine} at {board.port} is a chip we have no native core for")
    return Chip(ident, arch, machine, version, site, device)
