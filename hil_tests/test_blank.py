"""A board with nothing but MicroPython, through the real mpremote."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from hil_tests.strategy import BOOT_S, State, Strategy
from jikimi.fleet.provision import usb
from jikimi.fleet.virtual import image
from jikimi.wire import settings

pytestmark = pytest.mark.needs(State.BLANK)

_MEASURE = """
import asyncio, machine
from jikimi.edge import boards
from jikimi.edge.drivers.{driver} import {name} as Imu
pins = boards.pins({pins!r})
bus = machine.I2C(pins.i2c_id, scl=machine.Pin(pins.scl), sda=machine.Pin(pins.sda), freq=400_000)
async def measure():
    imu = Imu(bus, {rate_hz}, asyncio.sleep_ms)
    await imu.start()
    samples = bytearray(12 * 16)
    for _ in range(100):
        if imu.read_into(samples):
            break
        await asyncio.sleep_ms(20)
    words = [int.from_bytes(samples[i : i + 2], 'little') for i in range(0, 6, 2)]
    print([(w - 65536 if w > 32767 else w) / imu.acc_lsb_per_g for w in words])
asyncio.run(measure())
"""


@pytest.fixture
def mpremote(board: Strategy):
    def run(*arguments: str) -> str:
        program = str(Path(sys.executable).with_name("mpremote"))
        command = [program, "connect", f"port:{board.place.port}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.replace("\r\n", "\n")

    yield run
    board.changed()


def test_it_answers_the_raw_repl(mpremote):
    assert mpremote("exec", "import sys; print(sys.implementation.name)") == "micropython\n"


def test_a_file_comes_back_as_it_was_sent(mpremote, tmp_path):
    content = bytes(range(256)) * 12
    (tmp_path / "sent").write_bytes(content)
    mpremote("fs", "cp", str(tmp_path / "sent"), ":kept.bin")
    mpremote("fs", "cp", ":kept.bin", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == content


def test_a_reset_starts_main_and_keeps_the_flash(board, mpremote):
    usb.install(board.place.port, {"/main.py": b"print('main runs')\n"}, reset=False)
    board.console.open()
    seen = board.console.count
    board.console.reset()
    board.console.wait_for("^main runs", BOOT_S, seen)
    board.console.close()


@pytest.mark.needs(State.BLANK, kind="tag")
def test_the_inertial_unit_says_who_it_is_and_feels_one_g(board, mpremote):
    code = {path: data for path, data in image.application(board.place.arch).items() if path.startswith("/lib/")}
    usb.install(board.place.port, code, reset=False)
    driver = board.place.imu
    rate_hz = settings.IMU_RATES[driver][0]
    told = {"pins": board.place.pins, "driver": driver, "name": driver.capitalize(), "rate_hz": rate_hz}
    said = mpremote("exec", _MEASURE.format(**told))
    x, y, z = ast.literal_eval(said.strip())
    assert (x * x + y * y + z * z) ** 0.5 == pytest.approx(1.0, abs=0.1)
