"""Sensors whose FIFO is never empty: is there a pause in which anybody else can run, and what is said of them?"""

# ruff: noqa: T201 - stdout is the result.

import asyncio
import json

from fake_time import FakePort

from jikimi.edge.drivers.max30102 import BURST as HEART_BURST
from jikimi.edge.drivers.ryuw122 import Ryuw122
from jikimi.edge.heart import Heart
from jikimi.edge.port import port
from jikimi.edge.sense import Sensing

# In reads without a pause: far more than any FIFO holds.
_HANGS = 200


class Chip:
    """It has as much as is asked for, always; `noise` makes each sample another one."""

    rate_hz, acc_lsb_per_g, gyro_lsb_per_dps_x100 = 100, 4096, 1640

    def __init__(self, noise):
        self._noise = noise
        self._reads = 0
        self.most = 0  # reads in a row
        self._last_ms = None
        self.here = FakePort()

    def _read(self):
        self._reads = self._reads + 1 if self.here.ms == self._last_ms else 1
        self._last_ms = self.here.ms
        self.most = max(self.most, self._reads)
        assert self._reads < _HANGS, "nobody else ever runs"
        return self._reads if self._noise else 0

    async def start(self):
        pass

    async def self_test(self):
        return ""

    def stop(self):
        pass


class Imu(Chip):
    def read_into(self, samples):
        samples[-12] = self._read() & 0x7F
        return len(samples) // 12


class Light(Chip):
    rate_hz = 25

    def read_into(self, red, infrared):
        value = 100_000 + self._read()
        for i in range(HEART_BURST):
            red[i] = infrared[i] = value
        return HEART_BURST


class Duty:
    on = True


async def inertial(noise):
    """What is said of an inertial unit within ten seconds, without repetitions; how often it was read in one go."""
    imu, said = Imu(noise), []
    sensing = Sensing(port().load_core(), imu, "waist", 2, imu.here, Duty, lambda *_: None, said.append)
    task = asyncio.create_task(sensing.run(lambda: None))
    await imu.here.pass_ms(10_000)
    task.cancel()
    return [sorted(set(said)), imu.most]


class Settings:
    rest_bpm, max_bpm = 60, 180


async def heart(noise):
    """How the reading of a heart-rate sensor ends."""
    light = Light(noise)
    beats = Heart(port().load_core(), light, Settings, light.here, lambda: None)
    task = asyncio.create_task(_ended(beats.run(Duty, lambda: None)))
    await light.here.pass_ms(10_000)
    return [await task, light.most]


async def _ended(work):
    try:
        await work
    except OSError as error:
        return str(error)
    return "never"


class Noise:
    """A serial line on which something has always come; lines of it, or none."""

    def __init__(self, data):
        self._data = data

    def any(self):
        return len(self._data)

    def read(self):
        return self._data

    def write(self, data):
        return len(data)


async def ranging(data):
    """How a command and an exchange of a ranging module end on such a line, and whether others ran meanwhile."""
    module, turns, said = Ryuw122(Noise(data), port()), [0], []

    async def others():
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    for work in (module.alive(), module.exchange("AAAAAAAA", "text")):
        before = turns[0]
        try:
            said.append(await work)
        except OSError as error:
            said.append(str(error))
        said.append(turns[0] > before + 2)
    task.cancel()
    return said


result = {("uwb", 0): asyncio.run(ranging(b"?\n")), ("uwb", 1): asyncio.run(ranging(b"\xff"))}
for noise in (0, 1):
    result["imu", noise] = asyncio.run(inertial(noise))
    result["heart", noise] = asyncio.run(heart(noise))
print(json.dumps({name + ("same", "noise")[noise]: found for (name, noise), found in result.items()}))
