"""Virtual boards: a real MicroPython process each, with chips, pins and radio emulated in this process.

    with World(bodies, channel) as world:
        board = VirtualBoard("tag-1", flash_dir, world)
        board.start()
        board.wait_for("jk boot", timeout_s=10)

`world` serves every board of the process; `board.port` is what mpremote and other serial tools open.
"""

from jikimi.fleet.virtual.board import VirtualBoard
from jikimi.fleet.virtual.hardware import Faults, Output
from jikimi.fleet.virtual.world import Bench, Body, Channel, StillBody, Vacuum, World

__all__ = ["Bench", "Body", "Channel", "Faults", "Output", "StillBody", "Vacuum", "VirtualBoard", "World"]
