"""How the fall networks are trained: which candidates are falls, and with which settings. Used by train and eval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from tools import fall_bodies, fall_data, fall_generated, fall_variants, nets
from tools.fall_data import Candidates, Trial


@dataclass(frozen=True)
class Placement:
    """One place on the body: its number in the core, its recordings, its settings."""

    name: str
    number: int
    load: Callable[[], Iterator[Trial]]
    source: str
    draws: int  # other chips and belts of every recording, for training
    impact: nets.Settings
    impact_shift: int  # log odds (1/256) that must be exceeded: how dear a false alarm is
    falling: nets.Settings
    falling_shift: int
    bodies: tuple[int, ...] = ()  # seeds of tools.fall_bodies, whose tags are on the trunk

    @property
    def also(self) -> str:
        """What is trained on beside the set."""
        return ", tools.fall_generated and tools.fall_bodies" if self.bodies else " and tools.fall_generated"


PLACEMENTS = (
    Placement(
        "waist", 0, fall_data.sisfall, "SisFall (Sucerquia et al. 2017)", 4,
        nets.Settings(units=32), 128, nets.Settings(units=26, passes=25), 264,
        (fall_bodies.JUDGED_SEED, *fall_bodies.MORE_SEEDS),
    ),
    Placement(
        "wrist", 1, fall_data.weda, "WEDA-FALL (Marques and Moreno 2023)", 8,
        nets.Settings(units=24), 8, nets.Settings(units=4, passes=40), 320,
    ),
)  # fmt: skip

_NEAR_S = 1.0  # a candidate this near the impact is the fall
_CALM_S = 2.5  # so long before the impact the person was not yet falling
_FALLING_S = 0.3  # so long before its impact a fall is to be known
_AS_RECORDED_WEIGHT = 2.0
_THING_WEIGHT = 4.0  # of a tag without a person: few recordings, and no alarm of theirs is excused
_MADE_WEIGHT = 0.3  # of a body made from physics: many, and simpler than people are
_FALLING_FROM = ("as recorded", "stream", "25 Hz", "50 Hz, no gyro", "draw 1", "draw 2")  # more would only be slower


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
        return "draw" not in self.variant and self.person not in (fall_generated.MORE, fall_bodies.MORE)

    @property
    def is_worn(self) -> bool:
        """Whether somebody wore the tag, in truth or in tools.fall_bodies (the others: tools.fall_generated)."""
        return not self.person.startswith("generated")

    @property
    def fold(self) -> str:
        """What is left out together: all of a person's, or a part of what is made up."""
        return self.person if self.is_recorded else self.person.split()[-1]

    @property
    def is_made(self) -> bool:
        """Whether it is of tools.fall_bodies."""
        return self.person.startswith("made")

    @property
    def is_recorded(self) -> bool:
        """Whether a person of a set did this."""
        return self.is_worn and not self.is_made


@dataclass(frozen=True)
class Scales:
    """How features become inputs, of impacts and of beginnings of falls."""

    impact: nets.Scale
    falling: nets.Scale


def example(trial: Trial, variant: str, seen: Candidates) -> Example:
    """What is kept of a trial."""
    seconds = len(trial.acc_g) / trial.rate_hz
    return Example(trial.name, trial.activity, trial.person, trial.fall_s, seconds, variant, seen)


def recordings(placement: Placement) -> list[Trial]:
    """Everything there is: the set of this placement, tags without a person at its rate, and made-up bodies."""
    recorded = list(placement.load())
    if not recorded:
        raise SystemExit(f"no recordings of {placement.source}; set JIKIMI_DATA")
    rate_hz = recorded[0].rate_hz
    seeds = (fall_generated.JUDGED_SEED, *fall_generated.MORE_SEEDS)
    things = (trial for seed in seeds for trial in fall_generated.generated(seed))
    bodies = (trial for seed in placement.bodies for trial in fall_bodies.made(seed))
    return recorded + [fall_data.at_rate(trial, rate_hz) for trial in (*things, *bodies)]


def examples(placement: Placement, trials: Iterable[Trial]) -> list[Example]:
    """Every variant of every trial, and every person's stream, through the core."""
    found: list[Example] = []
    ordered = sorted(trials, key=lambda trial: trial.person)
    for number, (_, part) in enumerate(groupby(ordered, key=lambda trial: trial.person)):
        own = list(part)
        rng = np.random.default_rng([1, number])
        for trial in own:
            variants = [*fall_variants.judged(trial), *fall_variants.drawn(trial, placement.draws, rng)]
            found += [
                example(variant, name, fall_data.candidates(variant, placement.number)) for name, variant in variants
            ]
        if found[-1].is_recorded:
            found += [
                example(trial, name, seen) for name, trial, seen in fall_variants.streams(own, placement.number, rng)
            ]
    return found


def scales(part: Iterable[Example]) -> Scales:
    """From how features are on the recorded chip. Both placements take those of the waist."""
    own = [e.seen for e in part if e.variant == "as recorded" and e.is_recorded]
    impact, falling = np.concatenate([s.features for s in own]), np.concatenate([s.pre_features for s in own])
    return Scales(nets.scale_of(impact), nets.scale_of(falling))


def train_impact(placement: Placement, part: list[Example], scale: nets.Scale) -> nets.Net:
    """For SIG_EVENT_FALL. After a fall nothing is labelled: writhing on the floor is neither."""
    labels = np.concatenate([_impact_labels(e) for e in part])
    features = np.concatenate([example.seen.features for example in part])
    weights = np.concatenate([np.full(len(e.seen.t_s), _weight(e)) for e in part])
    known = labels >= 0
    net = nets.train(features[known], labels[known] == 1, weights[known], scale, placement.impact)
    return replace(net, bias=net.bias - placement.impact_shift)


def train_falling(placement: Placement, part: list[Example], scale: nets.Scale) -> nets.Net:
    """For SIG_EVENT_FALLING. Not from made-up bodies: with them fewer recorded falls were announced."""
    part = [e for e in part if e.variant in _FALLING_FROM and not e.is_made]
    labels = np.concatenate([_falling_labels(e) for e in part])
    features = np.concatenate([example.seen.pre_features for example in part])
    weights = np.concatenate([np.full(len(e.seen.pre_t_s), _weight(e)) for e in part])
    known = labels >= 0
    net = nets.train(features[known], labels[known] == 1, weights[known], scale, placement.falling)
    return replace(net, bias=net.bias - placement.falling_shift)


def _weight(e: Example) -> float:
    if not e.is_worn:
        return _THING_WEIGHT
    if e.is_made:
        return _MADE_WEIGHT
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
