"""InvenSense MPU-6050, six-axis inertial unit, on I2C (register map RM-MPU-6000A-00 revision 4.2, chapter 4).

Sections there are titled by register number, and cited so. The FIFO holds samples big endian, accelerometer before
gyroscope. When it overflows the chip drops single bytes, so that nothing in it can be trusted: the driver empties it.
Nothing is allocated per sample.
"""

from jikimi.edge.drivers.imu import BURST, SAMPLE_BYTES, Imu
from jikimi.edge.port import const

ADDRESS = const(0x68)  # AD0 low; 0x69 with AD0 high

_SELF_TEST_X = const(0x0D)  # registers 13 to 16: trim codes, XA_TEST[4:2] and XG_TEST[4:0]; y, z; then XA_TEST[1:0] …
_SMPLRT_DIV = const(0x19)  # register 25: sample rate = 1 kHz / (1 + this)
_CONFIG = const(0x1A)  # register 26: DLPF_CFG[2:0]
_GYRO_CONFIG = const(0x1B)  # register 27: self-test [7:5], FS_SEL[4:3]
_ACCEL_CONFIG = const(0x1C)  # register 28: self-test [7:5], AFS_SEL[4:3]
_FIFO_EN = const(0x23)  # register 35: XG, YG, ZG, ACCEL
_INT_ENABLE = const(0x38)  # register 56: FIFO_OFLOW_EN
_INT_STATUS = const(0x3A)  # register 58: FIFO_OFLOW_INT, cleared by reading
_ACCEL_XOUT_H = const(0x3B)  # registers 59 to 64
_GYRO_XOUT_H = const(0x43)  # registers 67 to 72
_USER_CTRL = const(0x6A)  # register 106: FIFO_EN, FIFO_RESET
_PWR_MGMT_1 = const(0x6B)  # register 107: DEVICE_RESET, SLEEP, CLKSEL
_FIFO_COUNTH = const(0x72)  # registers 114 and 115
_FIFO_R_W = const(0x74)  # register 116
_WHO_AM_I = const(0x75)  # register 117

_IDENTITY = const(0x68)
_DEVICE_RESET = const(0x80)
_SLEEP = const(0x40)
_CLOCK_BY_GYRO = const(0x01)
_FULL_SCALE = const(0x18)  # ±16 g, ±2000 dps
_BOTH_IN_FIFO = const(0x78)
_FIFO_OFLOW = const(0x10)
_FIFO_ON = const(0x40)
_FIFO_RESET = const(0x04)

# Divider of 1 kHz, and the low-pass filter below half the rate (94/98, 44/42, 21/20 Hz; register 26).
_RATES = {200: (4, 2), 100: (9, 3), 50: (19, 4)}

# Self-test (section 4.1 of the register map): ±8 g is 4096 LSB/g, ±250 dps is 131 LSB/dps, and the change must be
# within 14 % of the factory's.
_TEST_ACC = const(0x10)
_TEST_GYRO = const(0x00)
_TEST_ON = const(0xE0)
_SETTLE_MS = const(50)
_TOLERANCE_PERCENT = const(14)
_STEADY_ACC = const(82)  # 20 mg
_STEADY_GYRO = const(262)  # 2 deg/s


