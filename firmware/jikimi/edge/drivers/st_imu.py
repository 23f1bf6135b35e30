"""ST's LSM6DS family on I2C: what the LSM6DSOX and the LSM6DS3TR-C do alike. Their FIFOs differ: see their files.

Register names and addresses as in chapter 9 of data sheets DS12814 (LSM6DSOX) and DocID030071 (LSM6DS3TR-C); the
self-test is that of application notes AN5272 and AN5130, "Self-test".
"""

from jikimi.edge.drivers.imu import Imu, outside
from jikimi.edge.port import const

ADDRESS = const(0x6A)  # SA0 low; 0x6B with SA0 high

_WHO_AM_I = const(0x0F)  # "WHO_AM_I (0Fh)"
_CTRL1_XL = const(0x10)  # "CTRL1_XL (10h)": ODR_XL[7:4], FS_XL[3:2]
_CTRL2_G = const(0x11)  # "CTRL2_G (11h)": ODR_G[7:4], FS_G[3:2]
_CTRL3_C = const(0x12)  # "CTRL3_C (12h)": BDU, IF_INC, SW_RESET
_CTRL5_C = const(0x14)  # "CTRL5_C (14h)": ST_G[3:2], ST_XL[1:0]
_OUTX_L_G = const(0x22)  # "OUTX_L_G (22h)" and five more
_OUTX_L_XL = const(0x28)  # "OUTX_L_XL (28h)" (LSM6DSOX: OUTX_L_A) and five more

_SW_RESET = const(0x01)
_BDU_IF_INC = const(0x44)  # whole samples only, and register addresses that count up
_FS_16_G = const(0x04)
_FS_2000_DPS = const(0x0C)

# Self-test: acceleration at 52 Hz, ±4 g (0.122 mg/LSB); rotation at 208 Hz, ±2000 dps (70 mdps/LSB).
_TEST_XL = const(0x38)
_TEST_G = const(0x5C)
_ST_XL = const(0x01)
_ST_G = const(0x04)
_SETTLE_MS = const(100)
_MOST_MG = const(1700)
_LEAST_DPS = const(150)
_MOST_DPS = const(700)
_STEADY_XL = const(410)  # 50 mg
_STEADY_G = const(430)  # 30 deg/s

RATE_CODES = {52: 0x30, 104: 0x40, 208: 0x50}


class StImu(Imu):
    """A driver sets `NAME`, `IDENTITY`, `LEAST_TEST_MG`, and fills its FIFO's registers in `_start_fifo(rate)`."""

    acc_lsb_per_g = 2049  # ±16 g: 0.488 mg/LSB (table 2, 3)
    gyro_lsb_per_dps_x100 = 1429  # ±2000 dps: 70 mdps/LSB

    def __init__(self, i2c, rate_hz, sleep_ms, address=ADDRESS):
        super().__init__(i2c, address, rate_hz, sleep_ms)

    async def start(self):
        """Reset and configure; OSError when another chip or none answers."""
        await self._reset()
        rate = RATE_CODES[self.rate_hz]
        self._settings = [(_WHO_AM_I, self.IDENTITY), (_CTRL3_C, _BDU_IF_INC)]
        self._set(_CTRL1_XL, rate | _FS_16_G)
        self._set(_CTRL2_G, rate | _FS_2000_DPS)
        self._start_fifo(rate)

    def stop(self):
        """Power down both sensors."""
        self._write(_CTRL1_XL, 0)
        self._write(_CTRL2_G, 0)

    async def _reset(self):
        if self._read(_WHO_AM_I) != self.IDENTITY:
            raise OSError("no " + self.NAME + " at this address")
        self._write(_CTRL3_C, _SW_RESET)
        await self._reset_done(_CTRL3_C, _SW_RESET, self.NAME)
        self._write(_CTRL3_C, _BDU_IF_INC)

    async def _tested(self):
        await self._reset()
        self._write(_CTRL1_XL, _TEST_XL)
        changes = await self._changes(_CTRL5_C, 0, _ST_XL, _OUTX_L_XL, _SETTLE_MS, 20, _STEADY_XL)
        failed = outside("acc", changes, self.LEAST_TEST_MG * 1000 // 122, _MOST_MG * 1000 // 122)
        if failed:
            return failed
        self._write(_CTRL2_G, _TEST_G)
        changes = await self._changes(_CTRL5_C, 0, _ST_G, _OUTX_L_G, _SETTLE_MS, 10, _STEADY_G)
        return outside("gyro", changes, _LEAST_DPS * 1000 // 70, _MOST_DPS * 1000 // 70)
