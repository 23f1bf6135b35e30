"""Serial ports of this computer at which there may be a board."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from jikimi.fleet.errors import BoardError

# USB vendors of Espressif's own ports and of the bridge chips on its boards; others are modems and the like.
_VENDORS = {0x303A: "Espressif", 0x10C4: "Silicon Labs", 0x1A86: "WCH", 0x0403: "FTDI", 0x2E8A: "Raspberry Pi"}


def check_port(port: str) -> None:
    """Before a board is looked for: BoardError, with what to do, for a port that cannot be used by us at all."""
    path = Path(port)
    if "://" in port or os.name != "posix":
        return  # pyserial's own addresses; ports without a file
    if not path.exists():
        raise BoardError(f"there is no port {port}: is the board plugged in? `--all-ports` finds boards")
    if not path.is_char_device():
        raise BoardError(f"{port} is no serial port")
    if not os.access(path, os.R_OK | os.W_OK):
        raise BoardError(
            f"{port} may not be used by {getpass.getuser()}: join the group {_group(path)} "
            f"(sudo usermod -aG {_group(path)} {getpass.getuser()}), then log in again"
        )


def _group(path: Path) -> str:
    try:
        return path.group()
    except KeyError:  # a group without a name
        return str(path.stat().st_gid)


def usb_ports() -> list[str]:
    """Ports with a USB vendor that boards have; BoardError when there are none."""
    from serial.tools import list_ports  # type: ignore[import-untyped]  # slow import

    found = sorted(port.device for port in list_ports.comports() if port.vid in _VENDORS)
    if not found:
        raise BoardError("no board on any USB port: plug one in, or name its port with --port")
    return found
