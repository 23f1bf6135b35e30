"""The shop floor as the virtual world sees it: bodies, a channel, and the truth about both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jikimi.fleet.floor.cast import NO_PARTS, REST_BEGIN_S, REST_END_S, Cast
from jikimi.fleet.floor.clips import Floats, Motion, blend
from jikimi.fleet.floor.physics import PhysicsMotion
from jikimi.fleet.floor.plan import Plan, Point
from jikimi.fleet.floor.radio import Link, Radio
from jikimi.fleet.floor.recordings import RecordedMotion, load
from jikimi.fleet.floor.script import Timeline, Turn
from jikimi.fleet.floor.truth import GRID_S, ActedFall, Incursion, Rest, incursions

_BODY_M = 0.25  # radius of a person in the line of a link
_MACHINE_M = 0.9
_OPENING_FADE_S, _CLOSING_FADE_S = 0.5, 3.0


@dataclass(frozen=True)
class _Snapshot:
    """Where every board is at one moment of the shift, and which way the workers look."""

    shift_s: float
    places: Mapping[str, Point]
    facing: Mapping[str, float]

    def in_between(self, board: str, here: Point, there: Point) -> float:
        """How much of its wearer is between a board on the belt's front and the other end: 0 none, 1 all."""
        if board not in self.facing:
            return 0.0
        bearing = math.atan2(there[1] - here[1], there[0] - here[0])
        return ((1 - math.cos(bearing - self.facing[board])) / 2) ** 2


class Floor:
    """Workers and machines on a plan, the same for the same seed.

    `workers` are boards with the motion of who wears them, `machines` boards in the plan's order, `parts` who does
    something of their own; `resting` and `lone` are the boards of these two, None where nobody has the part.

    Until `open` is called everybody stands still where the shift will begin, so that boards can start in their own
    time; from then on world time runs with the shift until `close`, after which everybody stands still again. All
    times of the public methods are seconds of the world.
    """

    def __init__(
        self,
        plan: Plan,
        workers: Mapping[str, Motion],
        machines: Sequence[str],
        seed: int,
        parts: Cast = NO_PARTS,
    ) -> None:
        self.plan = plan
        self.opened_s: float | None = None
        self.closed_s = math.inf
        self._machines = dict(zip(machines, plan.machines, strict=True))
        rngs = np.random.default_rng(seed).spawn(len(workers) + 1)
        ranks = rngs[-1].permutation(len(workers))
        self._timelines = {
            name: Timeline(plan, motion, _turn(number, int(rank), len(workers), parts), rng)
            for number, ((name, motion), rank, rng) in enumerate(zip(workers.items(), ranks, rngs[:-1], strict=True))
        }
        self.resting, self.lone = (None if n is None else list(workers)[n] for n in (parts.resting, parts.lone))
        self.bodies: Mapping[str, WornBody] = {name: WornBody(self, line) for name, line in self._timelines.items()}
        self.channel = Radio(self._link, seed)
        self._latest = _Snapshot(-1.0, {}, {})

    def open(self, t_s: float) -> None:
        """Start the shift at this world time."""
        self.opened_s = t_s

    def close(self, t_s: float) -> None:
        """End the shift at this world time: from then on everybody stands still where they are."""
        self.closed_s = t_s

    def shift_s(self, t_s: float) -> float:
        """Seconds of the shift at a world time; 0 before it is open, no more after it is closed."""
        return 0.0 if self.opened_s is None else max(min(t_s, self.closed_s) - self.opened_s, 0.0)

    def position(self, board: str, t_s: float) -> Point:
        """Where a board is, in metres."""
        return self._snapshot(t_s).places[board]

    def acted_falls(self, until_s: float) -> list[ActedFall]:
        """Every fall whose impact was at or before `until_s`, in order of time."""
        start = self._start_s
        falls = [
            ActedFall(name, start + impact)
            for name, line in self._timelines.items()
            for impact in line.impacts(min(until_s, self.closed_s) - start)
        ]
        return sorted(falls, key=lambda fall: fall.impact_s)

    def rests(self, until_s: float) -> list[Rest]:
        """The rest on the floor, if one has begun at or before `until_s`."""
        begin = self._start_s + REST_BEGIN_S
        if self.resting is None or self.opened_s is None or begin > min(until_s, self.closed_s):
            return []
        return [Rest(self.resting, begin, self._start_s + REST_END_S)]

    def incursions(self, until_s: float, margin_m: float = 0.0) -> list[Incursion]:
        """Every stay of a worker in a machine's warning zone from the opening to `until_s`, in order of time.

        With a margin also those who came only so near to the zone.
        """
        times = np.arange(0.0, min(until_s, self.closed_s) - self._start_s, GRID_S)
        if not len(times):
            return []
        places = {name: line.positions(times) for name, line in self._timelines.items()}
        found: list[Incursion] = []
        for name, machine in self._machines.items():
            centre = machine.positions(times)
            for board, place in places.items():
                away = np.linalg.norm(place - centre, axis=1)
                shifted = self._start_s + times
                found += incursions(board, name, shifted, away, machine.warn + margin_m, machine.danger)
        return sorted(found, key=lambda incursion: incursion.begin_s)

    @property
    def _start_s(self) -> float:
        return 0.0 if self.opened_s is None else self.opened_s

    def _snapshot(self, t_s: float) -> _Snapshot:
        """Places of everybody at one moment; kept, as one advert is weighed for every receiver."""
        shift = self.shift_s(t_s)
        if shift != self._latest.shift_s:
            workers = {name: line.place(shift) for name, line in self._timelines.items()}
            machines = {name: machine.position(shift) for name, machine in self._machines.items()}
            places = machines | {name: place for name, (place, _) in workers.items()}
            self._latest = _Snapshot(shift, places, {name: facing for name, (_, facing) in workers.items()})
        return self._latest

    def _link(self, a: str, b: str, t_s: float) -> Link:
        now = self._snapshot(t_s)
        here, there = now.places[a], now.places[b]
        others = [name for name in now.places if name not in (a, b)]
        return Link(
            here,
            there,
            wearer=max(now.in_between(a, here, there), now.in_between(b, there, here)),
            people=sum(_crosses(here, there, now.places[n], _BODY_M) for n in others if n in now.facing),
            machines=sum(_crosses(here, there, now.places[n], _MACHINE_M) for n in others if n in self._machines),
        )


