"""What each worker does: a timeline of segments, made up as far as it is asked for, always the same for one seed.

A worker goes on errands: to a machine's station, now and then too close to the machine, works there, walks on. Falls
are spread over the whole crew at a steady rate, so that a short run has some and every fall has quiet after it.
"""

from __future__ import annotations

import bisect
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jikimi.fleet.floor.cast import REST_BEGIN_S, REST_END_S
from jikimi.fleet.floor.clips import Clip, Floats, Motion, blend, turn_deg
from jikimi.fleet.floor.plan import Machine, Plan, Point

_SPEED_MS = (1.1, 1.5)  # comfortable walking speed of adults (Bohannon & Williams Andrews 2011: 1.2–1.4 m/s)
_REACH_IN = 0.4  # share of errands that end too close to the machine: the shortcut, the part that got stuck
_DEEP = 0.35  # share of those that go right into the danger zone
_CLEAR_M = 1.2  # nobody walks nearer than this past the middle of a machine …
_WAIT_S, _WAITS = 0.5, 20  # … and people wait for a moving one to pass, this long at most
_FADE_S, _TURN_DEG_S = 0.5, 40.0  # from one movement into the next, and more for a change of posture
_RISE_S = 3.5  # standing again after a fall
_FIRST_FALL_S = 9.0  # the first fall of the crew
_SET_OUT_S, _LAST_SETS_OUT_S = 2.5, 60.0  # between two workers at the start; nobody stands long enough to seem lifeless
_REST_CLEAR_S = 25.0  # from getting up after a rest to the next impact, at least
_FALL_GAP_S, _FALL_TURN_S = 7.0, 36.0  # between two falls of the crew, and of one worker, at least


@dataclass(frozen=True)
class Segment:
    """One stretch of a timeline: a straight way or a stay, and the body's clip that goes with it."""

    begin_s: float
    end_s: float
    start: Point
    stop: Point
    facing: float  # radians, mathematical sense
    clip: Clip
    fade_s: float
    turn_deg: Floats  # (3,): how the trunk turns while this movement fades in

    @property
    def impact_s(self) -> float | None:
        """When a fall's impact happens, in seconds of the shift; None for anything else."""
        return None if self.clip.impact_s is None else self.begin_s + self.clip.impact_s


@dataclass(frozen=True)
class Turn:
    """A worker's place in the crew's rota of errands and falls, and whether this one rests first or never falls."""

    rank: int
    crew: int
    rests: bool = False
    falls: bool = True

    @property
    def gap_s(self) -> float:
        """From one worker's setting out at the start to the next one's."""
        return min(_SET_OUT_S, _LAST_SETS_OUT_S / self.crew)

    def fall_s(self, number: int) -> float:
        """When the worker's `number`-th fall is due (0 = the first); infinity for one who never falls."""
        if not self.falls:
            return math.inf
        every = max(_FALL_GAP_S * self.crew, _FALL_TURN_S)
        last_first = self.crew - 1 - self.rank  # those whose errand comes first have time for it
        first = _FIRST_FALL_S + last_first * every / self.crew
        if self.rests:
            first += math.ceil(max(REST_END_S + _REST_CLEAR_S - first, 0.0) / every) * every
        return first + number * every


