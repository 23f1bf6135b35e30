# mypy: allow-untyped-calls
"""The heart-rate sensor in the real MicroPython, through `machine.I2C` of the virtual board."""

from __future__ import annotations

import numpy as np

from jikimi.fleet.virtual import image
from jikimi.fleet.virtual.ppg import Ppg
from tests.virtual.conftest import PATIENCE_S

SCRIPT = """
import asyncio, machine
from jikimi.edge import boards
from jikimi.edge.drivers.max30102 import Max30102
from jikimi.edge.heart import Heart
from jikimi.edge.port import port
from jikimi.wire.section import Section
pins = boards.pins("virtual")
bus = machine.I2C(pins.i2c_id, scl=machine.Pin(pins.scl), sda=machine.Pin(pins.sda), freq=400_000)
class Duty:
    on = True
async def main():
    here = port()
    wearer = Section({"rest_bpm": 60, "max_bpm": 185})
    heart = Heart(here.load_core(), Max30102(bus, here.sleep_ms), wearer, here, print)
    await heart.start()
    def beat():
        Duty.on = heart.beats.bpm is None
    await heart.run(Duty, beat)
    print("rate", heart.beats.bpm)
asyncio.run(main())
"""


def test_a_rate_is_found_on_micropython(boards):
    wearer = Ppg(lambda t: np.full_like(t, 120.0), seed=1)
    boards.world.do(lambda: boards.world.hardware("tag").fit_heart(wearer.light))
    image.write_image(image.application(), boards.folder / "tag")
    board = boards.add("tag", {"main.py": SCRIPT})
    board.wait_for("^rate", PATIENCE_S)
    rate = int(next(line for line in board.lines() if line.startswith("rate")).split()[1])
    assert abs(rate - 120) <= 4
