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

_SHORTEST_G = 0.2  # between opposite directions there is no way to stretch to full length


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

    def lie(self, rng: np.random.Generator) -> Clip:
        """Lying motionless, for as long as asked."""
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
    """Cross-fade from `before` to `after` (n, 6); `weight` (n,) runs from 0 to 1.

    Acceleration turns from one direction to the other instead of cutting the corner, where it would be too small.
    """
    share = weight[:, None]
    out = np.asarray(before + share * (after - before), dtype=np.float64)
    wanted = (1 - weight) * np.linalg.norm(before[:, :3], axis=1) + weight * np.linalg.norm(after[:, :3], axis=1)
    length = np.linalg.norm(out[:, :3], axis=1)
    out[:, :3] *= (wanted / np.maximum(length, _SHORTEST_G))[:, None]
    return out


def turn_deg(before: Floats, after: Floats) -> Floats:
    """The rotation of a sensor, as a vector in degrees, that moves gravity from `before` to `after`, both (3,)."""
    axis = np.cross(after, before)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        return np.zeros(3)
    return np.asarray(np.degrees(np.arctan2(sine, before @ after)) * axis / sine, dtype=np.float64)
