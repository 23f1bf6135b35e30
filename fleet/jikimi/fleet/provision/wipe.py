"""Erasing everything on a board's flash that is ours or anybody's: keys, settings, journal, application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jikimi.fleet import registry
from jikimi.fleet.errors import BoardError
from jikimi.fleet.provision import usb
from jikimi.fleet.provision.chip import identify
from jikimi.fleet.registry import states

if TYPE_CHECKING:
    from jikimi.fleet.provision.ladder import Say
    from jikimi.fleet.site import Site

_FILL_S = 180.0  # a flash of some megabytes takes a minute or two to be written full
# A removed file's blocks keep their content until they are used again, so they are used again: filled up once. Where
# there is more than a chip has, it is the disk of a computer.
_ERASE = """
import os
def erase(folder):
    left = []
    for entry in os.ilistdir(folder):
        path = folder + entry[0]
        if path == '/rom':
            continue
        if entry[1] == 0x4000:
            left += erase(path + '/')
            os.rmdir(path)
        else:
            os.remove(path)
    return left
erase('/')
block, _, _, free = os.statvfs('/')[:4]
if block * free <= 16 << 20:
    filler = bytes(block)
    try:
        with open('/filler', 'wb') as f:
            for _ in range(max(0, free - 4)):
                f.write(filler)
    except OSError as error:
        if error.errno != 28:
            raise
    os.remove('/filler')
print(repr([entry[0] for entry in os.ilistdir('/') if entry[0] != 'rom']))
"""


def wipe(site: Site, port: str, say: Say, *, person_s: float = 0.0) -> str | None:
    """Erase the board at `port`; the id of the device that lived on it, which is `wiped` then, or None.

    BoardError when something is left on it.
    """
    with usb.connected(port, say, person_s=person_s) as board:
        known = registry.on_board(site, identify(board).board)
        left = board.ask(_ERASE, _FILL_S)
        if left:
            raise BoardError(f"{', '.join(left)} at {port} cannot be erased: try `jikimi device flash --erase`")
        if known is not None and known.state != states.WIPED:
            registry.mark_wiped(site, known.device)
        board.reset()
    return known.device if known else None
