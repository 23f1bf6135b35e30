"""The exertion model: sessions on record, what the core makes of them, learning its constants, and what they say.

Recordings go through the C core itself, so that a feature has one implementation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jikimi.sigcore._sigcore import ffi, lib
from numpy.typing import NDArray

from jikimi.sigcore import block
from tools.model_tables import rows

# Artefacts and memories; chosen with people left out, and not learnt.
SETTINGS = {
    "EXERTION_JUMP_BPM": 12,  # a reading may be this far from the median,
    "EXERTION_SLOPE_BPM": 4,  # and this much farther for every second since the last accepted one
    "EXERTION_AGREE_BPM": 8,  # rejected readings this close together belong to one run,
    "EXERTION_OUTLIER_MS": 6_000,  # which is believed after this time,
    "EXERTION_MULTIPLE_MS": 20_000,  # or this one when it is half or double the rate
    "EXERTION_THRESHOLD": 600,  # permille of the reserve above which strain grows
    "EXERTION_CEILING": 950,  # permille of the reserve above which time at the ceiling counts
    "EXERTION_RECOVERY_MS": 120_000,  # both fade with this time constant below
}
HYSTERESIS = 60  # hundredths between raising and ending "7 or more"
LATE_MS = 30_000  # raised within this is in time
_LIMITS = range(450, 901, 25)  # of "7 or more", where the one is looked for that is neither early nor late
_WAKING = 300
_RUNNING_KMH = 4.0
# Nobody's resting and highest heart rate are known exactly: (rest, highest) off by so many bpm, and what that weighs.
_DOUBT = {(0, 0): 3.0, (-8, 0): 1.0, (8, 0): 1.0, (0, -4): 1.0, (0, 4): 1.0}
Vector = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Constants:
    """The learnt half of the model; see `estimate`."""

    base: int
    per_reserve: int
    per_strain: int
    per_ceiling: int
    high_on: int


@dataclass(frozen=True)
class Session:
    """One person's test: heart rate over time, and ratings (t_ms, RPE) on the same clock."""

    person: str
    t_ms: list[int]
    hr_bpm: list[int]
    ratings: list[tuple[int, int]]
    rest_bpm: int
    max_bpm: int


def sessions(folder: Path) -> list[Session]:
    """Everybody in `folder` whose heart rate was recorded."""
    found = [_session(person) for person in sorted(folder.iterdir()) if person.is_dir()]
    return [session for session in found if session is not None]


def _session(folder: Path) -> Session | None:
    breaths = rows(next(folder.glob("*_COSMED_*.csv")), skip=1)
    t_s = np.array([float(row["t"]) for row in breaths])
    hr = np.array([float(row["HR"] or 0) for row in breaths])
    speed = np.array([float(row["GPS Speed"] or 0) for row in breaths])
    plausible = hr[(hr >= 30) & (hr <= 230)]
    if len(plausible) == 0:
        return None
    rated = [(float(row["Time"]), int(row["RPE"])) for row in rows(next(folder.glob("*_RPE_*.csv")))]
    start_s = _start_of_test(t_s, speed, rated[-1][0])
    # Nobody's resting or highest heart rate is on record: the 5th percentile and the highest median of five stand in.
    rest = round(float(np.percentile(plausible, 5)))
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(plausible, 5), axis=1)
    ratings = [(round((start_s + at_s) * 1000), rpe) for at_s, rpe in rated]
    return Session(
        folder.name, [round(t * 1000) for t in t_s], [round(h) for h in hr], ratings, rest, round(float(smooth.max()))
    )


def _start_of_test(t_s: Vector, speed_kmh: Vector, length_s: float) -> int:
    """Ratings count from the start of the run, which the recording does not mark: it is where people ran longest."""
    grid = np.interp(np.arange(0, t_s[-1] + 1), t_s, np.minimum(speed_kmh, 12))
    ran = np.concatenate([[0], np.cumsum(grid - _RUNNING_KMH)])
    starts = np.arange(0, len(grid) - int(length_s))
    return int(starts[np.argmax(ran[starts + int(length_s)] - ran[starts])])


@dataclass(frozen=True)
class Trace:
    """What the core made of a session: features (n, 3) and whether there was an estimate, after every reading."""

    t_ms: Whole
    features: Whole
    known: NDArray[np.bool_]


def trace(session: Session, wrong: tuple[int, int] = (0, 0)) -> Trace:
    """Push a session through the core, with the resting and highest heart rate off by `wrong`."""
    rest, highest = min(120, session.rest_bpm + wrong[0]), min(230, session.max_bpm + wrong[1])
    state, out = block.exertion_new(rest, highest), ffi.new("int32_t[3]")
    found, known = [], []
    for t_ms, bpm in zip(session.t_ms, session.hr_bpm, strict=True):
        known.append(block.exertion_push(state, t_ms, bpm) >= 0)
        lib.sig_exertion_features(state, out)
        found.append(list(out))
    return Trace(np.array(session.t_ms), np.array(found), np.array(known))


def estimate(features: Whole, c: Constants) -> Whole:
    """Exertion in hundredths, 0..1000, as the core computes it."""
    reserve, strain, ceiling = features.T
    doublings = c.per_strain * strain + c.per_ceiling * ceiling
    rpe = c.base + c.per_reserve * reserve // 1000 + doublings // 256
    asleep = np.maximum(rpe, 0) * reserve // _WAKING
    clipped: Whole = np.clip(np.where(reserve < _WAKING, asleep, rpe), 0, 1000)
    return clipped


