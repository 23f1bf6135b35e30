"""Maxim MAX30102, heart-rate sensor, at register level (data sheet 19-7740; names are the data sheet's).

Emulated: identity, reset, shutdown, modes, sample rate and averaging, both lights' currents, the 32-deep FIFO with its
pointers, overflow counter and rollover, interrupt status, the die's temperature. Not emulated: proximity mode,
multi-light slots, converter ranges other than by clipping.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Light = Callable[[float, float, int], NDArray[np.float64]]  # (t0_s, dt_s, n) -> (n, 2): red, infrared counts

PART_ID_VALUE = 0x15
DEPTH = 32
NOMINAL_LED = 0x1F  # the current for which `light` gives its counts

_INT_STATUS_1, _WR_PTR, _OVF, _RD_PTR, _DATA, _FIFO_CONFIG, _MODE, _SPO2 = 0x00, 4, 5, 6, 7, 8, 9, 0x0A
_LED1, _LED2, _TEMP_INT, _TEMP_FRAC, _TEMP_CONFIG, _REV_ID, _PART_ID = 0x0C, 0x0D, 0x1F, 0x20, 0x21, 0xFE, 0xFF
_SHDN, _RESET, _ROLLOVER = 0x80, 0x40, 0x10
_RATES_HZ = (50, 100, 200, 400, 800, 1000, 1600, 3200)
_HEART_RATE, _SPO2_MODE = 2, 3
_FULL = (1 << 18) - 1
_CELSIUS = 31.5


class Max30102:
    """One chip; `light` says what would come back at the nominal current."""

    def __init__(self, light: Light) -> None:
        self.frozen = False  # fault: the photodiode delivers its last value for ever
        self.celsius = _CELSIUS
        self._light = light
        self._last = np.zeros(2)
        self.power_up(0.0)

    def power_up(self, t_s: float) -> None:
        """All registers as after power-up."""
        self._regs = bytearray(256)
        self._regs[_PART_ID], self._regs[_REV_ID] = PART_ID_VALUE, 0x03
        self._regs[_INT_STATUS_1] = 0x01  # PWR_RDY
        self._ring = [bytes(6)] * DEPTH
        self._write_at = self._read_at = self._held = self._lost = 0
        self._byte = 0
        self._restart(t_s)

    def _restart(self, t_s: float) -> None:
        self._t0_s = t_s
        self._done = 0

    def read(self, register: int, count: int, t_s: float) -> bytes:
        """`count` bytes from `register` on; FIFO_DATA does not count up."""
        self.advance(t_s)
        if register == _DATA:
            return bytes(self._take() for _ in range(count))
        return bytes(self._read_one((register + i) & 0xFF) for i in range(count))

    def _read_one(self, register: int) -> int:
        if register == _WR_PTR:
            return self._write_at
        if register == _OVF:
            return self._lost
        if register == _RD_PTR:
            return self._read_at
        value = self._regs[register]
        if register == _INT_STATUS_1:
            self._regs[register] = 0  # cleared by reading
        return value

    def _take(self) -> int:
        """The next byte of the sample at the read pointer, which moves on after its last."""
        size = self._sample_bytes()
        value = self._ring[self._read_at][self._byte]
        self._byte += 1
        if self._byte >= size:
            self._byte = 0
            self._read_at = (self._read_at + 1) % DEPTH
            self._held = max(0, self._held - 1)
            self._lost = 0  # "cleared when a complete sample is popped"
        return value

    def write(self, register: int, data: bytes, t_s: float) -> None:
        """Write `data` from `register` on."""
        self.advance(t_s)
        for offset, value in enumerate(data):
            self._write_one((register + offset) & 0xFF, value, t_s)

    def _write_one(self, register: int, value: int, t_s: float) -> None:
        if register in (_PART_ID, _REV_ID, _TEMP_INT, _TEMP_FRAC, _DATA, _INT_STATUS_1):
            return
        if register == _MODE and value & _RESET:
            self.power_up(t_s)  # clears itself when it is done
            return
        if register == _TEMP_CONFIG and value & 1:
            sixteenths = round(self.celsius * 16)
            self._regs[_TEMP_INT], self._regs[_TEMP_FRAC] = sixteenths >> 4 & 0xFF, sixteenths & 15
            return  # TEMP_EN clears itself
        before = self._rate_hz()
        self._regs[register] = value
        if self._rate_hz() != before:
            self._restart(t_s)

    def _sample_bytes(self) -> int:
        return 3 if self._regs[_MODE] & 7 == _HEART_RATE else 6

    def _rate_hz(self) -> float:
        """Of what goes into the FIFO."""
        mode = self._regs[_MODE]
        if mode & _SHDN or mode & 7 not in (_HEART_RATE, _SPO2_MODE):
            return 0.0
        average = 1 << min(self._regs[_FIFO_CONFIG] >> 5, 5)
        return _RATES_HZ[self._regs[_SPO2] >> 2 & 7] / average

    def advance(self, t_s: float) -> None:
        """Take every sample that fell due until world time `t_s`."""
        rate_hz = self._rate_hz()
        if rate_hz == 0.0:
            return
        due = int((t_s - self._t0_s) * rate_hz)
        first = max(self._done, due - 2 * DEPTH)
        if due <= first:
            return
        self._lost = min(31, self._lost + first - self._done)
        for red, infrared in self._counts(self._t0_s + (first + 1) / rate_hz, 1 / rate_hz, due - first):
            self._push(int(red), int(infrared))
        self._done = due
        self._regs[_INT_STATUS_1] |= 0x40  # PPG_RDY

    def _counts(self, t0_s: float, dt_s: float, n: int) -> NDArray[np.float64]:
        felt = np.tile(self._last, (n, 1)) if self.frozen else self._light(t0_s, dt_s, n)
        self._last = felt[-1]
        current = np.array([self._regs[_LED1], self._regs[_LED2]]) / NOMINAL_LED
        return np.clip(np.rint(felt * current), 0, _FULL)

    def _push(self, red: int, infrared: int) -> None:
        if self._held == DEPTH:
            self._lost = min(31, self._lost + 1)
            if not self._regs[_FIFO_CONFIG] & _ROLLOVER:
                return
            self._read_at = (self._read_at + 1) % DEPTH
            self._held -= 1
        self._ring[self._write_at] = red.to_bytes(3, "big") + infrared.to_bytes(3, "big")
        self._write_at = (self._write_at + 1) % DEPTH
        self._held += 1
