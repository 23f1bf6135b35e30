"""Light that comes back from a wrist: pulse waves, breathing, noise, movement, and times without contact.

A pulse is a systolic wave and a smaller reflected one (two Gaussians in the phase of the beat); the red light carries
it weaker than the infrared by the ratio that oxygenated blood has. Movement changes both by the same share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RED, _INFRARED = 95_000.0, 130_000.0  # counts at the nominal current, on skin
_OFF = 1_500.0  # what the case reflects
_RATIO = 0.55  # about 97 % saturation


@dataclass(frozen=True)
class Motion:
    """From `start_s` to `end_s` the sensor is shaken, `share` of the light, at `hz` (0: irregularly)."""

    start_s: float
    end_s: float
    share: float = 0.03
    hz: float = 0.0


@dataclass
class Ppg:
    """One wearer; `bpm(t)` is the heart rate at each time, `off` the times without contact."""

    bpm: Callable[[Floats], Floats]
    motion: Sequence[Motion] = ()
    off: Sequence[tuple[float, float]] = ()
    perfusion: float = 0.012  # depth of the pulse as share of the infrared light
    noise: float = 25.0  # counts, one sigma
    seed: int = 0
    _table: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        t = np.arange(0.0, 3600.0, 0.02)
        self._beats = np.cumsum(self.bpm(t) / 60 * 0.02)  # phase in beats
        rng = np.random.default_rng(self.seed)
        self._table = _band(rng.standard_normal(len(t)))

    def light(self, t0_s: float, dt_s: float, n: int) -> Floats:
        """(n, 2) counts, as chips.max30102.Light."""
        t: Floats = t0_s + dt_s * np.arange(n, dtype=np.float64)
        pulse = self.perfusion * _wave(np.interp(t, _TIMES, self._beats) % 1.0)
        both = 0.004 * np.sin(2 * np.pi * 0.25 * t) + self._moved(t)  # breathing
        red = _RED * (1 + both - _RATIO * pulse)
        infrared = _INFRARED * (1 + both - pulse)
        out = np.stack([red, infrared], axis=1)
        for start_s, end_s in self.off:
            out[(t >= start_s) & (t < end_s)] = _OFF
        noise = np.random.default_rng([self.seed, round(t0_s * 1000)]).standard_normal((n, 2)) * self.noise
        return np.asarray(np.maximum(out + noise, 0.0))

    def _moved(self, t: Floats) -> Floats:
        moved = np.zeros_like(t)
        for motion in self.motion:
            inside = (t >= motion.start_s) & (t < motion.end_s)
            at = t[inside]
            shaken = np.sin(2 * np.pi * motion.hz * at) if motion.hz else np.interp(at, _TIMES, self._table)
            moved[inside] += motion.share * shaken
        return moved


_TIMES = np.arange(0.0, 3600.0, 0.02)


def _wave(phase: Floats) -> Floats:
    systole = np.exp(-(((phase - 0.25) / 0.09) ** 2))
    reflected = 0.35 * np.exp(-(((phase - 0.55) / 0.10) ** 2))
    return np.asarray(systole + reflected)


def _band(white: Floats) -> Floats:
    """Noise of about 0.5 to 4 Hz with unit size: differences of running means."""
    short, long = np.ones(6) / 6, np.ones(50) / 50
    band = np.convolve(white, short, "same") - np.convolve(white, long, "same")
    return np.asarray(band / band.std())
