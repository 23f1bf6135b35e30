"""How the fall tables are trained: which candidates are falls, and with which settings. Used by train and eval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tools import fall_data, fall_generated, gbdt
from tools.fall_data import Candidates, Trial


@dataclass(frozen=True)
class Placement:
    """One place on the body: its number in the core, its recordings, its settings."""

    name: str
    number: int
    load: Callable[[], Iterator[Trial]]
    variants: Callable[[Trial], Iterator[tuple[str, Trial]]]
    source: str
    impact: gbdt.Settings
    impact_shift: int  # log odds (1/256) the sum must exceed: how dear a false alarm is
    falling: gbdt.Settings
    falling_shift: int


PLACEMENTS = (
    Placement(
        "waist", 0, fall_data.sisfall, fall_data.waist_variants,
        "SisFall (Sucerquia et al. 2017)",
        gbdt.Settings(trees=48), -150, gbdt.Settings(trees=24, rate=0.25), 200,
    ),
    Placement(
        "wrist", 1, fall_data.weda, fall_data.wrist_variants,
        "WEDA-FALL (Marques and Moreno 2023)",
        gbdt.Settings(trees=32, rate=0.2), 100, gbdt.Settings(trees=12, rate=0.4), 0,
    ),
)  # fmt: skip

_NEAR_S = 1.0  # a candidate this near the impact is the fall
_CALM_S = 2.5  # so long before the impact the person was not yet falling
_FALLING_S = 0.8  # a fall begins at most so long before its impact


@dataclass(frozen=True)
class Example:
    """What the core saw in one variant of one trial."""

    trial: Trial
    variant: str
    seen: Candidates


def recordings(placement: Placement) -> list[Trial]:
    """Everything there is: the set of this placement, and tags without a person at its rate."""
    recorded = list(placement.load())
    if not recorded:
        raise SystemExit(f"no recordings of {placement.source}; set JIKIMI_DATA")
    rate_hz = recorded[0].rate_hz
    return recorded + [fall_data.at_rate(trial, rate_hz) for trial in fall_generated.generated()]


def examples(placement: Placement, trials: Iterable[Trial]) -> list[Example]:
    """Every variant of every trial through the core."""
    return [
        Example(trial, name, fall_data.candidates(variant, placement.number))
        for trial in trials
        for name, variant in placement.variants(trial)
    ]


def train_impact(placement: Placement, part: list[Example]) -> gbdt.Model:
    """Trees for SIG_EVENT_FALL. After a fall nothing is labelled: writhing on the floor is neither."""
    labels = [_impact_labels(example) for example in part]
    model = _fit([e.seen.features for e in part], labels, placement.impact)
    return replace(model, bias=model.bias - placement.impact_shift)


def train_falling(placement: Placement, part: list[Example]) -> gbdt.Model:
    """Trees for SIG_EVENT_FALLING."""
    labels = [_falling_labels(example) for example in part]
    model = _fit([e.seen.pre_features for e in part], labels, placement.falling)
    return replace(model, bias=model.bias - placement.falling_shift)


def _impact_labels(example: Example) -> NDArray[np.int64]:
    after_s = _after_impact(example, example.seen.t_s)
    labels = np.where(np.abs(after_s) < _NEAR_S, 1, -1)
    return np.where(after_s < -_CALM_S, 0, labels)


def _falling_labels(example: Example) -> NDArray[np.int64]:
    after_s = _after_impact(example, example.seen.pre_t_s)
    labels = np.where((after_s >= -_FALLING_S) & (after_s <= 0), 1, -1)
    return np.where(after_s < -_CALM_S, 0, labels)


def _after_impact(example: Example, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    fall_s = example.trial.fall_s
    return np.full(len(t_s), -np.inf) if fall_s is None else t_s - fall_s


def _fit(features: list[NDArray[np.int16]], labels: list[NDArray[np.int64]], settings: gbdt.Settings) -> gbdt.Model:
    x, y = np.concatenate(features), np.concatenate(labels)
    known = y >= 0
    return gbdt.train(x[known], y[known] == 1, np.ones(int(known.sum())), settings)
