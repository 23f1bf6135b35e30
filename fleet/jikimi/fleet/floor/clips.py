"""Pieces of body motion, and where they come from.

A clip answers "what does the sensor at the waist feel, t seconds into this movement" for any t, so that a chip may
ask in blocks of any size and at any rate and two runs give the same samples. Axes are those of the SisFall belt
unit: gravity at rest is on −Y. Units: g and degrees a second.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Clip(Protocol):
    """One movement. Before 0 and after `duration_s` it goes on plausibly (held posture), so that clips cross-fade."""

    @property
    def duration_s(self) -> float:
        """Length of the movement."""
        ...

    @property
    def impact_s(self) -> float | None:
        """For falls: when the magnitude of acceleration peaks, from the start of the clip."""
        ...

    def sample(self, t_s: Floats) -> Floats:
        """The motion at times `t_s` (n,) since the clip's start: (n, 6), ax ay az in g, gx gy gz in deg/s."""
        ...


class Motion(Protocol):
    """Everything one wearer can do; each call picks one of the wearer's ways of doing it with `rng`."""

    def stand(self, rng: np.random.Generator) -> Clip:
        """Standing still, for as long as asked."""
        ...

    def walk(self, rng: np.random.Generator) -> Clip:
        """Walking on the flat."""
        ...

    def work(self, rng: np.random.Generator) -> Clip:
        """Something done at a station: bending, sitting down, climbing, stumbling and the like."""
        ...

    def fall(self, rng: np.random.Generator) -> Clip:
        """A fall, with what led to it and the time on the floor after it."""
        ...


def back_and_forth(t_s: Floats, length_s: float) -> Floats:
    """Times folded into [0, length_s], forwards then backwards: repeats a still stretch without a jump."""
    folded = np.mod(t_s, 2 * length_s)
    return np.asarray(np.minimum(folded, 2 * length_s - folded), dtype=np.float64)


def blend(before: Floats, after: Floats, weight: Floats) -> Floats:
    """Cross-fade from `before` to `after` (n, 6); `weight` (n,) runs from 0 to 1."""
    return np.asarray(before + weight[:, None] * (after - before), dtype=np.float64)
