"""InvenSense MPU-6050, six-axis inertial unit, at register level (register map RM-MPU-6000A-00, revision 4.2).

Emulated: identity, sleep, reset, sample rate divider, full scales, output registers, the 1,024-byte FIFO with its
overflow (which destroys the alignment of samples, as on the chip), interrupt status, self-test with factory trim. Not
emulated: the auxiliary bus, the motion processor, the temperature.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jikimi.fleet.virtual.chips.inertial import Counts, Inertial, Samples

FIFO_BYTES = 1024
WHO_AM_I_VALUE = 0x68

_SELF_TEST_X, _SMPLRT_DIV, _CONFIG, _GYRO_CONFIG, _ACCEL_CONFIG, _FIFO_EN = 0x0D, 0x19, 0x1A, 0x1B, 0x1C, 0x23
_INT_STATUS, _ACCEL_XOUT_H, _GYRO_XOUT_H, _OUT_END, _USER_CTRL = 0x3A, 0x3B, 0x43, 0x49, 0x6A
_PWR_MGMT_1, _FIFO_COUNTH, _FIFO_COUNTL, _FIFO_R_W, _WHO_AM_I = 0x6B, 0x72, 0x73, 0x74, 0x75
_READ_ONLY = frozenset([*range(0x0D, 0x11), *range(_INT_STATUS, _OUT_END), _FIFO_COUNTH, _FIFO_COUNTL, _WHO_AM_I])
_SLEEP, _RESET, _USER_FIFO_EN, _FIFO_RESET = 0x40, 0x80, 0x40, 0x04
_FIFO_OFLOW_INT, _DATA_RDY_INT = 0x10, 0x01
_ACC_LSB_PER_G = (16384, 8192, 4096, 2048)  # AFS_SEL (register 28)
_GYRO_LSB_PER_DPS = (131.0, 65.5, 32.8, 16.4)  # FS_SEL (register 27)
# Trim codes of this chip: gyroscope x y z, accelerometer x y z (registers 13 to 16).
_GYRO_TRIM, _ACC_TRIM = (13, 17, 11), (9, 14, 21)


def gyro_trim_dps(code: int, axis: int) -> float:
    """Factory trim of a gyroscope axis in deg/s at ±250 dps (section 4.1); the y axis turns the other way."""
    return (-25.0 if axis == 1 else 25.0) * 1.046 ** (code - 1)


def acc_trim_g(code: int) -> float:
    """Factory trim of an accelerometer axis in g at ±8 g (section 4.1)."""
    return float(0.34 * (0.92 / 0.34) ** ((code - 1) / 30))


class Mpu6050(Inertial):
    """One chip."""

    ACC_NOISE_MG_RTHZ = 0.4  # PS-MPU-6000A, section 6.2
    GYRO_NOISE_MDPS_RTHZ = 5.0  # section 6.1

    def __init__(self, samples: Samples, seed: int = 0, *, noise: bool = True) -> None:
        super().__init__(samples, seed, noise=noise)
        self.power_up(0.0)

    def power_up(self, t_s: float) -> None:
        """All registers as after power-up: asleep."""
        self._regs = bytearray(0x80)
        self._regs[_PWR_MGMT_1] = _SLEEP
        self._regs[_WHO_AM_I] = WHO_AM_I_VALUE
        for axis in range(3):
            self._regs[_SELF_TEST_X + axis] = _ACC_TRIM[axis] >> 2 << 5 | _GYRO_TRIM[axis]
            self._regs[0x10] |= (_ACC_TRIM[axis] & 3) << (4 - 2 * axis)
        self._fifo = bytearray()
        self._last = 0
        self._restart_clock(t_s)

    def read(self, register: int, count: int, t_s: float) -> bytes:
        """`count` bytes from `register` on; the FIFO's register does not count up."""
        self.advance(t_s)
        if register == _FIFO_R_W:
            return self._take(count)
        return bytes(self._read_one((register + i) & 0x7F) for i in range(count))

    def _take(self, count: int) -> bytes:
        got = bytes(self._fifo[:count])
        del self._fifo[:count]
        if got:
            self._last = got[-1]
        return got + bytes([self._last]) * (count - len(got))  # an empty FIFO repeats its last byte (register 116)

    def _read_one(self, register: int) -> int:
        if register == _FIFO_COUNTH:
            return len(self._fifo) >> 8
        if register == _FIFO_COUNTL:
            return len(self._fifo) & 0xFF
        value = self._regs[register]
        if register == _INT_STATUS:
            self._regs[_INT_STATUS] = 0  # cleared by reading (register 58)
        return value

    def write(self, register: int, data: bytes, t_s: float) -> None:
        """Write `data` from `register` on."""
        self.advance(t_s)
        for value in data:
            self._write_one(register, value, t_s)
            register = (register + 1) & 0x7F

    def _write_one(self, register: int, value: int, t_s: float) -> None:
        if register in _READ_ONLY:
            return
        if register == _PWR_MGMT_1 and value & _RESET:
            self.power_up(t_s)  # at once here; the chip takes some time, and clears the bit when it is done
            return
        before = self._rate_hz()
        if register == _USER_CTRL and value & _FIFO_RESET:
            if not value & _USER_FIFO_EN:  # works only while the FIFO is off (register 106)
                self._fifo.clear()
            value &= ~_FIFO_RESET
        self._regs[register] = value
        if self._rate_hz() != before:
            self._restart_clock(t_s)

    def _rate_hz(self) -> float:
        if self._regs[_PWR_MGMT_1] & _SLEEP:
            return 0.0
        gyro_hz = 8000.0 if self._regs[_CONFIG] & 7 in (0, 7) else 1000.0
        return gyro_hz / (1 + self._regs[_SMPLRT_DIV])

    def _lsb(self) -> NDArray[np.float64]:
        acc = 1 / _ACC_LSB_PER_G[self._regs[_ACCEL_CONFIG] >> 3 & 3]
        gyro = 1 / _GYRO_LSB_PER_DPS[self._regs[_GYRO_CONFIG] >> 3 & 3]
        return np.array([acc] * 3 + [gyro] * 3)

    def _deflection(self) -> NDArray[np.float64] | None:
        acc, gyro = self._regs[_ACCEL_CONFIG] >> 5, self._regs[_GYRO_CONFIG] >> 5
        if not acc and not gyro:
            return None
        moved = np.zeros(6)
        for axis in range(3):
            if acc & 4 >> axis:
                moved[axis] = 1.05 * acc_trim_g(_ACC_TRIM[axis])  # a chip is never quite as on its first day
            if gyro & 4 >> axis:
                moved[3 + axis] = 0.96 * gyro_trim_dps(_GYRO_TRIM[axis], axis)
        return moved

    def _skipped(self, samples: int) -> None:  # noqa: ARG002
        if self._regs[_USER_CTRL] & _USER_FIFO_EN and self._regs[_FIFO_EN]:
            self._regs[_INT_STATUS] |= _FIFO_OFLOW_INT

    def _deliver(self, counts: Counts, first: int) -> None:  # noqa: ARG002
        if self._regs[_USER_CTRL] & _USER_FIFO_EN:
            for row in counts:
                self._batch(row.astype(">i2"))
        newest = counts[-1].astype(">i2")
        self._regs[_ACCEL_XOUT_H : _ACCEL_XOUT_H + 6] = newest[:3].tobytes()
        self._regs[_GYRO_XOUT_H:_OUT_END] = newest[3:].tobytes()
        self._regs[_INT_STATUS] |= _DATA_RDY_INT

    def _batch(self, row: NDArray[np.int16]) -> None:
        """One sample in the order of the output registers (register 35)."""
        enabled = self._regs[_FIFO_EN]
        if enabled & 0x08:
            self._fifo += row[:3].tobytes()
        if enabled & 0x80:
            self._fifo += bytes(2)
        for axis in range(3):
            if enabled & 0x40 >> axis:
                self._fifo += row[3 + axis : 4 + axis].tobytes()
        if len(self._fifo) > FIFO_BYTES:
            del self._fifo[: len(self._fifo) - FIFO_BYTES]
            self._regs[_INT_STATUS] |= _FIFO_OFLOW_INT
