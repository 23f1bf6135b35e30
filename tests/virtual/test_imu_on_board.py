# mypy: allow-untyped-calls
"""The same drivers in the real MicroPython, through `machine.I2C` of the virtual board."""

from __future__ import annotations

import json
import random

import pytest

from jikimi.fleet.virtual import image
from tests.virtual.conftest import PATIENCE_S
from tests.virtual.imu_bench import CLASSES

SCRIPT = """
import asyncio, gc, json, machine
from jikimi.edge import boards
from jikimi.wire.settings import IMU_RATES
from jikimi.edge.drivers.{kind} import {cls} as Driver
pins = boards.pins("virtual")
bus = machine.I2C(pins.i2c_id, scl=machine.Pin(pins.scl), sda=machine.Pin(pins.sda), freq=400_000)
async def main():
    imu = Driver(bus, IMU_RATES["{kind}"][0], asyncio.sleep_ms)
    failed = await imu.self_test()
    await imu.start()
    samples = bytearray(16 * 12)
    count = 0
    while count < 30:
        count += (new := imu.read_into(samples))
        await asyncio.sleep_ms(0 if new else 20)
    z = int.from_bytes(samples[4:6], "little")
    print("result", json.dumps([failed, imu.overruns, z / imu.acc_lsb_per_g]))
asyncio.run(main())
"""


@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_a_driver_tests_starts_and_reads_its_chip_on_micropython(boards, kind):
    boards.world.do(lambda: boards.world.hardware(kind).fit_imu(kind))
    flash = boards.folder / kind
    image.write_image(image.application(), flash)
    (flash / "bmi270.bin").write_bytes(random.Random(1).randbytes(8192))
    board = boards.add(kind, {"main.py": SCRIPT.format(kind=kind, cls=CLASSES[kind])})
    board.wait_for("^result", PATIENCE_S)
    line = next(line for line in board.lines() if line.startswith("result"))
    failed, overruns, z_g = json.loads(line.removeprefix("result "))
    assert (failed, overruns) == ("", 0)
    assert z_g == pytest.approx(1.0, abs=0.1)
