"""Bosch BMI270, six-axis inertial unit, on I2C (data sheet BST-BMI270-DS000, whose sections are titled as cited below).

The chip does nothing before 8 KiB of Bosch's own configuration file have been written to it after each reset. That
file is Bosch's and not ours to copy: it is the array `bmi270_config_file` of bmi270.c in the vendor's BMI270 sensor
API, and the technician puts it on the flash (firmware/WIRING.md). Nothing is allocated per sample.
"""

import os

from jikimi.edge.drivers.imu import BURST, SAMPLE_BYTES, Imu
from jikimi.edge.port import const

ADDRESS = const(0x68)  # SDO low; 0x69 with SDO high
CONFIG_FILE = "bmi270.bin"
CONFIG_BYTES = const(8192)

_CHIP_ID = const(0x00)  # "Register (0x00) CHIP_ID"
_ACC_X_LSB = const(0x0C)  # "Register (0x0C) DATA_8" and five more
_INTERNAL_STATUS = const(0x21)  # "Register (0x21) INTERNAL_STATUS": message[3:0]
_FIFO_LENGTH_0 = const(0x24)  # "Register (0x24) FIFO_LENGTH_0", and FIFO_LENGTH_1 with the upper six bits
_FIFO_DATA = const(0x26)  # "Register (0x26) FIFO_DATA"
_GYR_CAS = const(0x3C)  # "Register (0x3C) GYR_CAS": factor_zx, seven bits with sign
_ACC_CONF = const(0x40)  # "Register (0x40) ACC_CONF": acc_filter_perf, acc_bwp, acc_odr
_ACC_RANGE = const(0x41)  # "Register (0x41) ACC_RANGE"
_GYR_CONF = const(0x42)  # "Register (0x42) GYR_CONF": gyr_filter_perf, gyr_noise_perf, gyr_bwp, gyr_odr
_GYR_RANGE = const(0x43)  # "Register (0x43) GYR_RANGE"
_FIFO_CONFIG_0 = const(0x48)  # "Register (0x48) FIFO_CONFIG_0": stop on full, sensor time
_FIFO_CONFIG_1 = const(0x49)  # "Register (0x49) FIFO_CONFIG_1": gyr, acc, header
_INIT_CTRL = const(0x59)  # "Register (0x59) INIT_CTRL"
_INIT_ADDR_0 = const(0x5B)  # "Register (0x5B) INIT_ADDR_0": address in 16-bit words, four bits; eight more follow
_INIT_DATA = const(0x5E)  # "Register (0x5E) INIT_DATA"
_ACC_SELF_TEST = const(0x6D)  # "Register (0x6D) ACC_SELF_TEST": amplitude, sign, enable
_GYR_SELF_TEST_AXES = const(0x6E)  # "Register (0x6E) GYR_SELF_TEST_AXES": z, y, x well, done
_PWR_CONF = const(0x7C)  # "Register (0x7C) PWR_CONF": advanced power save
_PWR_CTRL = const(0x7D)  # "Register (0x7D) PWR_CTRL": acc_en, gyr_en
_CMD = const(0x7E)  # "Register (0x7E) CMD"

_IDENTITY = const(0x24)
_SOFT_RESET = const(0xB6)
_FIFO_FLUSH = const(0xB0)
_G_TRIGGER = const(0x02)
_INIT_OK = const(0x01)
_INIT_MS = const(150)
_ACC_ON = const(0x04)
_BOTH_ON = const(0x06)
_NORMAL_ACC = const(0xA0)  # continuous filter, normal bandwidth
_NORMAL_GYR = const(0xE0)
_16_G = const(0x03)
_2000_DPS = const(0x00)
_BOTH_WITH_HEADER = const(0xD0)
_CHUNK = const(64)

# "FIFO frames": header, then gyroscope x y z and accelerometer x y z; the others are skipped.
_BOTH = const(0x8C)
_SKIP = const(0x40)
_SENSOR_TIME = const(0x44)
_INPUT_CONFIG = const(0x48)
_FRAME = const(13)

_RATE_CODES = {50: 0x07, 100: 0x08, 200: 0x09}

# "Sensor self-test": at ±16 g and 1.6 kHz, positive minus negative deflection at least 16, -15, 10 g (2048 LSB/g).
_TEST_ODR = const(0x0C)
_POSITIVE = const(0x0D)
_NEGATIVE = const(0x09)
_SETTLE_MS = const(60)
_LEAST_G = (16, -15, 10)
_STEADY = const(1024)  # 0.5 g
_GYR_TEST_MS = const(1000)


