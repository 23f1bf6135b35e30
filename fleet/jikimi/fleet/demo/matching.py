"""What was acted against what was reported.

Tolerances, all in seconds of the world's clock:

- a fall is detected by a FALL record of that worker's tag from 1 s before to 3 s after the impact (the core promises
  2 s, the device's clock and its blocks of samples need the rest);
- an incursion is detected by a NEAR_MISS record of that machine's node naming that worker's tag, made between 2 s
  before the incursion begins and 6 s after it ends (a node reports when the encounter is over: out of the zone and its
  hysteresis, or not heard for 3 s);
- an incursion counts when it lasted at least 1 s and went at least 0.3 m deep. Shorter and shallower ones are within
  what ranging can tell; reporting them is neither right nor wrong, and they are counted as `marginal`. Likewise a
  report is false only when the worker stayed more than 0.3 m outside the zone all the time;
- what had not ended, or not been given the time above to be reported, when the run ended does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jikimi.fleet.floor import ActedFall, Incursion

FALL_BEFORE_S, FALL_AFTER_S = 1.0, 3.0
NEAR_BEFORE_S, NEAR_AFTER_S = 2.0, 6.0
LEAST_DWELL_S, LEAST_DEPTH_M = 1.0, 0.3


@dataclass(frozen=True)
class ReportedFall:
    """A FALL record: the tag's board and the record's time, in seconds of the world."""

    board: str
    t_s: float


@dataclass(frozen=True)
class ReportedNearMiss:
    """A NEAR_MISS record; `board` is the tag it names, None when the node could not tell."""

    machine: str
    board: str | None
    t_s: float


@dataclass(frozen=True)
class Score:
    """How the reports compare with the truth."""

    acted: int
    detected: int
    false: int  # reports that fit nothing that was acted
    missed: tuple[str, ...]  # a word on each, for the summary


def score_falls(acted: Sequence[ActedFall], reported: Sequence[ReportedFall], end_s: float) -> Score:
    """Falls whose report was due by `end_s`; each report may be used up by one fall only."""
    left = sorted(reported, key=lambda report: report.t_s)
    detected, missed, counted = 0, [], 0
    for fall in sorted(acted, key=lambda fall: fall.impact_s):
        match = next((r for r in left if r.board == fall.board and _fits_fall(r.t_s, fall.impact_s)), None)
        if match:
            left.remove(match)
        if fall.impact_s + FALL_AFTER_S > end_s:
            continue
        counted += 1
        detected += match is not None
        if match is None:
            missed.append(f"fall of {fall.board} at {fall.impact_s:.1f} s")
    return Score(counted, detected, len(left), tuple(missed))


def score_incursions(
    true: Sequence[Incursion],
    approaches: Sequence[Incursion],
    reported: Sequence[ReportedNearMiss],
    end_s: float,
    warn_m: dict[str, float],
) -> Score:
    """Incursions that were over, and their report due, by `end_s`; one report may cover several of one worker.

    `approaches` are the true incursions into zones wider by LEAST_DEPTH_M.
    """
    counted = [i for i in true if _counts(i, end_s, warn_m[i.machine])]
    found = [any(_fits(report, incursion) for report in reported) for incursion in counted]
    false = sum(not any(_fits(report, approach) for approach in approaches) for report in reported)
    missed = [
        f"incursion of {i.board} at {i.machine} at {i.begin_s:.1f} s for {i.dwell_s:.1f} s, to {i.min_distance_m:.2f} m"
        for i, hit in zip(counted, found, strict=True)
        if not hit
    ]
    return Score(len(counted), sum(found), false, tuple(missed))


def marginal(true: Iterable[Incursion], warn_m: dict[str, float]) -> int:
    """Incursions too short or too shallow to count."""
    return sum(not _clear(incursion, warn_m[incursion.machine]) for incursion in true)


def _fits_fall(report_s: float, impact_s: float) -> bool:
    return impact_s - FALL_BEFORE_S <= report_s <= impact_s + FALL_AFTER_S


def _fits(report: ReportedNearMiss, incursion: Incursion) -> bool:
    same = report.machine == incursion.machine and report.board in (incursion.board, None)
    return same and incursion.begin_s - NEAR_BEFORE_S <= report.t_s <= incursion.end_s + NEAR_AFTER_S


def _counts(incursion: Incursion, end_s: float, warn_m: float) -> bool:
    over = incursion.complete and incursion.end_s + NEAR_AFTER_S <= end_s
    return over and _clear(incursion, warn_m)


def _clear(incursion: Incursion, warn_m: float) -> bool:
    return incursion.dwell_s >= LEAST_DWELL_S and incursion.min_distance_m <= warn_m - LEAST_DEPTH_M
