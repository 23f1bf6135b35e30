"""ST LSM6DSOX, six-axis inertial unit, at register level (data sheet DS12814; names are the data sheet's).

Emulated: identity, reset, output data rates, full scales with quantisation, clipping and noise, output registers with
data-ready flags, the time stamp, and the FIFO with tags, watermark, modes and overrun. Not emulated: the embedded
functions (step counter, machine-learning core), compression, the sensor hub and the auxiliary interfaces; their
registers can be written and read back. The self-tests move each axis by a typical amount.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from jikimi.fleet.virtual.chips.inertial import Counts, Inertial, Samples

WHO_AM_I_VALUE = 0x6C
_WORD_BYTES = 7
FIFO_WORDS = 512  # 3 KiB of samples, one word of six bytes and a tag each

_FIFO_CTRL1, _FIFO_CTRL2, _FIFO_CTRL3, _FIFO_CTRL4 = 0x07, 0x08, 0x09, 0x0A
_WHO_AM_I, _CTRL1_XL, _CTRL2_G, _CTRL3_C, _CTRL10_C = 0x0F, 0x10, 0x11, 0x12, 0x19
_STATUS_REG, _OUT_TEMP_L, _OUTX_L_G, _OUTX_L_A, _OUT_END = 0x1E, 0x20, 0x22, 0x28, 0x2E
_FIFO_STATUS1, _FIFO_STATUS2, _TIMESTAMP0 = 0x3A, 0x3B, 0x40
_FIFO_TAG, _FIFO_END = 0x78, 0x7E

_DEFAULTS = {_WHO_AM_I: WHO_AM_I_VALUE, _CTRL3_C: 0x04, 0x15: 0x00, 0x18: 0xE0}
_READ_ONLY = frozenset([_WHO_AM_I, *range(0x1A, 0x2E), *range(0x35, 0x3E), *range(0x40, 0x44), *range(_FIFO_TAG, 0x7F)])

_ODR_HZ = (0.0, 12.5, 26.0, 52.0, 104.0, 208.0, 416.0, 833.0, 1666.0, 3332.0, 6664.0, 1.6, 0.0, 0.0, 0.0, 0.0)
_BDR_GYRO_HZ = (*_ODR_HZ[:11], 6.5, 0.0, 0.0, 0.0, 0.0)
_ACC_MG_PER_LSB = {0: 0.061, 1: 0.488, 2: 0.122, 3: 0.244}  # FS_XL: 2, 16, 4, 8 g (table 2)
_GYRO_MDPS_PER_LSB = {0: 8.75, 1: 17.5, 2: 35.0, 3: 70.0}  # FS_G: 250, 500, 1000, 2000 dps
_GYRO_125_MDPS_PER_LSB = 4.375
_CTRL5_C = 0x14
_TYPICAL_TEST_G, _TYPICAL_TEST_DPS = 0.5, 400.0  # inside 50–1,700 mg and 150–700 dps (table 2)

_TAG_GYRO, _TAG_ACC = 0x01, 0x02
_BYPASS, _STOP_WHEN_FULL = 0, 1
_TIMESTAMP_LSB_S = 25e-6


class Lsm6dsox(Inertial):
    """One chip; `samples` is asked for what the sensor feels and `seed` makes its noise."""

    ACC_NOISE_MG_RTHZ = 0.11  # worst full scale, high-performance mode (table 2)
    GYRO_NOISE_MDPS_RTHZ = 3.8
    MOST_SAMPLES = 2 * FIFO_WORDS
    IDENTITY = WHO_AM_I_VALUE

    def __init__(self, samples: Samples, seed: int = 0, *, noise: bool = True) -> None:
        super().__init__(samples, seed, noise=noise)
        self.power_up(0.0)

    def power_up(self, t_s: float) -> None:
        """All registers as after power-up."""
        self._regs = bytearray(0x80)
        for register, value in _DEFAULTS.items():
            self._regs[register] = value
        self._regs[_WHO_AM_I] = self.IDENTITY
        self._output = bytearray(_OUT_END - _OUT_TEMP_L)
        self._ready = 0
        self._restart_clock(t_s)
        self._timestamp0_s = t_s
        self._reset_fifo()

    def _reset_fifo(self) -> None:
        self._fifo: deque[bytes] = deque()
        self._word = bytes(_WORD_BYTES)
        self._tag_count = 0
        self._overrun = self._overrun_latched = False

    # Access by the bus.

    def read(self, register: int, count: int, t_s: float) -> bytes:
        """`count` bytes from `register` on, at world time `t_s`, with the address rules of section 6.5."""
        self.advance(t_s)
        if register == _FIFO_TAG and count % _WORD_BYTES == 0:
            return b"".join(self._next_word() for _ in range(count // _WORD_BYTES))  # the usual burst, without the loop
        out = bytearray()
        for _ in range(count):
            out.append(self._read_one(register, t_s))
            register = self._next_address(register)
        return bytes(out)

    def write(self, register: int, data: bytes, t_s: float) -> None:
        """Write `data` from `register` on."""
        self.advance(t_s)
        for value in data:
            self._write_one(register, value, t_s)
            register = self._next_address(register)

    def _next_address(self, register: int) -> int:
        if register == _FIFO_END:
            return _FIFO_TAG  # reading the FIFO output rolls back to the tag (section 4.6.8)
        return (register + 1) & 0x7F if self._regs[_CTRL3_C] & 0x04 else register

    def _next_word(self) -> bytes:
        self._overrun = False  # it is no longer completely filled (section 9.43, FIFO_OVR_IA)
        return self._fifo.popleft() if self._fifo else bytes(_WORD_BYTES)

    def _read_one(self, register: int, t_s: float) -> int:
        if register == _FIFO_TAG:
            self._word = self._next_word()
        if _FIFO_TAG <= register <= _FIFO_END:
            return self._word[register - _FIFO_TAG]
        if register in (_FIFO_STATUS1, _FIFO_STATUS2):
            return self._fifo_status(register)
        if register == _STATUS_REG:
            return self._ready
        if _OUT_TEMP_L <= register < _OUT_END:
            self._ready &= ~(0x04 if register < _OUTX_L_G else 0x02 if register < _OUTX_L_A else 0x01)
            return self._output[register - _OUT_TEMP_L]
        if _TIMESTAMP0 <= register < _TIMESTAMP0 + 4:
            return self._timestamp(t_s)[register - _TIMESTAMP0]
        return self._regs[register]

    def _write_one(self, register: int, value: int, t_s: float) -> None:
        if register in _READ_ONLY:
            return
        if register == _CTRL3_C and value & 0x81:  # SW_RESET or BOOT: clears itself at once here, in 50 µs on the chip
            self.power_up(t_s)
            return
        rates_before = self._rates()
        self._regs[register] = value
        if self._rates() != rates_before:
            self._restart_clock(t_s)
        if register == _FIFO_CTRL4 and value & 7 == _BYPASS:
            self._reset_fifo()

    # What the registers say.

    def _rates(self) -> tuple[float, float]:
        return _ODR_HZ[self._regs[_CTRL1_XL] >> 4], _ODR_HZ[self._regs[_CTRL2_G] >> 4]

    def _lsb(self) -> NDArray[np.float64]:
        """G and deg/s per count, per axis."""
        acc = _ACC_MG_PER_LSB[(self._regs[_CTRL1_XL] >> 2) & 3] * 1e-3
        gyro = _GYRO_MDPS_PER_LSB[(self._regs[_CTRL2_G] >> 2) & 3]
        if self._regs[_CTRL2_G] & 0x02:
            gyro = _GYRO_125_MDPS_PER_LSB
        return np.array([acc] * 3 + [gyro * 1e-3] * 3)

    def _watermark(self) -> int:
        return self._regs[_FIFO_CTRL1] | (self._regs[_FIFO_CTRL2] & 1) << 8

    def _fifo_status(self, register: int) -> int:
        level = len(self._fifo)
        if register == _FIFO_STATUS1:
            return level & 0xFF
        watermark = self._watermark()
        status = (level >> 8) & 0x03
        status |= 0x80 if watermark and level >= watermark else 0
        status |= 0x40 if self._overrun else 0
        status |= 0x20 if level >= FIFO_WORDS else 0
        status |= 0x08 if self._overrun_latched else 0
        self._overrun_latched = False  # cleared by reading (section 9.42)
        return status

    def _timestamp(self, t_s: float) -> bytes:
        if not self._regs[_CTRL10_C] & 0x20:
            return bytes(4)
        return (int((t_s - self._timestamp0_s) / _TIMESTAMP_LSB_S) & 0xFFFFFFFF).to_bytes(4, "little")

    # The passage of time.

    def _rate_hz(self) -> float:
        return max(self._rates())

    def _deflection(self) -> NDArray[np.float64] | None:
        test = self._regs[_CTRL5_C] & 0x0F
        if not test:
            return None
        acc = {1: _TYPICAL_TEST_G, 2: -_TYPICAL_TEST_G}.get(test & 3, 0.0)
        gyro = {1: _TYPICAL_TEST_DPS, 3: -_TYPICAL_TEST_DPS}.get(test >> 2 & 3, 0.0)
        return np.array([acc] * 3 + [gyro] * 3)

    def _skipped(self, samples: int) -> None:  # noqa: ARG002
        if self._regs[_FIFO_CTRL4] & 7 != _BYPASS and self._regs[_FIFO_CTRL3]:
            self._overrun = self._overrun_latched = True

    def _deliver(self, counts: Counts, first: int) -> None:
        acc_hz, gyro_hz = self._rates()
        self._batch(counts, first)
        if gyro_hz:
            self._output[2:8] = counts[-1, 3:].tobytes()
            self._ready |= 0x02
        if acc_hz:
            self._output[8:14] = counts[-1, :3].tobytes()
            self._ready |= 0x01

    def _batch(self, counts: Counts, first: int) -> None:
        acc_hz, gyro_hz = self._rates()
        batch, rate_hz = self._regs[_FIFO_CTRL3], self._rate_hz()
        acc_every = _decimation(rate_hz, acc_hz, _ODR_HZ[batch & 0x0F])
        gyro_every = _decimation(rate_hz, gyro_hz, _BDR_GYRO_HZ[batch >> 4])
        if self._regs[_FIFO_CTRL4] & 7 != _BYPASS:
            for index, row in enumerate(counts, start=first + 1):
                # At the same instant the gyroscope's word comes first, as the chip does it.
                if gyro_every and index % gyro_every == 0:
                    self._push(_TAG_GYRO, row[3:].tobytes())
                if acc_every and index % acc_every == 0:
                    self._push(_TAG_ACC, row[:3].tobytes())

    def _push(self, sensor: int, data: bytes) -> None:
        full = len(self._fifo) >= FIFO_WORDS
        stop_at_watermark = self._regs[_FIFO_CTRL2] & 0x80 and len(self._fifo) >= self._watermark() > 0
        if stop_at_watermark or (full and self._regs[_FIFO_CTRL4] & 7 == _STOP_WHEN_FULL):
            return
        if full:
            self._fifo.popleft()
            self._overrun = self._overrun_latched = True
        tag = sensor << 3 | (self._tag_count & 3) << 1
        self._tag_count += 1
        self._fifo.append(bytes([tag | tag.bit_count() & 1]) + data)


def _decimation(rate_hz: float, odr_hz: float, batch_hz: float) -> int:
    """Every how many ticks of the faster sensor a word goes into the FIFO; 0 never."""
    wanted = min(odr_hz, batch_hz)
    return max(1, round(rate_hz / wanted)) if wanted else 0