class Mpu6050(Imu):
    """As drivers/imu.py says."""

    ORDER = "big"
    acc_lsb_per_g = 2048  # ±16 g (register 28)
    gyro_lsb_per_dps_x100 = 1640  # ±2000 dps (register 27)

    def __init__(self, i2c, rate_hz, sleep_ms, address=ADDRESS):
        super().__init__(i2c, address, rate_hz, sleep_ms)
        self._two = bytearray(2)
        self._raw = bytearray(SAMPLE_BYTES * BURST)
        self._bursts = [memoryview(self._raw)[: SAMPLE_BYTES * n] for n in range(BURST + 1)]

    async def start(self):
        """Reset and configure; OSError when no MPU-6050 answers."""
        await self._wake()
        divider, low_pass = _RATES[self.rate_hz]
        self._settings = [(_WHO_AM_I, _IDENTITY), (_PWR_MGMT_1, _CLOCK_BY_GYRO)]
        self._set(_SMPLRT_DIV, divider)
        self._set(_CONFIG, low_pass)
        self._set(_GYRO_CONFIG, _FULL_SCALE)
        self._set(_ACCEL_CONFIG, _FULL_SCALE)
        self._set(_INT_ENABLE, _FIFO_OFLOW)
        self._set(_FIFO_EN, _BOTH_IN_FIFO)
        self._empty_fifo()

    def stop(self):
        """Sleep."""
        self._write(_PWR_MGMT_1, _SLEEP)

    async def _wake(self):
        if self._read(_WHO_AM_I) != _IDENTITY:
            raise OSError("no MPU-6050 at this address")
        self._write(_PWR_MGMT_1, _DEVICE_RESET)
        await self._reset_done(_PWR_MGMT_1, _DEVICE_RESET, "MPU-6050")
        self._write(_PWR_MGMT_1, _CLOCK_BY_GYRO)

    def _empty_fifo(self):
        self._write(_USER_CTRL, _FIFO_RESET)  # works only while the FIFO is off
        self._write(_USER_CTRL, _FIFO_ON)

    def read_into(self, samples):
        """Move samples from the FIFO to `samples`; how many, 0 also when an overflow had spoilt them."""
        if self._read(_INT_STATUS) & _FIFO_OFLOW:
            self.overruns += 1
            self._empty_fifo()
            return 0
        self._i2c.readfrom_mem_into(self._address, _FIFO_COUNTH, self._two)
        waiting = (self._two[0] << 8 | self._two[1]) // SAMPLE_BYTES
        count = min(waiting, len(samples) // SAMPLE_BYTES, BURST)
        if count:
            self._i2c.readfrom_mem_into(self._address, _FIFO_R_W, self._bursts[count])
            raw = self._raw
            for at in range(0, count * SAMPLE_BYTES, 2):
                samples[at] = raw[at + 1]
                samples[at + 1] = raw[at]
        return count

    async def _tested(self):
        await self._wake()
        codes = bytearray(4)
        self._i2c.readfrom_mem_into(self._address, _SELF_TEST_X, codes)
        changes = await self._changes(
            _ACCEL_CONFIG, _TEST_ACC, _TEST_ACC | _TEST_ON, _ACCEL_XOUT_H, _SETTLE_MS, 10, _STEADY_ACC
        )
        failed = _off_trim("acc", changes, _acc_trim(codes))
        if failed:
            return failed
        changes = await self._changes(
            _GYRO_CONFIG, _TEST_GYRO, _TEST_GYRO | _TEST_ON, _GYRO_XOUT_H, _SETTLE_MS, 10, _STEADY_GYRO
        )
        return _off_trim("gyro", changes, _gyro_trim(codes))


def _off_trim(sensor, changes, trim):
    for axis in range(3):
        if abs(changes[axis] - trim[axis]) * 100 > _TOLERANCE_PERCENT * abs(trim[axis]):
            return sensor + " " + "xyz"[axis]
    return ""


def _acc_trim(codes):
    """Factory trim of x, y, z in counts at ±8 g: 4096 * 0.34 * (0.92 / 0.34) ** ((code - 1) / 30)."""
    found = [codes[axis] >> 5 << 2 | codes[3] >> (4 - 2 * axis) & 3 for axis in range(3)]
    return [4096 * 0.34 * (0.92 / 0.34) ** ((code - 1) / 30) if code else 0 for code in found]


def _gyro_trim(codes):
    """Factory trim of x, y, z in counts at ±250 dps: 25 * 131 * 1.046 ** (code - 1); y turns the other way."""
    found = [codes[axis] & 31 for axis in range(3)]
    return [(-1 if axis == 1 else 1) * (25 * 131 * 1.046 ** (c - 1) if c else 0) for axis, c in enumerate(found)]
