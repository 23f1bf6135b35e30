"""Fit the constants of the exertion monitor on the Oxford YoYo test, and measure it with each person left out.

    python -m tools.train_exertion [--write]

The reference below is the definition of the algorithm in plain Python; tests hold the C core against it.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.model_tables import DATA, constants, rows, write_header

THRESHOLD = 600  # permille of the heart-rate reserve above which strain grows
RECOVERY_MS = 120_000  # strain fades with this time constant below it
_GAP_MS = 15_000
_STRAIN_LIMIT = 300_000_000
_RUNNING_KMH = 4.0
ORIGIN = (
    "Learnt from the Oxford YoYo set (heart rate and rated exertion of 8 people), which is not part of this project."
)

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Constants:
    """RPE in hundredths = base + per_reserve * %HRR permille / 1000 + per_root_strain * sqrt(strain) / 1000."""

    base: int
    per_reserve: int
    per_root_strain: int


@dataclass(frozen=True)
class Session:
    """One person's test: heart rate over time, and ratings (t_ms, RPE) on the same clock."""

    person: str
    t_ms: list[int]
    hr_bpm: list[int]
    ratings: list[tuple[int, int]]
    rest_bpm: int
    max_bpm: int


def features(t_ms: list[int], hr_bpm: list[int], rest_bpm: int, max_bpm: int) -> list[tuple[int, int] | None]:
    """(%HRR permille, sqrt of strain) after every reading; None before the first plausible one or 60 s without one."""
    found: list[tuple[int, int] | None] = []
    readings: list[int] = []
    strain = pending_ms = silence_ms = last_ms = 0
    permille = 0
    for i, (now_ms, bpm) in enumerate(zip(t_ms, hr_bpm, strict=True)):
        step_ms = max(0, now_ms - last_ms) if i else 0
        last_ms = now_ms
        pending_ms += step_ms
        silence_ms += step_ms
        if 30 <= bpm <= 230:
            readings = [*readings[-4:], bpm]
            middle = sorted(readings)[len(readings) // 2]
            permille = min(1000, max(0, (middle - rest_bpm) * 1000 // (max_bpm - rest_bpm)))
            if permille > THRESHOLD:
                strain = min(_STRAIN_LIMIT, strain + (permille - THRESHOLD) * min(pending_ms, _GAP_MS))
            else:
                strain = _recovered(strain, pending_ms)
            pending_ms = silence_ms = 0
        found.append((permille, math.isqrt(strain)) if readings and silence_ms < 60_000 else None)
    return found


def _recovered(strain: int, step_ms: int) -> int:
    if step_ms >= RECOVERY_MS:
        return 0
    whole = strain // RECOVERY_MS * step_ms
    return strain - whole - strain % RECOVERY_MS * (step_ms // 16) // (RECOVERY_MS // 16)


def estimate(pair: tuple[int, int], c: Constants) -> int:
    """Exertion in hundredths, 0..1000."""
    permille, root = pair
    return min(1000, max(0, c.base + (c.per_reserve * permille + c.per_root_strain * root) // 1000))


def sessions() -> list[Session]:
    """Everybody whose heart rate was recorded."""
    found = [_session(folder) for folder in sorted((DATA / "yoyo").iterdir())]
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


def at_ratings(session: Session) -> tuple[list[tuple[int, int]], list[int]]:
    """Features and rating wherever both are known; a rating sees only what was measured before it."""
    known = features(session.t_ms, session.hr_bpm, session.rest_bpm, session.max_bpm)
    pairs, rated = [], []
    for t_ms, rpe in session.ratings:
        index = int(np.searchsorted(session.t_ms, t_ms, side="right")) - 1
        pair = known[index] if index >= 0 else None
        if pair is not None:
            pairs.append(pair)
            rated.append(rpe)
    return pairs, rated


def fit(people: list[Session]) -> Constants:
    """Least squares, every person weighing the same."""
    matrix, target = [], []
    for person in people:
        pairs, rated = at_ratings(person)
        weight = 1 / math.sqrt(len(rated))
        matrix += [[weight, weight * permille / 1000, weight * root / 1000] for permille, root in pairs]
        target += [weight * rpe * 100 for rpe in rated]
    solution = np.linalg.lstsq(np.array(matrix), np.array(target), rcond=None)[0]
    return Constants(*(round(float(value)) for value in solution))


def errors(person: Session, c: Constants) -> Vector:
    """Absolute errors of one person's estimates, in RPE."""
    pairs, rated = at_ratings(person)
    return np.array([abs(estimate(pair, c) / 100 - rpe) for pair, rpe in zip(pairs, rated, strict=True)])


def report(people: list[Session]) -> None:
    """Print the figures of the model card: every person is judged by constants learnt from the others."""
    left_out = {p.person: errors(p, fit([other for other in people if other is not p])) for p in people}
    print("| person left out | ratings | mean absolute error (RPE) |\n|---|--:|--:|")
    for name, found in left_out.items():
        print(f"| {name} | {len(found)} | {found.mean():.2f} |")
    means = np.array([found.mean() for found in left_out.values()])
    drawn = np.random.default_rng(1).choice(means, (2000, len(means))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    print(
        f"| all ratings | {sum(map(len, left_out.values()))} | {np.concatenate(list(left_out.values())).mean():.2f} |"
    )
    print(f"| mean over people (95 % of bootstraps) | | {means.mean():.2f} ({low:.2f} to {high:.2f}) |")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write native/src/sig_exertion_model.h")
    args = parser.parse_args()
    people = sessions()
    report(people)
    if args.write:
        c = fit(people)
        pairs = [
            ("EXERTION_THRESHOLD", THRESHOLD),
            ("EXERTION_RECOVERY_MS", RECOVERY_MS),
            ("EXERTION_BASE", c.base),
            ("EXERTION_PER_RESERVE", c.per_reserve),
            ("EXERTION_PER_ROOT_STRAIN", c.per_root_strain),
        ]
        print(write_header("sig_exertion_model.h", "train_exertion", ORIGIN, [constants(pairs)]), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
