"""What really happened on the floor: the acted falls and the incursions, from true positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jikimi.fleet.floor.clips import Floats

GRID_S = 0.02  # a walker moves 3 cm, the forklift 4 cm in this time
_JOIN_S = 1.0  # stepping out of the zone for less than this does not make a second incursion


@dataclass(frozen=True)
class ActedFall:
    """A fall, by the board of the worker; the time is that of the peak of acceleration."""

    board: str
    impact_s: float


@dataclass(frozen=True)
class Rest:
    """A worker lying motionless, from lying down to getting up."""

    board: str
    begin_s: float
    end_s: float


@dataclass(frozen=True)
class Incursion:
    """A worker inside a machine's warning zone by true distance. Level 1 warn, 2 danger was reached."""

    board: str
    machine: str  # board of the machine's node
    begin_s: float
    end_s: float
    min_distance_m: float
    level: int
    complete: bool  # False: it had begun before, or went on after, the time looked at

    @property
    def dwell_s(self) -> float:
        """Time from entering to leaving."""
        return self.end_s - self.begin_s


def incursions(
    board: str, machine: str, t_s: Floats, distance_m: Floats, warn_m: float, danger_m: float
) -> list[Incursion]:
    """Incursions in a series of true distances at times `t_s`, both (n,), evenly spaced and gapless."""
    inside = np.concatenate([[False], distance_m < warn_m, [False]])
    edges = np.flatnonzero(np.diff(inside.astype(np.int8)))
    spans = [[int(b), int(e)] for b, e in zip(edges[::2], edges[1::2], strict=True)]
    found = []
    for begin, end in _joined(spans, t_s):
        least = float(distance_m[begin:end].min())
        found.append(
            Incursion(
                board,
                machine,
                float(t_s[begin]),
                float(t_s[end - 1]),
                least,
                2 if least < danger_m else 1,
                begin > 0 and end < len(t_s),
            )
        )
    return found


def _joined(spans: list[list[int]], t_s: Floats) -> list[list[int]]:
    out: list[list[int]] = []
    for begin, end in spans:
        if out and t_s[begin] - t_s[out[-1][1] - 1] < _JOIN_S:
            out[-1][1] = end
        else:
            out.append([begin, end])
    return out
