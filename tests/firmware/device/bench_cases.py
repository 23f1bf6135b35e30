"""The bench test of an inertial unit that is slow to start, on a computer that is slow to look."""

# ruff: noqa: T201 - stdout is the result.

import asyncio
import json

from jikimi.edge import bench_test

RATE_HZ = 100
START_MS = 2000


class Port:
    """Time passes when somebody waits, and `slow` times as much of it."""

    def __init__(self, slow):
        self.ms = 0
        self.slow = slow

    def ticks_ms(self):
        return self.ms

    def ticks_diff(self, later, earlier):
        return later - earlier

    async def sleep_ms(self, ms):
        self.ms += ms * self.slow


class Imu:
    """Lies still; its FIFO holds everything since it was started."""

    rate_hz = RATE_HZ
    acc_lsb_per_g = 100

    def __init__(self, port):
        self._port = port
        self._taken = self._begun = 0

    async def start(self):
        self._port.ms += START_MS
        self._begun = self._port.ms

    def read_into(self, samples):
        count = min(16, (self._port.ms - self._begun) * RATE_HZ // 1000 - self._taken)
        for i in range(count):
            self._taken += 1
            samples[12 * i + 4] = 100 + self._taken % 2  # 1 g along z, with its noise
        return count


class Hardware:
    def __init__(self, port):
        self.imu = lambda: Imu(port)


def tested(slow):
    bench = object.__new__(bench_test._Bench)
    bench._port = port = Port(slow)
    bench._hardware = Hardware(port)
    return asyncio.run(bench._imu())


print(json.dumps([tested(slow) for slow in (1, 8)]))
