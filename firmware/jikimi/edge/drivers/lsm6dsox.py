"""ST LSM6DSOX, six-axis inertial unit, on I2C (data sheet DS12814; section numbers are those of its chapter 9).

The chip samples both sensors at one rate into its FIFO, which runs continuously and keeps the newest; the driver moves
whole samples into the caller's buffer. Nothing is allocated per sample.
"""

from jikimi.edge.drivers.imu import BURST, SAMPLE_BYTES
from jikimi.edge.drivers.st_imu import StImu
from jikimi.edge.port import const

_FIFO_CTRL3 = const(0x09)  # 9.8: batch rates, gyroscope in the upper half, accelerometer in the lower
_FIFO_CTRL4 = const(0x0A)  # 9.9: FIFO mode
_FIFO_STATUS1 = const(0x3A)  # 9.42: DIFF_FIFO[7:0]; 9.43 follows with the flags and DIFF_FIFO[9:8]
_FIFO_DATA_OUT_TAG = const(0x78)  # tag and six data bytes; reading on past 0x7E rolls back to the tag

_BYPASS = const(0x00)
_CONTINUOUS = const(0x06)
_OVERRUN = const(0x48)  # FIFO_OVR_IA | FIFO_OVR_LATCHED
_TAG_GYRO = const(0x01)  # TAG_SENSOR[4:0] in bits 7:3 of the tag: gyroscope NC
_TAG_ACC = const(0x02)  # accelerometer NC
_WORD = const(7)
_BURST_WORDS = 2 * BURST


class Lsm6dsox(StImu):
    """As drivers/imu.py says."""

    NAME = "LSM6DSOX"
    IDENTITY = 0x6C  # 9.14
    LEAST_TEST_MG = 50  # table 2

    def __init__(self, i2c, rate_hz, sleep_ms):
        super().__init__(i2c, rate_hz, sleep_ms)
        self._status = bytearray(2)
        self._raw = bytearray(_WORD * _BURST_WORDS)
        # A slice made once per length, so that reading a burst allocates nothing.
        self._bursts = [memoryview(self._raw)[: _WORD * words] for words in range(_BURST_WORDS + 1)]
        self._gyro = bytearray(6)

    def _start_fifo(self, rate):
        self._write(_FIFO_CTRL4, _BYPASS)  # also empties it
        self._write(_FIFO_CTRL3, rate | rate >> 4)
        self._write(_FIFO_CTRL4, _CONTINUOUS)

    def read_into(self, samples):
        """Move samples from the FIFO to `samples`; how many.

        A sample is an accelerometer word with the gyroscope word before it; after an overrun the first may pair with
        an older one.
        """
        self._i2c.readfrom_mem_into(self._address, _FIFO_STATUS1, self._status)
        if self._status[1] & _OVERRUN:
            self.overruns += 1
        words = self._status[0] | (self._status[1] & 3) << 8
        room_words = 2 * (len(samples) // SAMPLE_BYTES)
        words = min(words, room_words, _BURST_WORDS)
        if not words:
            return 0
        self._i2c.readfrom_mem_into(self._address, _FIFO_DATA_OUT_TAG, self._bursts[words])
        return self._unpack(words, samples)

    def _unpack(self, words, samples):
        raw, gyro = self._raw, self._gyro
        at = 0
        for start in range(0, words * _WORD, _WORD):
            sensor = raw[start] >> 3
            if sensor == _TAG_GYRO:
                for i in range(6):
                    gyro[i] = raw[start + 1 + i]
            elif sensor == _TAG_ACC:
                for i in range(6):
                    samples[at + i] = raw[start + 1 + i]
                    samples[at + 6 + i] = gyro[i]
                at += SAMPLE_BYTES
        return at // SAMPLE_BYTES
