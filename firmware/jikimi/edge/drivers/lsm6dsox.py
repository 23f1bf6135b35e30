"""ST LSM6DSOX, six-axis inertial unit, on I2C (data sheet DS12814; section numbers are those of its chapter 9).

The chip samples both sensors at one rate into its FIFO, which runs continuously and keeps the newest; the driver moves
whole samples into the caller's buffer. Nothing is allocated per sample.
"""

from jikimi.edge.port import const

ADDRESS = const(0x6A)  # SA0 low; 0x6B with SA0 high
ACC_LSB_PER_G = const(2049)  # ±16 g: 0.488 mg/LSB (table 2)
GYRO_LSB_PER_DPS_X100 = const(1429)  # ±2000 dps: 70 mdps/LSB (table 2)
SAMPLE_BYTES = const(12)

_FIFO_CTRL3 = const(0x09)  # 9.8: batch rates, gyroscope in the upper half, accelerometer in the lower
_FIFO_CTRL4 = const(0x0A)  # 9.9: FIFO mode
_WHO_AM_I = const(0x0F)  # 9.14
_CTRL1_XL = const(0x10)  # 9.15: ODR_XL[7:4], FS_XL[3:2]
_CTRL2_G = const(0x11)  # 9.16: ODR_G[7:4], FS_G[3:2]
_CTRL3_C = const(0x12)  # 9.17: BDU, IF_INC, SW_RESET
_FIFO_STATUS1 = const(0x3A)  # 9.42: DIFF_FIFO[7:0]; 9.43 follows with the flags and DIFF_FIFO[9:8]
_FIFO_DATA_OUT_TAG = const(0x78)  # tag and six data bytes; reading on past 0x7E rolls back to the tag

_IDENTITY = const(0x6C)
_SW_RESET = const(0x01)
_BDU_IF_INC = const(0x44)  # whole samples only, and register addresses that count up
_FS_16_G = const(0x04)
_FS_2000_DPS = const(0x0C)
_BYPASS = const(0x00)
_CONTINUOUS = const(0x06)
_OVERRUN = const(0x48)  # FIFO_OVR_IA | FIFO_OVR_LATCHED
_TAG_GYRO = const(0x01)  # TAG_SENSOR[4:0] in bits 7:3 of the tag: gyroscope NC
_TAG_ACC = const(0x02)  # accelerometer NC
_WORD = const(7)
_BURST_WORDS = const(32)

_RATE_CODES = {52: 0x30, 104: 0x40, 208: 0x50}
_RESET_TRIES = const(20)


class Lsm6dsox:
    """`i2c` as machine.I2C; call `start` before `read_into`. `overruns` counts the times the FIFO was full.

    OSError from any method means the bus or the chip failed; `start` may then be tried again.
    """

    acc_lsb_per_g = ACC_LSB_PER_G
    gyro_lsb_per_dps_x100 = GYRO_LSB_PER_DPS_X100

    def __init__(self, i2c, rate_hz, sleep_ms, address=ADDRESS):
        self.rate_hz = rate_hz
        self.overruns = 0
        self._i2c = i2c
        self._address = address
        self._sleep_ms = sleep_ms
        self._one = bytearray(1)
        self._status = bytearray(2)
        self._raw = bytearray(_WORD * _BURST_WORDS)
        # A slice made once per length, so that reading a burst allocates nothing.
        self._bursts = [memoryview(self._raw)[: _WORD * words] for words in range(_BURST_WORDS + 1)]
        self._gyro = bytearray(6)

    async def start(self):
        """Reset and configure; OSError when no LSM6DSOX answers."""
        if self._read(_WHO_AM_I) != _IDENTITY:
            raise OSError("no LSM6DSOX at this address")
        self._write(_CTRL3_C, _SW_RESET)
        for _ in range(_RESET_TRIES):
            if not self._read(_CTRL3_C) & _SW_RESET:
                break
            await self._sleep_ms(1)
        else:
            raise OSError("LSM6DSOX does not come out of reset")
        rate = _RATE_CODES[self.rate_hz]
        self._write(_CTRL3_C, _BDU_IF_INC)
        self._write(_FIFO_CTRL4, _BYPASS)  # also empties it
        self._write(_CTRL1_XL, rate | _FS_16_G)
        self._write(_CTRL2_G, rate | _FS_2000_DPS)
        self._write(_FIFO_CTRL3, rate | rate >> 4)
        self._write(_FIFO_CTRL4, _CONTINUOUS)

    def read_into(self, samples):
        """Move samples from the FIFO to the buffer `samples` (int16 LE ax ay az gx gy gz each); how many, 0 when empty.

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

    def _read(self, register):
        self._i2c.readfrom_mem_into(self._address, register, self._one)
        return self._one[0]

    def _write(self, register, value):
        self._one[0] = value
        self._i2c.writeto_mem(self._address, register, self._one)