class Timeline:
    """The segments of one worker, growing on demand of any thread; times are seconds of the shift, from 0."""

    def __init__(self, plan: Plan, motion: Motion, turn: Turn, rng: np.random.Generator) -> None:
        self._plan = plan
        self._motion = motion
        self._turn = turn
        self._rng = rng
        self._growing = threading.Lock()
        self._segments: list[Segment] = []
        self._begins: list[float] = []  # of each segment; the last to be appended to, so what it counts is there
        self._visits = 0
        self._falls = 0
        self._where: Point = _start(plan, turn)
        self._facing = math.pi / 2
        self._next_fall = motion.fall(rng)
        self.waiting = motion.stand(rng)

    def segments(self, until_s: float) -> Sequence[Segment]:
        """All segments that begin at or before `until_s`."""
        self._grow(until_s)
        return self._segments[: bisect.bisect_right(self._begins, until_s)]

    def positions(self, t_s: Floats) -> Floats:
        """Where the worker is at each time: (n, 2), metres."""
        out = np.empty((len(t_s), 2))
        for chosen, segment, _ in self._pieces(t_s):
            length = segment.end_s - segment.begin_s
            share = np.clip((t_s[chosen] - segment.begin_s) / length, 0, 1)[:, None]
            out[chosen] = (1 - share) * np.array(segment.start) + share * np.array(segment.stop)
        return out

    def place(self, t_s: float) -> tuple[Point, float]:
        """Where the worker is at one time, in metres, and which way the worker looks, in radians."""
        now = max(t_s, 0.0)
        self._grow(now)
        segment = self._segments[bisect.bisect_right(self._begins, now) - 1]
        share = (now - segment.begin_s) / (segment.end_s - segment.begin_s)
        return _between(segment.start, segment.stop, min(share, 1.0)), segment.facing

    def motion(self, t_s: Floats) -> Floats:
        """What the sensor feels at each time: (n, 6) in g and deg/s, each segment faded in from the one before."""
        out = np.empty((len(t_s), 6))
        for chosen, segment, before in self._pieces(t_s):
            times = t_s[chosen]
            values = segment.clip.sample(times - segment.begin_s)
            share = np.clip((times - segment.begin_s) / segment.fade_s, 0, 1)
            if share.min() < 1:
                earlier, since = (before.clip, before.begin_s) if before else (self.waiting, 0.0)
                values = blend(earlier.sample(times - since), values, share**2 * (3 - 2 * share))
                values[:, 3:] += (6 * share * (1 - share) / segment.fade_s)[:, None] * segment.turn_deg
            out[chosen] = values
        return out

    def impacts(self, until_s: float) -> list[float]:
        """Impact times of the falls up to `until_s`."""
        times = [segment.impact_s for segment in self.segments(until_s)]
        return [t for t in times if t is not None and t <= until_s]

    def _grow(self, until_s: float) -> None:
        with self._growing:
            while self._now <= until_s:
                self._errand()

    def _pieces(self, t_s: Floats) -> list[tuple[Floats, Segment, Segment | None]]:
        """The segments that hold these times: (mask of the times, segment, the segment before it)."""
        segments = self.segments(max(float(t_s.max()), 0.0))
        index = np.maximum(np.searchsorted(self._begins[: len(segments)], t_s, side="right") - 1, 0)
        return [(index == i, segments[i], segments[i - 1] if i else None) for i in np.unique(index)]

    @property
    def _now(self) -> float:
        return self._segments[-1].end_s if self._segments else 0.0

    def _errand(self) -> None:
        """Walk to a machine, work there, walk away from where one should not be."""
        machine = self._choose()
        station = machine.stations[int(self._rng.integers(len(machine.stations)))]
        if self._first or self._rng.random() < _REACH_IN:
            self._walk(self._reach(machine, station))
            self._stay(self._motion.stand(self._rng), self._rng.uniform(1.0, 2.5))
        self._walk(_beside(station, self._rng))
        self._facing = _heading(self._where, machine.home)
        clip = self._motion.work(self._rng)
        self._stay(clip, clip.duration_s)
        self._visits += 1

    @property
    def _first(self) -> bool:
        return self._visits == 0

    def _choose(self) -> Machine:
        """The first errand leads the whole crew, one after the other, to one machine; the rest is chance."""
        machines = self._plan.machines
        if not self._first:
            return machines[int(self._rng.integers(len(machines)))]
        if self._turn.rests:
            self._rest()
        else:
            self._stay(self._motion.stand(self._rng), 0.2 + self._turn.rank * self._turn.gap_s)
        return _hot(self._plan)

    def _rest(self) -> None:
        """Stand at the starting place, which is clear of every zone, lie there motionless, and get up."""
        self._stay(self._motion.stand(self._rng), REST_BEGIN_S)
        self._stay(self._motion.lie(self._rng), REST_END_S - REST_BEGIN_S)
        self._stay(self._motion.stand(self._rng), _RISE_S)

    def _reach(self, machine: Machine, station: Point) -> Point:
        """A point on the station's side of the machine, inside its warning zone, sometimes its danger zone."""
        share = 0.7 * machine.danger if self._rng.random() < _DEEP else 0.5 * (machine.danger + machine.warn)
        angle = _heading(machine.home, station) + self._rng.uniform(-0.4, 0.4)
        away = max(share, 0.8)
        return machine.home[0] + away * math.cos(angle), machine.home[1] + away * math.sin(angle)

    def _walk(self, target: Point) -> None:
        for corner in [*_around(self._plan, self._where, target), target]:
            speed = float(self._rng.uniform(*_SPEED_MS))
            self._let_pass(corner, speed)
            self._leg(corner, speed)

    def _leg(self, target: Point, speed: float) -> None:
        """Walk straight on, in as many clips as it takes, with the fall that is due on the way."""
        while (left := math.dist(self._where, target)) > 0.01:
            self._facing = _heading(self._where, target)
            clip = self._motion.walk(self._rng)
            length = min(left / speed, clip.duration_s, max(self._until_fall(), 0.0))
            share = length * speed / left
            if length > 0:
                self._add(clip, length, _between(self._where, target, share))
            self._fall_if_due()

    def _stay(self, clip: Clip, length: float) -> None:
        """Stand or work here; a fall that is due meanwhile comes first."""
        if self._until_fall() < length:
            if (wait := self._until_fall()) > 0:
                self._add(self._motion.stand(self._rng), wait, self._where)
            self._fall_if_due()
        self._add(clip, length, self._where)

    def _until_fall(self) -> float:
        impact = self._next_fall.impact_s
        assert impact is not None
        return self._turn.fall_s(self._falls) - impact - self._now

    def _fall_if_due(self) -> None:
        if self._until_fall() > 1e-6:
            return
        self._add(self._next_fall, self._next_fall.duration_s, self._where)
        self._add(self._motion.stand(self._rng), _RISE_S, self._where)
        self._next_fall = self._motion.fall(self._rng)
        self._falls += 1

    def _add(self, clip: Clip, length: float, stop: Point) -> None:
        now, turn = self._now, self._turn_into(clip)
        fade_s = min(_FADE_S + float(np.linalg.norm(turn)) / _TURN_DEG_S, length)
        self._segments.append(Segment(now, now + length, self._where, stop, self._facing, clip, fade_s, turn))
        self._begins.append(now)
        self._where = stop

    def _turn_into(self, clip: Clip) -> Floats:
        """How the trunk turns from the end of the last segment into this clip: (3,), degrees."""
        last = self._segments[-1] if self._segments else None
        span = np.linspace(0.0, 1.0, 25)
        before = last.clip.sample(last.end_s - last.begin_s - span) if last else self.waiting.sample(span)
        return turn_deg(before[:, :3].mean(axis=0), clip.sample(span)[:, :3].mean(axis=0))

    def _let_pass(self, target: Point, speed: float) -> None:
        """Wait until no moving machine would be met on the way, or patience ends."""
        for _ in range(_WAITS):
            if not _meets(self._plan, self._where, target, self._now, speed):
                return
            self._stay(self._motion.stand(self._rng), _WAIT_S)


