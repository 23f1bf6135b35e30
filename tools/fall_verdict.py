"""What networks say to people they were not trained on, and what a trial comes to for any threshold."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tools import fall_models, nets
from tools.fall_models import Example, Placement, Scales

_DECIDE_S = 19 * 0.08  # SIG_FALL_POST_CELLS
_LATEST_S = 2.0
_HOLD_S = 10.0
_FALLING_LEAD_S = 1.5
_NEVER = np.iinfo(np.int64).min  # of moments that the core does not ask about

Scores = NDArray[np.int64]  # 1/256 log odds; more than 0 is an event


@dataclass(frozen=True)
class Verdict:
    """What a trial came to."""

    example: Example
    found: bool  # a fall reported at most 2 s after the impact
    alarms: int  # falls reported
    lead_s: float | None  # how long before the impact `falling` came
    false_falling: bool

    @property
    def is_fall(self) -> bool:
        """Whether a fall was acted."""
        return self.example.fall_s is not None


@dataclass(frozen=True)
class Scored:
    """A trial, and what networks that had not seen its person said to each of its candidates."""

    example: Example
    impact: Scores
    falling: Scores

    def verdict(self, over: int = 0) -> Verdict:
        """What the trial comes to when an event takes a score of more than `over` (the core: 0)."""
        seen = self.example.seen
        hits = _held(seen.t_s[self.impact > over] + _DECIDE_S)
        return of_events(self.example, hits, seen.pre_t_s[self.falling > over])


def _held(times_s: NDArray[np.float64]) -> list[float]:
    kept: list[float] = []
    for t_s in times_s:
        if not kept or t_s - kept[-1] >= _HOLD_S:
            kept.append(float(t_s))
    return kept


def of_events(example: Example, hits: list[float], early: NDArray[np.float64]) -> Verdict:
    """What a trial comes to: times (s) of `fall` and of `falling`."""
    fall_s = example.fall_s
    if fall_s is None:
        return Verdict(example, found=False, alarms=len(hits), lead_s=None, false_falling=len(early) > 0)
    found = any(0 < t_s - fall_s <= _LATEST_S for t_s in hits)
    before = early[(early < fall_s) & (early > fall_s - _FALLING_LEAD_S)]
    lead_s = float(fall_s - before[0]) if len(before) else None
    return Verdict(example, found, len(hits), lead_s, false_falling=False)


def scored(example: Example, impact: nets.Net, falling: nets.Net) -> Scored:
    """Ask both networks about all candidates of a trial."""
    seen = example.seen
    falling_scores = np.where(seen.pre_asked, falling.score(seen.pre_features), _NEVER)
    return Scored(example, impact.score(seen.features), falling_scores)


def judged(placement: Placement, part: list[Example], tested: Iterable[Example], scales: Scales) -> list[Scored]:
    """Train on `part`, and score what is `tested`."""
    impact = fall_models.train_impact(placement, part, scales.impact)
    falling = fall_models.train_falling(placement, part, scales.falling)
    return [scored(e, impact, falling) for e in tested]


def _without(placement: Placement, examples: list[Example], scales: Scales, fold: str) -> list[Scored]:
    others = [e for e in examples if e.fold != fold]
    found = judged(placement, others, [e for e in examples if e.fold == fold and e.is_judged], scales)
    print(f"  {placement.name}: {fold} judged", file=sys.stderr, flush=True)
    return found


def unseen(placement: Placement, examples: list[Example], scales: Scales, jobs: int) -> list[Scored]:
    """Leave one person out, over all variants that are judged, `jobs` people at a time."""
    folds = sorted({e.fold for e in examples if e.is_judged})
    with multiprocessing.get_context("fork").Pool(jobs, _share, (placement, examples, scales)) as pool:
        return [one for found in pool.map(_unseen_fold, folds, chunksize=1) for one in found]


_work: list[partial[list[Scored]]] = []  # of a worker: set once, as the examples are too many to send for each person


def _share(placement: Placement, examples: list[Example], scales: Scales) -> None:
    _work[:] = [partial(_without, placement, examples, scales)]


def _unseen_fold(fold: str) -> list[Scored]:
    return _work[0](fold)
