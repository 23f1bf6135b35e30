"""ST LSM6DS3TR-C, six-axis inertial unit, on I2C (data sheet DocID030071; register names are section titles there).

Registers as its younger sister's; the FIFO holds bare 16-bit words in a repeating pattern, gyroscope x y z, then
accelerometer x y z. Nothing is allocated per sample.
"""

from jikimi.edge.drivers.imu import BURST, SAMPLE_BYTES
from jikimi.edge.drivers.st_imu import StImu
from jikimi.edge.port import const

_FIFO_CTRL3 = const(0x08)  # "FIFO_CTRL3 (08h)": DEC_FIFO_GYRO[5:3], DEC_FIFO_XL[2:0]
_FIFO_CTRL5 = const(0x0A)  # "FIFO_CTRL5 (0Ah)": ODR_FIFO[6:3], FIFO_MODE[2:0]
_FIFO_STATUS1 = const(0x3A)  # "FIFO_STATUS1 (3Ah)": DIFF_FIFO[7:0]; then flags and DIFF_FIFO[10:8]; then FIFO_PATTERN
_FIFO_DATA_OUT_L = const(0x3E)  # "FIFO_DATA_OUT_L (3Eh)": reading on past 0x3F rolls back to it

_NO_DECIMATION = const(0x09)
_BYPASS = const(0x00)
_CONTINUOUS = const(0x06)
_OVER_RUN = const(0x40)
_PATTERN = const(6)
_STEP = const(12)  # a constant of this file: MicroPython makes an object of a range with any other step


class Lsm6ds3trc(StImu):
    """As drivers/imu.py says."""

    NAME = "LSM6DS3TR-C"
    IDENTITY = 0x6A
    LEAST_TEST_MG = 90  # table 3

    def __init__(self, i2c, rate_hz, sleep_ms):
        super().__init__(i2c, rate_hz, sleep_ms)
        self._status = bytearray(4)
        self._raw = bytearray(SAMPLE_BYTES * BURST)
        self._bursts = [memoryview(self._raw)[: SAMPLE_BYTES * n] for n in range(BURST + 1)]
        self._odd = [memoryview(self._raw)[: 2 * words] for words in range(_PATTERN)]

    def _start_fifo(self, rate):
        self._write(_FIFO_CTRL5, _BYPASS)  # also empties it
        self._write(_FIFO_CTRL3, _NO_DECIMATION)
        self._write(_FIFO_CTRL5, rate >> 1 | _CONTINUOUS)

    def read_into(self, samples):
        """Move samples from the FIFO to `samples`; how many."""
        status = self._status
        self._i2c.readfrom_mem_into(self._address, _FIFO_STATUS1, status)
        words = status[0] | (status[1] & 7) << 8
        if status[1] & _OVER_RUN:
            self.overruns += 1
        # What was overwritten may end inside a sample: the pattern says how many words are left of it.
        odd = (_PATTERN - (status[2] | (status[3] & 3) << 8) % _PATTERN) % _PATTERN
        count = min((words - odd) // _PATTERN, len(samples) // SAMPLE_BYTES, BURST)
        if count <= 0:
            return 0
        if odd:
            self._i2c.readfrom_mem_into(self._address, _FIFO_DATA_OUT_L, self._odd[odd])
        self._i2c.readfrom_mem_into(self._address, _FIFO_DATA_OUT_L, self._bursts[count])
        self._unpack(count, samples)
        return count

    def _unpack(self, count, samples):
        raw = self._raw
        for at in range(0, count * _STEP, _STEP):
            for i in range(6):
                samples[at + 6 + i] = raw[at + i]
                samples[at + i] = raw[at + 6 + i]
