"""The heart of a simulated shift's wearer, as light to a MAX30102, and what the tag says of it.

Each hour: rounds of five minutes as the wearer's (tools/shift_world.py), in which walking and bending shake the sensor;
four minutes of very hard work; a break; twice the sensor is off the skin. No two hours have the same noise.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from jikimi.fleet.virtual.hardware import Output
from jikimi.fleet.virtual.ppg import Floats, Motion, Ppg

SETTINGS = {"driver": "max30102", "rest_bpm": 60, "max_bpm": 185}
HARD_S = (260.0, 500.0)  # of each hour
_HOUR_S = 3600.0
_BREAK_S = (2400.0, 3000.0)
_OFF = ((700.0, 740.0), (3300.0, 3420.0))
_ROUND_S = 300.0
_WALKS, _BENDS = ((0.0, 60.0), (180.0, 240.0)), ((120.0, 180.0),)
_STEPS_HZ = 1.8
_SHAKEN = 0.03  # share of the light
_HARD_BPM, _BREAK_BPM, _WALK_BPM, _BEND_BPM, _STAND_BPM = 172.0, 70.0, 98.0, 115.0, 84.0
_LAG_S = 40.0  # in which a heart comes two thirds of the way to what the work asks for
_ALONE_S = 0.2  # the pattern of very hard work, and no other, has amber alone for longer between two vibrations
_AGAIN_S = 60.0


class Heart:
    """`light` as chips.max30102.Light, for as many hours as one likes."""

    def __init__(self, seed: int = 7) -> None:
        self._seed = seed
        self._hour, self._ppg = -1, Ppg(lambda t: np.full_like(t, _STAND_BPM))

    def light(self, t0_s: float, dt_s: float, n: int) -> Floats:
        """(n, 2) counts; a block belongs to the hour in which it begins."""
        hour = int(t0_s // _HOUR_S)
        if hour != self._hour:
            self._hour, self._ppg = hour, Ppg(_bpm, tuple(_motions()), _OFF, seed=self._seed * 1000 + hour)
        return self._ppg.light(t0_s - hour * _HOUR_S, dt_s, n)


def spells(length_s: float) -> int:
    """How often there is very hard work in a shift of so long."""
    hours, rest_s = divmod(length_s, _HOUR_S)
    return int(hours) + (rest_s > HARD_S[1])


def _within(t: Floats, spans: Iterable[tuple[float, float]]) -> NDArray[np.bool_]:
    return np.asarray(np.any([(t >= start_s) & (t < end_s) for start_s, end_s in spans], axis=0))


def _asked(t: Floats) -> Floats:
    """The rate that the work of each second of an hour would come to if it lasted."""
    phase = t % _ROUND_S
    asked = np.where(_within(phase, _WALKS), _WALK_BPM, np.where(_within(phase, _BENDS), _BEND_BPM, _STAND_BPM))
    asked = np.where(_within(t, [_BREAK_S]), _BREAK_BPM, asked)
    return np.where(_within(t, [HARD_S]), _HARD_BPM, asked)


def _bpm(t: Floats) -> Floats:
    """Heart rate at each time of an hour; it follows the work with a lag."""
    seconds = np.arange(0.0, _HOUR_S)
    rates, rate = np.empty_like(seconds), _STAND_BPM
    for i, asked in enumerate(_asked(seconds)):
        rate += (asked - rate) / _LAG_S
        rates[i] = rate
    return np.interp(t, seconds, rates)


def _motions() -> Iterable[Motion]:
    """When the sensor is shaken: steps and bends, not in the break; in hard work each other half minute."""
    for begin_s in np.arange(0.0, _HOUR_S, _ROUND_S):
        if not _BREAK_S[0] <= begin_s < _BREAK_S[1] and not HARD_S[0] < begin_s < HARD_S[1]:
            yield from (Motion(begin_s + a, begin_s + b, _SHAKEN, _STEPS_HZ) for a, b in _WALKS)
            yield from (Motion(begin_s + a, begin_s + b, _SHAKEN) for a, b in _BENDS)
    yield from (Motion(t_s, t_s + 30.0, _SHAKEN) for t_s in np.arange(*HARD_S, 60.0))


def told(outputs: Iterable[Output]) -> list[float]:
    """When the tag told its wearer of very hard work, in seconds of the world: by its pins of vibration and light."""
    found: list[float] = []
    lit, stopped_s = False, None  # amber; since when it shines without the vibration it began with
    for change in outputs:
        if change.name == "led_amber":
            lit, stopped_s = bool(change.level), None
        elif change.name == "haptic" and not change.level:
            stopped_s = change.t_s if lit else None
        elif change.name == "haptic" and stopped_s is not None:
            if change.t_s - stopped_s > _ALONE_S and (not found or stopped_s - found[-1] > _AGAIN_S):
                found.append(stopped_s)
            stopped_s = None
    return found
