"""ST LSM6DS3TR-C, six-axis inertial unit, at register level (data sheet DocID030071; names are the data sheet's).

Its control and output registers are those of the LSM6DSOX; its FIFO is another one: 4 KiB of bare 16-bit words in a
repeating pattern, gyroscope x y z before accelerometer x y z, where FIFO_PATTERN tells which word comes next.
"""

from __future__ import annotations

from collections import deque

from jikimi.fleet.virtual.chips.inertial import Counts
from jikimi.fleet.virtual.chips.lsm6dsox import Lsm6dsox

FIFO_WORDS = 2048

_FIFO_CTRL3, _FIFO_CTRL5 = 0x08, 0x0A
_FIFO_STATUS1, _FIFO_STATUS4 = 0x3A, 0x3D
_FIFO_DATA_OUT_L, _FIFO_DATA_OUT_H = 0x3E, 0x3F
_CONTINUOUS = 6  # bypass, which empties the FIFO, is in the same bits of the same register as the LSM6DSOX's
_PATTERN = 6
_NO_DECIMATION = 0x09  # DEC_FIFO_GYRO and DEC_FIFO_XL both 001


class Lsm6ds3trc(Lsm6dsox):
    """One chip. The FIFO is emulated for both sensors undecimated, as one pattern of six words."""

    MOST_SAMPLES = FIFO_WORDS
    IDENTITY = 0x6A

    def _reset_fifo(self) -> None:
        super()._reset_fifo()
        self._words: deque[bytes] = deque()
        self._read_words = 0  # since the FIFO was empty: the position in the pattern
        self._half = b""
        self._over_run = False

    def _next_address(self, register: int) -> int:
        if register == _FIFO_DATA_OUT_H:
            return _FIFO_DATA_OUT_L  # rolls back on its own (section 9, FIFO_DATA_OUT_H)
        return (register + 1) & 0x7F

    def read(self, register: int, count: int, t_s: float) -> bytes:
        """As Lsm6dsox.read, without the shortcut for its tagged words."""
        self.advance(t_s)
        out = bytearray()
        for _ in range(count):
            out.append(self._read_one(register, t_s))
            register = self._next_address(register)
        return bytes(out)

    def _read_one(self, register: int, t_s: float) -> int:
        if _FIFO_STATUS1 <= register <= _FIFO_STATUS4:
            return self._status()[register - _FIFO_STATUS1]
        if register == _FIFO_DATA_OUT_L:
            self._half = self._words.popleft() if self._words else b"\x00\x00"
            self._read_words += 1
            self._over_run = False
            return self._half[0]
        if register == _FIFO_DATA_OUT_H:
            return self._half[1] if self._half else 0
        return super()._read_one(register, t_s)

    def _status(self) -> bytes:
        level, pattern = min(len(self._words), FIFO_WORDS - 1), self._read_words % _PATTERN
        flags = (0x40 if self._over_run else 0) | (0 if self._words else 0x10)
        return bytes([level & 0xFF, level >> 8 | flags, pattern & 0xFF, pattern >> 8])

    def _batching(self) -> bool:
        mode, odr = self._regs[_FIFO_CTRL5] & 7, self._regs[_FIFO_CTRL5] >> 3 & 0x0F
        return mode == _CONTINUOUS and odr > 0 and self._regs[_FIFO_CTRL3] & 0x3F == _NO_DECIMATION

    def _skipped(self, samples: int) -> None:
        if self._batching():
            self._over_run = True
            self._read_words += _PATTERN * samples

    def _batch(self, counts: Counts, first: int) -> None:  # noqa: ARG002
        if not self._batching():
            return
        for row in counts:
            raw = row[3:].tobytes() + row[:3].tobytes()
            self._words.extend(raw[i : i + 2] for i in range(0, len(raw), 2))
        while len(self._words) > FIFO_WORDS:
            self._words.popleft()
            self._read_words += 1
            self._over_run = True