class Bmi270(Imu):
    """As drivers/imu.py says; `path` is where the configuration file lies."""

    acc_lsb_per_g = 2048
    gyro_lsb_per_dps_x100 = 1638  # ±2000 dps over 32768 counts

    def __init__(self, i2c, rate_hz, sleep_ms, path=CONFIG_FILE, address=ADDRESS):
        super().__init__(i2c, address, rate_hz, sleep_ms)
        self._path = path
        self._two = bytearray(2)
        self._raw = bytearray(_FRAME * BURST)
        self._bursts = [memoryview(self._raw)[:n] for n in range(_FRAME * BURST + 1)]
        self._cross = 0

    def missing(self):
        """As drivers/imu.py says."""
        try:
            os.stat(self._path)
        except OSError:
            return self._path
        return None

    async def start(self):
        """Reset, upload, configure; OSError when no BMI270 answers or its configuration file is not on the flash."""
        await self._initialise()
        rate = _RATE_CODES[self.rate_hz]
        self._settings = [(_CHIP_ID, _IDENTITY)]
        self._set(_ACC_CONF, _NORMAL_ACC | rate)
        self._set(_GYR_CONF, _NORMAL_GYR | rate)
        self._set(_ACC_RANGE, _16_G)
        self._set(_GYR_RANGE, _2000_DPS)
        self._set(_FIFO_CONFIG_0, 0)
        self._set(_FIFO_CONFIG_1, _BOTH_WITH_HEADER)
        cross = self._read(_GYR_CAS) & 0x7F
        self._cross = cross - 128 if cross > 63 else cross
        self._set(_PWR_CTRL, _BOTH_ON)
        self._write(_CMD, _FIFO_FLUSH)

    def stop(self):
        """Switch both sensors off."""
        self._write(_PWR_CTRL, 0)

    async def _initialise(self):
        if self._read(_CHIP_ID) != _IDENTITY:
            raise OSError("no BMI270 at this address")
        self._write(_CMD, _SOFT_RESET)
        await self._sleep_ms(2)
        self._write(_PWR_CONF, 0)
        await self._sleep_ms(1)  # 450 µs until the registers may be written
        self._write(_INIT_CTRL, 0)
        self._upload()
        self._write(_INIT_CTRL, 1)
        for _ in range(_INIT_MS // 10):
            await self._sleep_ms(10)
            if self._read(_INTERNAL_STATUS) & 0x0F == _INIT_OK:
                return
        raise OSError("BMI270 refuses " + self._path)

    def _upload(self):
        if self.missing():
            raise OSError("BMI270 needs Bosch's configuration file as " + self._path)
        chunk = bytearray(_CHUNK)
        with open(self._path, "rb") as file:
            for start in range(0, CONFIG_BYTES, _CHUNK):
                if file.readinto(chunk) != _CHUNK:
                    raise OSError(self._path + " is not 8192 bytes long")
                words = start // 2
                self._two[0] = words & 0x0F
                self._two[1] = words >> 4
                self._i2c.writeto_mem(self._address, _INIT_ADDR_0, self._two)
                self._i2c.writeto_mem(self._address, _INIT_DATA, chunk)

    def read_into(self, samples):
        """Move samples from the FIFO to `samples`; how many."""
        self._i2c.readfrom_mem_into(self._address, _FIFO_LENGTH_0, self._two)
        length = self._two[0] | (self._two[1] & 0x3F) << 8
        # A frame that does not fit is given again, whole, with the next burst.
        length = min(length, _FRAME * (len(samples) // SAMPLE_BYTES), _FRAME * BURST)
        if not length:
            return 0
        self._i2c.readfrom_mem_into(self._address, _FIFO_DATA, self._bursts[length])
        return self._unpack(length, samples)

    def _unpack(self, length, samples):
        raw = self._raw
        at = frame = 0
        while frame < length:
            header = raw[frame]
            if header == _BOTH:
                if frame + _FRAME > length:
                    break
                self._take(frame + 1, samples, at)
                at += SAMPLE_BYTES
                frame += _FRAME
            elif header == _SKIP:
                self.overruns += 1
                frame += 2
            elif header == _SENSOR_TIME:
                frame += 4
            elif header == _INPUT_CONFIG:
                frame += 5
            else:
                break  # an empty FIFO
        return at // SAMPLE_BYTES

    def _take(self, start, samples, at):
        raw = self._raw
        for i in range(6):
            samples[at + 6 + i] = raw[start + i]
            samples[at + i] = raw[start + 6 + i]
        # "Register (0x3C) GYR_CAS": the x axis also feels a part of z, rate_x -= factor_zx * rate_z / 2^9.
        x, z = _signed(raw, start), _signed(raw, start + 4)
        x = max(-32768, min(32767, x - self._cross * z // 512))
        samples[at + 6] = x & 0xFF
        samples[at + 7] = x >> 8 & 0xFF

    async def _tested(self):
        await self._initialise()
        self._write(_PWR_CTRL, _ACC_ON)
        self._write(_ACC_RANGE, _16_G)
        self._write(_ACC_CONF, _NORMAL_ACC | _TEST_ODR)
        means = []
        for deflection in (_POSITIVE, _NEGATIVE):
            self._write(_ACC_SELF_TEST, deflection)
            await self._sleep_ms(_SETTLE_MS)
            means.append(await self._mean(_ACC_X_LSB, 2, _STEADY))
        self._write(_ACC_SELF_TEST, 0)
        for axis in range(3):
            least = _LEAST_G[axis] * self.acc_lsb_per_g
            change = means[0][axis] - means[1][axis]
            if (change < least) if least > 0 else (change > least):
                return "acc " + "xyz"[axis]
        return await self._gyro_tested()

    async def _gyro_tested(self):
        """The chip's own verdict, with the gyroscope off, as the test switches it."""
        self._write(_CMD, _G_TRIGGER)
        for _ in range(_GYR_TEST_MS // 20):
            await self._sleep_ms(20)
            verdict = self._read(_GYR_SELF_TEST_AXES)
            if verdict & 0x01:
                well = [verdict >> (axis + 1) & 1 for axis in range(3)]
                return "" if all(well) else "gyro " + "xyz"[well.index(0)]
        return "gyro: no verdict"


def _signed(raw, at):
    value = raw[at] | raw[at + 1] << 8
    return value - 65536 if value > 32767 else value
