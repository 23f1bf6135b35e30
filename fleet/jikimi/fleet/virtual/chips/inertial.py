"""What all emulated inertial units share: time, noise, quantisation, and faults of the sensing element.

Nothing runs between accesses: each access first brings the chip up to the world's time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Samples = Callable[[float, float, int], NDArray[np.float64]]  # (t0_s, dt_s, n) -> (n, 6) in g and deg/s
Counts = NDArray[np.int16]  # (n, 6): acceleration, rotation


class Inertial(ABC):
    """One sensing element; `samples` is asked for what it feels and `seed` makes its noise.

    A chip says how fast it samples (`_rate_hz`), what a count is worth (`_lsb`) and what a self-test adds
    (`_deflection`), and takes the counts in `_deliver`.
    """

    ACC_NOISE_MG_RTHZ = 0.1
    GYRO_NOISE_MDPS_RTHZ = 5.0
    MOST_SAMPLES = 1024  # more than the FIFO can hold

    def __init__(self, samples: Samples, seed: int = 0, *, noise: bool = True) -> None:
        self.frozen = False  # fault: the sensing element delivers its last value for ever
        self.stuck_axis: int | None = None  # fault: this axis (0..5) does not follow the self-test
        self.dead_axis: int | None = None  # fault: this axis (0..5) says nothing at all
        self._samples = samples
        self._rng = np.random.default_rng(seed)
        self._noise = noise
        self._last_row = np.zeros(6)
        self._restart_clock(0.0)

    def _restart_clock(self, t_s: float) -> None:
        self._t0_s = t_s
        self._done = 0  # samples since _t0_s

    @abstractmethod
    def _rate_hz(self) -> float:
        """Samples a second; 0: it is asleep."""

    @abstractmethod
    def _lsb(self) -> NDArray[np.float64]:
        """G and deg/s per count, per axis."""

    def _deflection(self) -> NDArray[np.float64] | None:
        """What a self-test adds to each axis, in g and deg/s; None while none is on."""
        return None

    @abstractmethod
    def _deliver(self, counts: Counts, first: int) -> None:
        """Take samples; `first` is how many came before them."""

    def _skipped(self, samples: int) -> None:  # noqa: B027, a hook: most chips do not care
        """So many samples came and went while nobody looked."""

    def advance(self, t_s: float) -> None:
        """Take every sample that fell due until world time `t_s`."""
        rate_hz = self._rate_hz()
        if rate_hz == 0.0:
            return
        due = int((t_s - self._t0_s) * rate_hz)
        # What no FIFO could still hold cannot be seen any more; skipping it keeps a long sleep cheap.
        first = max(self._done, due - self.MOST_SAMPLES)
        if due <= first:
            return
        if first > self._done:
            self._skipped(first - self._done)
        counts = self._counts(self._t0_s + (first + 1) / rate_hz, 1.0 / rate_hz, due - first)
        self._done = due
        self._deliver(counts, first)

    def _counts(self, t0_s: float, dt_s: float, n: int) -> Counts:
        """What the converters deliver: noise, self-test, scale, rounding and clipping to 16 bit."""
        if self.frozen:
            felt = np.tile(self._last_row, (n, 1))
        else:
            felt = self._samples(t0_s, dt_s, n)
            if (deflection := self._deflection()) is not None:
                felt = felt + self._followed(deflection)
            if self._noise:
                felt = felt + self._rng.standard_normal((n, 6)) * self._sigma(dt_s)
        self._last_row = felt[-1]
        if self.dead_axis is not None:
            felt = felt * (np.arange(6) != self.dead_axis)
        return np.clip(np.rint(felt / self._lsb()), -32768, 32767).astype("<i2")

    def _followed(self, deflection: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.stuck_axis is not None:
            deflection[self.stuck_axis] = 0.0
        return deflection

    def _sigma(self, dt_s: float) -> NDArray[np.float64]:
        root_hz: float = (0.5 / dt_s) ** 0.5
        return np.array([self.ACC_NOISE_MG_RTHZ * root_hz] * 3 + [self.GYRO_NOISE_MDPS_RTHZ * root_hz] * 3) * 1e-3
