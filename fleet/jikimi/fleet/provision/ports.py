"""Serial ports of this computer at which there may be a board."""

from __future__ import annotations

from jikimi.fleet.errors import BoardError

# USB vendors of Espressif's own ports and of the bridge chips on its boards; others are modems and the like.
_VENDORS = {0x303A: "Espressif", 0x10C4: "Silicon Labs", 0x1A86: "WCH", 0x0403: "FTDI", 0x2E8A: "Raspberry Pi"}


def usb_ports() -> list[str]:
    """Ports with a USB vendor that boards have; BoardError when there are none."""
    from serial.tools import list_ports  # type: ignore[import-untyped]  # slow import

    found = sorted(port.device for port in list_ports.comports() if port.vid in _VENDORS)
    if not found:
        raise BoardError("no board on any USB port: plug one in, or name its port with --port")
    return found
