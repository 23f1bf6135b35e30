"""Body motion from physics, for when no recordings are at hand.

A belt sensor feels f = a − g, turned into its own axes. Each movement is a trunk pitch over time (about the
sensor's X axis), a linear acceleration in the sensor's axes, or both; the angular rate is the derivative of the
pitch. Numbers are textbook magnitudes of adult movement; each is named at its constant.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from jikimi.fleet.floor.clips import Clip, Floats

_NOISE_G, _NOISE_DPS = 0.004, 0.25  # a MEMS chip with its wearer breathing
_NOISE_HZ, _NOISE_ROWS = 512.0, 8192

_STEP_HZ = (1.7, 2.1)  # steps a second of an adult's walk
_STEP_G = (0.18, 0.32)  # amplitude of the vertical acceleration at step frequency at the waist
_BEND_DEG = (50.0, 85.0)  # trunk flexion when picking something up
_FREE_G = (0.25, 0.45)  # what is left of 1 g while the body topples; a free fall would leave nothing
_TOPPLE_S = (0.45, 0.65)  # from losing balance to the ground, 0.9 m of waist height
_IMPACT_G = (4.0, 7.5)  # peak at the waist on a hard floor
_PULSE_S = 0.07  # length of the half sine of the impact
_LYING_DEG = (80.0, 95.0)  # trunk pitch of somebody on the floor
_LIE_S = (9.0, 20.0)  # stillness after it: short, or long enough for a no-motion alarm


class PhysicsMotion:
    """The movements of one imagined wearer (`clips.Motion`)."""

    def stand(self, rng: np.random.Generator) -> Clip:
        """Standing with postural sway."""
        return _Movement(np.inf, _sway(rng), _still, rng)

    def lie(self, rng: np.random.Generator) -> Clip:
        """Lying on the back, breathing."""
        posture_deg = float(rng.uniform(*_LYING_DEG))
        return _Movement(np.inf, lambda t_s: np.full(len(t_s), -posture_deg), _still, rng)

    def walk(self, rng: np.random.Generator) -> Clip:
        """Gait: harmonics of the step, and of the stride from side to side."""
        return _Movement(60.0, _sway(rng, 2.0), _gait(rng), rng)

    def work(self, rng: np.random.Generator) -> Clip:
        """Bending down to pick something up, or sitting down and getting up again."""
        if rng.random() < 0.6:
            length = rng.uniform(3.0, 5.0)
            return _Movement(length, _bend(length, rng.uniform(*_BEND_DEG)), _still, rng)
        length = rng.uniform(5.0, 9.0)
        return _Movement(length, _bend(1.6, rng.uniform(15, 30)), _sit(length), rng)

    def fall(self, rng: np.random.Generator) -> Clip:
        """A trip in mid-walk: toppling, the impact, lying on the floor."""
        return _Fall(rng)


Pitch = Callable[[Floats], Floats]  # trunk pitch in degrees at times (n,)
Push = Callable[[Floats], Floats]  # linear acceleration in g at times (n,): (n, 3) in the sensor's axes


class _Movement:
    impact_s: float | None = None

    def __init__(self, duration_s: float, pitch: Pitch, push: Push, rng: np.random.Generator) -> None:
        self.duration_s = duration_s
        self._pitch = pitch
        self._push = push
        self._phase_s = float(rng.uniform(0, _NOISE_ROWS / _NOISE_HZ))

    def sample(self, t_s: Floats) -> Floats:
        inside = np.clip(t_s, 0.0, self.duration_s)
        out = _upright(self._pitch, inside)
        out[:, :3] += self._push(inside)
        return out + _noise(t_s + self._phase_s)


class _Fall:
    def __init__(self, rng: np.random.Generator) -> None:
        self._before = _gait(rng)
        self._loses_s = float(rng.uniform(3.0, 6.0))
        topple = float(rng.uniform(*_TOPPLE_S))
        self.impact_s: float | None = self._loses_s + topple + _PULSE_S / 2
        self.duration_s = self._loses_s + topple + float(rng.choice(_LIE_S))
        self._topple_s = topple
        self._free_g = float(rng.uniform(*_FREE_G))
        self._peak_g = float(rng.uniform(*_IMPACT_G))
        self._side_deg = float(rng.choice([-1, 1]) * rng.uniform(75, 95))  # on the face or on the back
        self._phase_s = float(rng.uniform(0, _NOISE_ROWS / _NOISE_HZ))

    def sample(self, t_s: Floats) -> Floats:
        since = t_s - self._loses_s
        out = _upright(self._pitch, t_s)
        out[:, :3] *= self._support(since)[:, None]
        out[:, :3] += self._before(t_s) * (since < 0)[:, None]
        out[:, :3] += self._impact(since - self._topple_s)
        return out + _noise(t_s + self._phase_s)

    def _pitch(self, t_s: Floats) -> Floats:
        # Toppling speeds up like a falling stick: the angle goes with the square of the time.
        share = np.clip((t_s - self._loses_s) / self._topple_s, 0, 1)
        return np.asarray(self._side_deg * share**2, dtype=np.float64)

    def _support(self, since: Floats) -> Floats:
        """What the ground carries: all of the weight, less and less while toppling, all again on the floor."""
        share = np.clip(since / (0.6 * self._topple_s), 0, 1)
        carried = 1 - (1 - self._free_g) * share
        return np.where(since < self._topple_s, carried, 1.0)

    def _impact(self, since: Floats) -> Floats:
        """Half sine of the impact, then a weaker bounce with the opposite sign, decaying."""
        pulse = np.where((since >= 0) & (since < _PULSE_S), np.sin(np.pi * since / _PULSE_S), 0.0)
        after = np.clip(since - _PULSE_S, 0, None)
        ring = np.where(since >= _PULSE_S, np.exp(-after / 0.08) * np.sin(2 * np.pi * 9 * after), 0.0)
        shape = self._peak_g * (pulse - 0.25 * ring)
        ahead = -np.sign(self._side_deg)
        return np.stack([0.15 * shape, -0.45 * shape, 0.88 * ahead * shape], axis=1)


def _upright(pitch: Pitch, t_s: Floats) -> Floats:
    """Gravity and angular rate (n, 6) for a trunk pitched by `pitch` degrees about the sensor's X axis."""
    step = 1e-3
    angle = np.radians(pitch(t_s))
    rate = (pitch(t_s + step) - pitch(t_s - step)) / (2 * step)
    out = np.zeros((len(t_s), 6))
    out[:, 1] = -np.cos(angle)
    out[:, 2] = -np.sin(angle)
    out[:, 3] = rate
    return out