class WornBody:
    """The body that carries one board (`jikimi.fleet.virtual.world.Body`)."""

    def __init__(self, floor: Floor, timeline: Timeline) -> None:
        self._floor = floor
        self._timeline = timeline

    def samples(self, t0_s: float, dt_s: float, n: int) -> Floats:
        """Motion at the world times t0, t0 + dt, …: (n, 6), g and deg/s in the board's axes."""
        times = t0_s + dt_s * np.arange(n, dtype=np.float64)
        opened, closed = self._floor.opened_s, self._floor.closed_s
        if opened is None or times[-1] <= opened or times[0] >= closed + _CLOSING_FADE_S:
            return self._waiting(times)
        moving = self._timeline.motion(np.maximum(times - opened, 0.0))
        begun = np.clip((times - opened) / _OPENING_FADE_S, 0, 1)
        ended = np.clip((times - closed) / _CLOSING_FADE_S, 0, 1)
        weight = np.minimum(begun, 1 - ended)
        return moving if weight.min() == 1 else blend(self._waiting(times), moving, weight)

    def _waiting(self, times: Floats) -> Floats:
        return self._timeline.waiting.sample(times)


def _turn(number: int, rank: int, crew: int, parts: Cast) -> Turn:
    return Turn(rank, crew, rests=number == parts.resting, falls=number != parts.lone)


def workers(count: int, recordings: Path | None, seed: int) -> list[Motion]:
    """Workers who move as people recorded in a SisFall folder do, or as physics has it.

    Raises JikimiError when the folder holds no usable recordings.
    """
    if recordings is None:
        return [PhysicsMotion() for _ in range(count)]
    people = load(recordings)
    order = np.random.default_rng([seed, 1]).permutation(len(people))
    return [RecordedMotion(people[order[i % len(order)]]) for i in range(count)]


def _crosses(a: Point, b: Point, p: Point, radius: float) -> bool:
    """Whether a disc about `p` lies in the line from `a` to `b`, away from both ends."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    square = dx * dx + dy * dy
    if square < 1e-6:
        return False
    share = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / square
    return 0 < share < 1 and math.hypot(a[0] + share * dx - p[0], a[1] + share * dy - p[1]) < radius
