"""How the fall tables are trained: which candidates are falls, and with which settings. Used by train and eval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from tools import fall_data, fall_generated, fall_variants, gbdt
from tools.fall_data import Candidates, Trial


@dataclass(frozen=True)
class Placement:
    """One place on the body: its number in the core, its recordings, its settings."""

    name: str
    number: int
    load: Callable[[], Iterator[Trial]]
    source: str
    draws: int  # other chips and belts of every recording, for training
    impact: gbdt.Settings
    impact_shift: int  # log odds (1/256) the sum must exceed: how dear a false alarm is
    falling: gbdt.Settings
    falling_shift: int


PLACEMENTS = (
    Placement(
        "waist", 0, fall_data.sisfall, "SisFall (Sucerquia et al. 2017)", 4,
        gbdt.Settings(trees=54, l2=4, min_curvature=4, row_share=0.6, feature_share=0.4), -220,
        gbdt.Settings(trees=24, rate=0.2, row_share=0.5, feature_share=0.5), 300,
    ),
    Placement(
        "wrist", 1, fall_data.weda, "WEDA-FALL (Marques and Moreno 2023)", 8,
        gbdt.Settings(trees=34, row_share=0.5, feature_share=0.5), 64,
        gbdt.Settings(trees=4, rate=0.4), 0,
    ),
)  # fmt: skip

_NEAR_S = 1.0  # a candidate this near the impact is the fall
_CALM_S = 2.5  # so long before the impact the person was not yet falling
_FALLING_S = 0.5  # a fall begins at most so long before its impact
_AS_RECORDED_WEIGHT = 2.0
_THING_WEIGHT = 4.0  # of a tag without a person: few recordings, and no alarm of theirs is excused
_FALLING_FROM = ("as recorded", "25 Hz", "draw 1", "draw 2")  # more would only be slower
_FALLING_SHARE = 0.5  # of the moments in which nobody falls


@dataclass(frozen=True)
class Example:
    """What the core saw in one variant of one trial; the signal itself is not kept."""

    name: str
    activity: str
    person: str
    fall_s: float | None  # in this variant
    seconds: float
    variant: str
    seen: Candidates

    @property
    def is_judged(self) -> bool:
        """Whether evaluation looks at it (the others are for training only)."""
        return "draw" not in self.variant

    @property
    def is_worn(self) -> bool:
        """Whether somebody wore the tag (the others are generated)."""
        return not self.person.startswith("generated")


def example(trial: Trial, variant: str, seen: Candidates) -> Example:
    """What is kept of a trial."""
    seconds = len(trial.acc_g) / trial.rate_hz
    return Example(trial.name, trial.activity, trial.person, trial.fall_s, seconds, variant, seen)


def recordings(placement: Placement) -> list[Trial]:
    """Everything there is: the set of this placement, and tags without a person at its rate."""
    recorded = list(placement.load())
    if not recorded:
        raise SystemExit(f"no recordings of {placement.source}; set JIKIMI_DATA")
    rate_hz = recorded[0].rate_hz
    return recorded + [fall_data.at_rate(trial, rate_hz) for trial in fall_generated.generated()]


def examples(placement: Placement, trials: Iterable[Trial]) -> list[Example]:
    """Every variant of every trial, and every person's stream, through the core."""
    found: list[Example] = []
    ordered = sorted(trials, key=lambda trial: trial.person)
    for number, (person, part) in enumerate(groupby(ordered, key=lambda trial: trial.person)):
        own = list(part)
        rng = np.random.default_rng([1, number])
        for trial in own:
            variants = [*fall_variants.judged(trial), *fall_variants.drawn(trial, placement.draws, rng)]
            found += [
                example(variant, name, fall_data.candidates(variant, placement.number)) for name, variant in variants
            ]
        if not person.startswith("generated"):
            found += [
                example(trial, name, seen) for name, trial, seen in fall_variants.streams(own, placement.number, rng)
            ]
    return found


def train_impact(placement: Placement, part: list[Example]) -> gbdt.Model:
    """Trees for SIG_EVENT_FALL. After a fall nothing is labelled: writhing on the floor is neither."""
    labels = np.concatenate([_impact_labels(e) for e in part])
    features = np.concatenate([example.seen.features for example in part])
    weights = np.concatenate([np.full(len(e.seen.t_s), _weight(e)) for e in part])
    known = labels >= 0
    model = gbdt.train(features[known], labels[known] == 1, weights[known], placement.impact)
    return replace(model, bias=model.bias - placement.impact_shift)


def train_falling(placement: Placement, part: list[Example]) -> gbdt.Model:
    """Trees for SIG_EVENT_FALLING."""
    part = [e for e in part if e.variant in _FALLING_FROM]
    labels = np.concatenate([_falling_labels(e) for e in part])
    features = np.concatenate([example.seen.pre_features for example in part])
    drawn = np.random.default_rng(1).uniform(size=len(labels)) < _FALLING_SHARE
    known = (labels == 1) | ((labels == 0) & drawn)
    model = gbdt.train(features[known], labels[known] == 1, np.ones(int(known.sum())), placement.falling)
    return replace(model, bias=model.bias - placement.falling_shift)


def _weight(e: Example) -> float:
    if not e.is_worn:
        return _THING_WEIGHT
    return _AS_RECORDED_WEIGHT if e.variant in ("as recorded", "stream") else 1.0


def _impact_labels(e: Example) -> NDArray[np.int64]:
    after_s = _after_impact(e, e.seen.t_s)
    labels = np.where(np.abs(after_s) < _NEAR_S, 1, -1)
    return np.where(after_s < -_CALM_S, 0, labels)


def _falling_labels(e: Example) -> NDArray[np.int64]:
    after_s = _after_impact(e, e.seen.pre_t_s)
    labels = np.where((after_s >= -_FALLING_S) & (after_s <= 0), 1, -1)
    return np.where(after_s < -_CALM_S, 0, labels)


def _after_impact(e: Example, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.full(len(t_s), -np.inf) if e.fall_s is None else t_s - e.fall_s