def _sway(rng: np.random.Generator, swing_deg: float = 0.6) -> Pitch:
    phase = float(rng.uniform(0, 2 * np.pi))
    return lambda t_s: np.asarray(swing_deg * np.sin(2 * np.pi * 0.3 * t_s + phase), dtype=np.float64)


def _bend(length_s: float, depth_deg: float) -> Pitch:
    return lambda t_s: np.asarray(depth_deg * np.sin(np.pi * np.clip(t_s / length_s, 0, 1)) ** 2, dtype=np.float64)


def _still(t_s: Floats) -> Floats:
    return np.zeros((len(t_s), 3))


def _gait(rng: np.random.Generator) -> Push:
    step = float(rng.uniform(*_STEP_HZ))
    strength = float(rng.uniform(*_STEP_G))

    def push(t_s: Floats) -> Floats:
        turn = 2 * np.pi * step * t_s
        up = np.sin(turn) + 0.4 * np.sin(2 * turn + 0.7) + 0.15 * np.sin(3 * turn + 1.9)
        ahead = 0.5 * np.sin(turn + 1.2) + 0.2 * np.sin(2 * turn)
        side = 0.35 * np.sin(turn / 2)
        return np.asarray(strength * np.stack([side, -up, ahead], axis=1), dtype=np.float64)

    return push


def _sit(length_s: float) -> Push:
    """Down after 1 s and up 1 s before the end: a dip and a push of the vertical acceleration each."""

    def push(t_s: Floats) -> Floats:
        down = _bump(t_s, 1.0, 0.25) - 1.2 * _bump(t_s, 1.5, 0.12)
        up = _bump(t_s, length_s - 1.0, 0.2) * -0.8 + 0.6 * _bump(t_s, length_s - 0.5, 0.2)
        out = np.zeros((len(t_s), 3))
        out[:, 1] = 0.35 * (down + up)
        return out

    return push


def _bump(t_s: Floats, at_s: float, width_s: float) -> Floats:
    return np.asarray(np.exp(-(((t_s - at_s) / width_s) ** 2)), dtype=np.float64)


@lru_cache(maxsize=1)
def _noise_table() -> Floats:
    table = np.random.default_rng(20170120).standard_normal((_NOISE_ROWS, 6))
    return np.asarray(table * np.array([_NOISE_G] * 3 + [_NOISE_DPS] * 3), dtype=np.float64)


def _noise(t_s: Floats) -> Floats:
    """Sensor noise as a function of time, so that the size of the blocks asked for does not change it."""
    rows = np.floor(t_s * _NOISE_HZ).astype(np.int64) % _NOISE_ROWS
    return np.asarray(_noise_table()[rows], dtype=np.float64)
