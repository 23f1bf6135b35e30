"""The floor plan: zones, machines and where they are at any moment.

Lengths are metres and times seconds of the shift (0 = the floor opens) inside this package; the JSON of
`Plan.to_json` is in millimetres, as the page reads it.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jikimi.fleet.errors import JikimiError

Point = tuple[float, float]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Zone:
    """A named rectangle of the floor."""

    name: str
    x: float
    y: float
    width: float
    height: float

    def holds(self, p: Point) -> bool:
        """Whether the point lies in this zone."""
        return self.x <= p[0] < self.x + self.width and self.y <= p[1] < self.y + self.height


@dataclass(frozen=True)
class Machine:
    """A machine with a round hazard zone about its centre; it stands at `home` or drives round `loop`.

    `loop` holds (point, seconds of halt there); the machine drives the sides at `speed` m/s and starts over.
    """

    name: str
    kind: str
    zone: str
    home: Point
    warn: float
    danger: float
    stations: tuple[Point, ...]
    loop: tuple[tuple[Point, float], ...] = ()
    speed: float = 0.0
    _track: tuple[list[float], list[Point]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_track", _track(self.loop or ((self.home, 1.0),), self.speed or 1.0))

    def positions(self, t_s: Floats) -> Floats:
        """Centre of the machine at each time of the shift: shape (n, 2), metres."""
        times, points = self._track
        phase = np.mod(np.maximum(t_s, 0.0), times[-1])
        return np.stack([np.interp(phase, times, [p[axis] for p in points]) for axis in (0, 1)], axis=-1)

    def position(self, t_s: float) -> Point:
        """Centre of the machine at one time of the shift, metres."""
        times, points = self._track
        phase = max(t_s, 0.0) % float(times[-1])
        k = bisect.bisect_right(times, phase)
        share = (phase - times[k - 1]) / (times[k] - times[k - 1])
        (x0, y0), (x1, y1) = points[k - 1], points[k]
        return float(x0 + share * (x1 - x0)), float(y0 + share * (y1 - y0))


def _track(loop: Sequence[tuple[Point, float]], speed: float) -> tuple[list[float], list[Point]]:
    """Break points of one round: times from 0, and where the machine is then."""
    times, points = [0.0], [loop[0][0]]
    for (here, halt), (there, _) in itertools.pairwise([*loop, loop[0]]):
        if halt:
            times.append(times[-1] + halt)
            points.append(here)
        if here != there:
            times.append(times[-1] + float(np.hypot(there[0] - here[0], there[1] - here[1])) / speed)
            points.append(there)
    return times, points


# A hall of 40 m by 24 m: an aisle across the middle, work areas on both sides, and a forklift that carries pallets
# between the loading bay and the store, right across the aisle. Warning distances follow S = K·T + C with
# K = 1.6 m/s (ISO 13855), more for the moving truck, which adds its own speed and stopping distance.
ZONES = (
    Zone("loading", 0, 14, 16, 10),
    Zone("press-shop", 16, 14, 12, 10),
    Zone("assembly", 28, 14, 12, 10),
    Zone("aisle", 0, 10, 40, 4),
    Zone("store", 0, 0, 20, 10),
    Zone("finishing", 20, 0, 20, 10),
)
WIDTH_M, HEIGHT_M = 40.0, 24.0

_LOOP = (((3.0, 21.0), 4.0), ((12.0, 21.0), 0.0), ((12.0, 3.0), 4.0), ((3.0, 3.0), 0.0))
_MACHINES = (
    Machine("forklift-1", "forklift", "loading", _LOOP[0][0], 5.0, 2.5, ((15.0, 19.0), (15.0, 6.0)), _LOOP, 1.8),
    Machine("press-1", "press", "press-shop", (22.0, 19.0), 3.0, 1.5, ((18.0, 18.0), (22.0, 14.8), (26.0, 18.0))),
    Machine("cobot-1", "cobot", "assembly", (34.0, 19.0), 2.5, 1.2, ((30.5, 18.0), (34.0, 15.0), (37.5, 19.0))),
    Machine("press-2", "press", "finishing", (25.0, 4.0), 3.0, 1.5, ((21.0, 4.0), (25.0, 8.2))),
    Machine("cobot-2", "cobot", "finishing", (34.0, 4.0), 2.5, 1.2, ((30.5, 4.0), (34.0, 7.6))),
    Machine("saw-1", "other", "press-shop", (18.5, 22.0), 2.0, 1.0, ((16.5, 20.0),)),
    Machine("lathe-1", "other", "assembly", (29.5, 22.5), 1.5, 0.8, ((28.5, 19.8),)),
    Machine("robot-1", "cobot", "store", (18.0, 2.0), 2.5, 1.2, ((18.0, 6.0),)),
)
MAX_MACHINES = len(_MACHINES)


@dataclass(frozen=True)
class Plan:
    """The hall of one run."""

    machines: tuple[Machine, ...]
    zones: tuple[Zone, ...] = ZONES
    width: float = WIDTH_M
    height: float = HEIGHT_M

    def zone_at(self, p: Point) -> str:
        """Name of the zone that holds the point; the aisle where none does."""
        return next((zone.name for zone in self.zones if zone.holds(p)), "aisle")

    def to_json(self, devices: Sequence[str]) -> dict[str, Any]:
        """The plan as the page reads it; `devices` are the ids of the machine nodes, in the order of `machines`."""
        return {
            "width_mm": round(self.width * 1000),
            "height_mm": round(self.height * 1000),
            "zones": [_zone_json(zone) for zone in self.zones],
            "machines": [
                _machine_json(machine, device) for machine, device in zip(self.machines, devices, strict=True)
            ],
        }


def default_plan(machines: int) -> Plan:
    """The built-in hall with its first `machines` machines. Raises JikimiError when it has not that many."""
    if not 1 <= machines <= MAX_MACHINES:
        raise JikimiError(f"the demo hall has room for 1 to {MAX_MACHINES} machines, not {machines}")
    return Plan(_MACHINES[:machines])


def _zone_json(zone: Zone) -> dict[str, Any]:
    edges = {"x_mm": zone.x, "y_mm": zone.y, "w_mm": zone.width, "h_mm": zone.height}
    return {"name": zone.name, **{key: round(value * 1000) for key, value in edges.items()}}


def _machine_json(machine: Machine, device: str) -> dict[str, Any]:
    sizes = {
        "x_mm": machine.home[0],
        "y_mm": machine.home[1],
        "warn_mm": machine.warn,
        "danger_mm": machine.danger,
    }
    return {
        "device": device,
        "name": machine.name,
        "kind": machine.kind,
        "zone": machine.zone,
        **{key: round(value * 1000) for key, value in sizes.items()},
    }