def at_ratings(session: Session, of: Trace) -> tuple[Whole, Vector]:
    """Features and rating (hundredths) wherever both are known; a rating sees only what was measured before it."""
    times = np.array([t_ms for t_ms, _ in session.ratings])
    rated = np.array([rpe * 100.0 for _, rpe in session.ratings])
    index = np.searchsorted(of.t_ms, times, side="right") - 1
    known = (index >= 0) & of.known[index]
    return of.features[index[known]], rated[known]


def fit(people: list[Session]) -> Constants:
    """Least squares without negative weights, every person weighing the same."""
    matrix, target = [], []
    for person in people:
        for wrong, weight in _DOUBT.items():
            features, rated = at_ratings(person, traced(person, wrong))
            root = np.sqrt(weight / len(rated))
            scaled = features / np.array([1000.0, 256.0, 256.0])
            matrix.append(root * np.column_stack([np.ones(len(rated)), scaled]))
            target.append(root * rated)
    solution = _non_negative(np.concatenate(matrix), np.concatenate(target))
    base, reserve, strain, ceiling = (round(float(value)) for value in solution)
    c = Constants(base, reserve, strain, ceiling, high_on=1000)
    return replace(c, high_on=_high_on(people, c))


_TRACES: dict[tuple[str, tuple[int, int]], Trace] = {}


def traced(person: Session, wrong: tuple[int, int]) -> Trace:
    """As `trace`, once for each person and setting."""
    key = (person.person, wrong)
    if key not in _TRACES:
        _TRACES[key] = trace(person, wrong)
    return _TRACES[key]


def _non_negative(matrix: Vector, target: Vector) -> Vector:
    """Least squares in which only the base may be negative: a higher heart rate never lowers the estimate."""
    active = list(range(matrix.shape[1]))
    while True:
        found = np.linalg.lstsq(matrix[:, active], target, rcond=None)[0]
        negative = [column for column, value in zip(active, found, strict=True) if value < 0 < column]
        if not negative:
            solution: Vector = np.zeros(matrix.shape[1])
            solution[active] = found
            return solution
        active = [column for column in active if column not in negative]


def _first_high_ms(session: Session) -> int | None:
    return next((t_ms for t_ms, rpe in session.ratings if rpe >= 7), None)


def _high_on(people: list[Session], c: Constants) -> int:
    """The highest limit that raises "7 or more" in time for everybody, less a margin of half a rating."""
    needed = []
    for person in people:
        first = _first_high_ms(person)
        if first is not None:
            of = traced(person, (0, 0))
            before = of.known & (of.t_ms <= first + LATE_MS)
            needed.append(int(estimate(of.features[before], c).max()))
    return min(needed) - 50


@dataclass(frozen=True)
class Alarm:
    """How "7 or more" went in one session: seconds after the first rating of 7 (negative: early); false risings.

    `rated` is the last rating before it rose.
    """

    late_s: float | None
    rated: int | None
    false: int
    held: int
    high_ratings: int

    @property
    def is_close(self) -> bool:
        """Whether it rose at most 30 s before or after the first rating of 7."""
        return self.late_s is not None and abs(self.late_s) * 1000 <= LATE_MS


def alarm(session: Session, c: Constants) -> Alarm:
    """Follow "7 or more" through the whole recording, rest before and after the run included."""
    of = traced(session, (0, 0))
    rpe, first = estimate(of.features, c), _first_high_ms(session)
    raised: list[int] = []
    high, states = False, []
    for t_ms, value, known in zip(of.t_ms, rpe, of.known, strict=True):
        now = bool(known and value >= (c.high_on - HYSTERESIS if high else c.high_on))
        if now and not high:
            raised.append(int(t_ms))
        high = now
        states.append(high)
    rated = [t_ms for t_ms, value in session.ratings if value >= 7 and first is not None and t_ms >= first + LATE_MS]
    held = sum(states[int(np.searchsorted(of.t_ms, t_ms, side="right")) - 1] for t_ms in rated)
    false = sum(first is None or t_ms < first - LATE_MS for t_ms in raised)
    on = _risen_at(of.t_ms, states, first)
    if first is None or on is None:
        return Alarm(None, None, false, held, len(rated))
    said = [value for t_ms, value in session.ratings if t_ms <= on]
    return Alarm((on - first) / 1000, said[-1] if said else None, false, held, len(rated))


def either_way(people: list[Session], judged: Session, c: Constants) -> Alarm:
    """The alarm of `judged` with the limit that rises at most 30 s before or after the first 7 for most `people`."""
    found = []
    for limit in _LIMITS:
        tried = replace(c, high_on=limit)
        found.append(sum(alarm(person, tried).is_close for person in people))
    best = [limit for limit, close in zip(_LIMITS, found, strict=True) if close == max(found)]
    return alarm(judged, replace(c, high_on=best[len(best) // 2]))


def _risen_at(t_ms: Whole, states: list[bool], first: int | None) -> int | None:
    """When the alarm rose that stands at, or comes after, the first rating of 7."""
    risen: int | None = None
    for now, state in zip(t_ms, states, strict=True):
        if state and risen is None:
            risen = int(now)
        if not state and (first is None or now < first):
            risen = None
    return risen


def errors(person: Session, c: Constants, wrong: tuple[int, int] = (0, 0)) -> Vector:
    """Absolute errors of one person's estimates, in RPE."""
    features, rated = at_ratings(person, traced(person, wrong))
    return np.asarray(np.abs(estimate(features, c) - rated) / 100)
