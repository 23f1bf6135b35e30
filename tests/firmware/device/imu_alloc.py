"""How many bytes of heap a sample costs in the driver of each inertial unit."""

# ruff: noqa: T201 - stdout is the result.

import gc
import json

from jikimi.edge.drivers.bmi270 import Bmi270
from jikimi.edge.drivers.lsm6ds3trc import Lsm6ds3trc
from jikimi.edge.drivers.lsm6dsox import Lsm6dsox
from jikimi.edge.drivers.mpu6050 import Mpu6050
from jikimi.edge.port import port

SAMPLES = 16
ROUNDS = 60


class FullFifo:
    """A bus whose FIFO always holds sixteen samples; `level` is its register, `said` what that says, `word` the data.

    It allocates nothing itself.
    """

    def __init__(self, level, said, word):
        self._level = level
        self._said = said
        self._word = word

    def readfrom_mem_into(self, _address, register, buf):
        source = self._said if register == self._level else self._word
        for i in range(len(buf)):
            buf[i] = source[i % len(source)]


CHIPS = {
    "lsm6dsox": (Lsm6dsox, 104, FullFifo(0x3A, bytes([32, 0]), b"\x08abcdef\x10ghijkl")),
    "lsm6ds3trc": (Lsm6ds3trc, 104, FullFifo(0x3A, bytes([97, 0, 5, 0]), b"abcdefghijkl")),
    "mpu6050": (Mpu6050, 100, FullFifo(0x72, bytes([0, 192]), b"abcdefghijk\x00")),
    "bmi270": (Bmi270, 100, FullFifo(0x24, bytes([208, 0]), b"\x8cabcdefghijkl")),
}


class NoOverflow:
    """An MPU-6050 is first asked whether its FIFO has run over."""

    def __init__(self, bus):
        self._bus = bus

    def readfrom_mem_into(self, address, register, buf):
        if register == 0x3A:
            buf[0] = 0
        else:
            self._bus.readfrom_mem_into(address, register, buf)


def cost(name):
    driver, rate_hz, bus = CHIPS[name]
    imu = driver(NoOverflow(bus) if name == "mpu6050" else bus, rate_hz, port().sleep_ms)
    samples = bytearray(12 * SAMPLES)
    read = imu.read_into(samples)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(ROUNDS):
        read += imu.read_into(samples)
    used = gc.mem_alloc() - before
    gc.enable()
    return [read, used]


print(json.dumps({name: cost(name) for name in CHIPS}))
