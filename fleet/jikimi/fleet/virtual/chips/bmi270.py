"""Bosch BMI270, six-axis inertial unit, at register level (data sheet BST-BMI270-DS000; names are the data sheet's).

Emulated: identity, soft reset, power modes, the upload of the 8 KiB configuration file without which nothing works,
output data rates, full scales, output registers, the 2 KiB FIFO with headers and skip frames, the self-tests, the
cross-axis factor. Not emulated: the features that the configuration file brings, the auxiliary interface.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from jikimi.fleet.virtual.chips.inertial import Counts, Inertial, Samples

CHIP_ID_VALUE = 0x24
FIFO_BYTES = 2048
CONFIG_BYTES = 8192
CROSS_AXIS = 21  # GYR_CAS.factor_zx of this chip

_CHIP_ID, _STATUS, _ACC_X_LSB, _GYR_X_LSB, _OUT_END, _INTERNAL_STATUS = 0x00, 0x03, 0x0C, 0x12, 0x18, 0x21
_FIFO_LENGTH_0, _FIFO_LENGTH_1, _FIFO_DATA, _GYR_CAS = 0x24, 0x25, 0x26, 0x3C
_ACC_CONF, _ACC_RANGE, _GYR_CONF, _GYR_RANGE, _FIFO_CONFIG_0, _FIFO_CONFIG_1 = 0x40, 0x41, 0x42, 0x43, 0x48, 0x49
_INIT_CTRL, _INIT_ADDR_0, _INIT_ADDR_1, _INIT_DATA = 0x59, 0x5B, 0x5C, 0x5E
_ACC_SELF_TEST, _GYR_SELF_TEST_AXES, _PWR_CONF, _PWR_CTRL, _CMD = 0x6D, 0x6E, 0x7C, 0x7D, 0x7E
_DEFAULTS = {
    _CHIP_ID: CHIP_ID_VALUE, _ACC_CONF: 0xA8, _ACC_RANGE: 0x02, _GYR_CONF: 0xA9, _GYR_RANGE: 0x00, 0x45: 0x88,
    _FIFO_CONFIG_0: 0x02, _FIFO_CONFIG_1: 0x10, _PWR_CONF: 0x03,
}  # fmt: skip
_READ_ONLY = frozenset([*range(0x28), _GYR_CAS, _GYR_SELF_TEST_AXES])
_G_TRIGGER, _FIFO_FLUSH, _SOFT_RESET = 0x02, 0xB0, 0xB6
_INIT_OK, _INIT_ERR = 0x01, 0x02
_BOTH, _ACC_ONLY, _GYR_ONLY, _SKIP, _EMPTY = 0x8C, 0x84, 0x88, 0x40, 0x80
_ACC_G = (2, 4, 8, 16)
_GYR_DPS = (2000, 1000, 500, 250, 125)
# Data sheet, self-test of the accelerometer: positive minus negative at least 16, -15 and 10 g; half of it each way.
_TEST_G = (9.0, -8.5, 6.0)


class Bmi270(Inertial):
    """One chip; `config_file` is what was uploaded."""

    ACC_NOISE_MG_RTHZ = 0.16
    GYRO_NOISE_MDPS_RTHZ = 7.0
    MOST_SAMPLES = FIFO_BYTES // 6

    def __init__(self, samples: Samples, seed: int = 0, *, noise: bool = True) -> None:
        super().__init__(samples, seed, noise=noise)
        self.power_up(0.0)

    def power_up(self, t_s: float) -> None:
        """All registers as after power-up: in suspend, without its configuration file."""
        self._regs = bytearray(0x80)
        for register, value in _DEFAULTS.items():
            self._regs[register] = value
        self.config_file = bytearray(CONFIG_BYTES)
        self._uploaded = 0
        self._flush()
        self._restart_clock(t_s)

    def _flush(self) -> None:
        self._fifo: deque[bytes] = deque()
        self._fifo_level = 0
        self._lost = 0

    def read(self, register: int, count: int, t_s: float) -> bytes:
        """`count` bytes from `register` on; the FIFO's register does not count up."""
        self.advance(t_s)
        if register == _FIFO_DATA:
            return self._take(count)
        return bytes(self._read_one((register + i) & 0x7F) for i in range(count))

    def _take(self, count: int) -> bytes:
        """Frames one after the other; one that is only partly read comes again whole."""
        out = bytearray()
        while self._fifo and len(out) < count:
            frame = self._fifo[0]
            if len(out) + len(frame) <= count:
                self._fifo.popleft()
                self._fifo_level -= len(frame)
            out += frame
        return bytes(out[:count]) + bytes([_EMPTY]) * (count - len(out))

    def _read_one(self, register: int) -> int:
        if register in (_FIFO_LENGTH_0, _FIFO_LENGTH_1):
            return self._fifo_level >> (8 * (register - _FIFO_LENGTH_0)) & 0xFF
        return self._regs[register]

    def write(self, register: int, data: bytes, t_s: float) -> None:
        """Write `data` from `register` on; INIT_DATA does not count up."""
        self.advance(t_s)
        if register == _INIT_DATA:
            self._upload(data)
            return
        for value in data:
            self._write_one(register, value, t_s)
            register = (register + 1) & 0x7F

    def _upload(self, data: bytes) -> None:
        if self._regs[_PWR_CONF] & 1 or self._regs[_INIT_CTRL]:
            return  # in advanced power save, and after the start, nothing is taken
        start = 2 * (self._regs[_INIT_ADDR_0] & 0x0F | self._regs[_INIT_ADDR_1] << 4)  # in words of 16 bit
        self.config_file[start : start + len(data)] = data
        self._uploaded += len(data)

    def _write_one(self, register: int, value: int, t_s: float) -> None:
        if register in _READ_ONLY:
            return
        if register == _CMD:
            self._command(value, t_s)
            return
        before = self._rate_hz()
        self._regs[register] = value
        if register == _INIT_CTRL and value & 1:
            self._initialise()
        if self._rate_hz() != before:
            self._restart_clock(t_s)

    def _initialise(self) -> None:
        whole = self._uploaded >= CONFIG_BYTES and len(self.config_file) == CONFIG_BYTES and any(self.config_file)
        self._regs[_INTERNAL_STATUS] = _INIT_OK if whole else _INIT_ERR
        self._regs[_GYR_CAS] = CROSS_AXIS if whole else 0

    def _command(self, value: int, t_s: float) -> None:
        if value == _SOFT_RESET:
            self.power_up(t_s)
        elif value == _FIFO_FLUSH:
            self._flush()
        elif value == _G_TRIGGER and self._initialised():
            well = [not self.frozen and self.stuck_axis != 3 + axis for axis in range(3)]
            self._regs[_GYR_SELF_TEST_AXES] = 0x01 | sum(0x02 << axis for axis in range(3) if well[axis])

    def _initialised(self) -> bool:
        return self._regs[_INTERNAL_STATUS] & 0x0F == _INIT_OK

    def _on(self) -> tuple[bool, bool]:
        control = self._regs[_PWR_CTRL] if self._initialised() else 0
        return bool(control & 0x04), bool(control & 0x02)

    def _rate_hz(self) -> float:
        acc, gyr = self._on()
        rates = [
            25.0 * 2.0 ** ((self._regs[conf] & 0x0F) - 6) for conf, on in ((_ACC_CONF, acc), (_GYR_CONF, gyr)) if on
        ]
        return max(rates, default=0.0)

    def _lsb(self) -> NDArray[np.float64]:
        acc = _ACC_G[self._regs[_ACC_RANGE] & 3] / 32768
        gyro = _GYR_DPS[min(self._regs[_GYR_RANGE] & 7, 4)] / 32768
        return np.array([acc] * 3 + [gyro] * 3)

    def _deflection(self) -> NDArray[np.float64] | None:
        test = self._regs[_ACC_SELF_TEST]
        if not test & 0x01:
            return None
        sign = 1.0 if test & 0x04 else -1.0
        size = 1.0 if test & 0x08 else 0.3
        return np.array([*_TEST_G, 0.0, 0.0, 0.0]) * sign * size

    def _deliver(self, counts: Counts, first: int) -> None:  # noqa: ARG002
        crossed = counts.copy()  # the element's x axis also feels z; GYR_CAS tells the host by how much
        mixed = counts[:, 3].astype(int) + CROSS_AXIS * counts[:, 5].astype(int) // 512
        crossed[:, 3] = np.clip(mixed, -32768, 32767)
        self._batch(crossed)
        newest = crossed[-1]
        self._regs[_ACC_X_LSB:_GYR_X_LSB] = newest[:3].tobytes()
        self._regs[_GYR_X_LSB:_OUT_END] = newest[3:].tobytes()
        self._regs[_STATUS] |= 0xC0

    def _batch(self, counts: Counts) -> None:
        acc_on, gyr_on = self._on()
        config = self._regs[_FIFO_CONFIG_1]
        acc, gyr = acc_on and config & 0x40, gyr_on and config & 0x80
        if not config & 0x10 or not (acc or gyr):
            return
        header = bytes([_BOTH if acc and gyr else _ACC_ONLY if acc else _GYR_ONLY])
        for row in counts:
            self._push(header + (row[3:].tobytes() if gyr else b"") + (row[:3].tobytes() if acc else b""))

    def _push(self, frame: bytes) -> None:
        self._fifo.append(frame)
        self._fifo_level += len(frame)
        while self._fifo_level > FIFO_BYTES - 2:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = self._fifo.popleft()
        self._fifo_level -= len(oldest)
        if oldest[0] == _SKIP:
            oldest = self._fifo.popleft()
            self._fifo_level -= len(oldest)
        else:
            self._lost = 0
        self._lost = min(255, self._lost + 1)
        self._fifo.appendleft(bytes([_SKIP, self._lost]))
        self._fifo_level += 2