def _hot(plan: Plan) -> Machine:
    """The machine of the crew's first errand: one that stands still, if there is one."""
    return next((machine for machine in plan.machines if not machine.loop), plan.machines[0])


def _start(plan: Plan, turn: Turn) -> Point:
    """Starting places: a row in the aisle, the first right below the hot machine, outside every warning zone."""
    middle = _hot(plan).home[0]
    offset = (turn.rank + 1) // 2 * (1 if turn.rank % 2 else -1) * 1.1
    return min(max(middle + offset, 1.0), plan.width - 1.0), 13.6


def _beside(station: Point, rng: np.random.Generator) -> Point:
    return station[0] + float(rng.uniform(-0.4, 0.4)), station[1] + float(rng.uniform(-0.4, 0.4))


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


def _heading(a: Point, b: Point) -> float:
    return math.atan2(b[1] - a[1], b[0] - a[0])


def _around(plan: Plan, start: Point, target: Point) -> list[Point]:
    """Corners that keep the way clear of the bodies of standing machines, nearest first."""
    corners: list[tuple[float, Point]] = []
    length = math.dist(start, target)
    for machine in plan.machines:
        share, gap = _closest(start, target, machine.home)
        if machine.loop or gap >= _CLEAR_M or not 0 < share < 1 or math.dist(target, machine.home) < _CLEAR_M:
            continue
        along = ((target[0] - start[0]) / length, (target[1] - start[1]) / length)
        side = along[0] * (machine.home[1] - start[1]) - along[1] * (machine.home[0] - start[0])
        out = -math.copysign(_CLEAR_M + 0.1, side)
        corners.append((share, (machine.home[0] - along[1] * out, machine.home[1] + along[0] * out)))
    return [corner for _, corner in sorted(corners)]


def _closest(start: Point, target: Point, p: Point) -> tuple[float, float]:
    """Where on the way it comes closest to `p` (0 = start, 1 = target), and how close."""
    dx, dy = target[0] - start[0], target[1] - start[1]
    square = dx * dx + dy * dy
    share = 0.0 if square == 0 else ((p[0] - start[0]) * dx + (p[1] - start[1]) * dy) / square
    share = min(max(share, 0.0), 1.0)
    return share, math.dist(_between(start, target, share), p)


def _meets(plan: Plan, start: Point, target: Point, now: float, speed: float) -> bool:
    """Whether someone setting out now would come within `_CLEAR_M` of a moving machine."""
    seconds = math.dist(start, target) / speed
    times = np.arange(0.0, seconds + 0.2, 0.2)
    share = np.minimum(times / max(seconds, 1e-9), 1.0)[:, None]
    way = (1 - share) * np.array(start) + share * np.array(target)
    moving = [machine.positions(now + times) for machine in plan.machines if machine.loop]
    return any(bool((np.linalg.norm(way - path, axis=1) < _CLEAR_M).any()) for path in moving)
