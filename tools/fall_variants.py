"""Which chips, mats and streams every recording is turned into: for training (drawn) and for judging (fixed)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from tools import fall_augment
from tools.fall_data import Candidates, Trial, at_rate, candidates, clipped, motionless_after, without_gyro


def judged(trial: Trial) -> Iterator[tuple[str, Trial]]:
    """As recorded; averaging and point-sampling chips; as on a thick mat; motionless after the fall."""
    yield "as recorded", trial
    yield "50 Hz, no gyro", without_gyro(at_rate(trial, 50))
    yield "25 Hz", at_rate(trial, 25)
    fast = fall_augment.sampled(trial, 20, 0.005, 0.007)
    yield "20 Hz points, 8 g, no gyro", without_gyro(clipped(fast, 8))
    soft = fall_augment.softened(trial, 0.15, 1.0)
    yield "25 Hz points, soft mat, 8 g", clipped(fall_augment.sampled(soft, 25, 0.005, 0.007), 8)
    if trial.fall_s is not None:
        yield "motionless after", motionless_after(trial)


def drawn(trial: Trial, n: int, rng: Generator) -> Iterator[tuple[str, Trial]]:
    """`n` other chips and belts; one of a fall is motionless after it."""
    for number in range(n):
        source = motionless_after(trial) if number == 0 and trial.fall_s is not None else trial
        yield f"draw {number}", fall_augment.augmented(source, rng)


def streams(trials: list[Trial], placement: int, rng: Generator) -> Iterator[tuple[str, Trial, Candidates]]:
    """One person's recordings without a break between them, in any order: as recorded, and through another chip."""
    order = [trials[i] for i in rng.permutation(len(trials))]
    rate_hz = min(float(rng.choice([25, 50, 100])), order[0].rate_hz)
    width_s = rng.uniform(0, 1 / rate_hz)
    other = [fall_augment.other_chip(fall_augment.sampled(trial, rate_hz, width_s), rng) for trial in order]
    for name, parts in (("stream", order), ("drawn stream", other)):
        yield from ((name, trial, seen) for trial, seen in _split(parts, placement))


_SETTLING_S = 1.0  # nobody is turned within no time, as at the seam of two recordings


def _split(parts: list[Trial], placement: int) -> Iterator[tuple[Trial, Candidates]]:
    whole = replace(
        parts[0], acc_g=np.vstack([p.acc_g for p in parts]), gyro_dps=np.vstack([p.gyro_dps for p in parts])
    )
    seen = candidates(whole, placement)
    ends_s = np.cumsum([len(p.acc_g) / p.rate_hz for p in parts])
    for part, end_s in zip(parts, ends_s, strict=True):
        start_s = end_s - len(part.acc_g) / part.rate_hz
        own = (seen.t_s > start_s + _SETTLING_S) & (seen.t_s <= end_s)
        pre = (seen.pre_t_s > start_s + _SETTLING_S) & (seen.pre_t_s <= end_s)
        found = (seen.t_s[own] - start_s, seen.features[own])
        yield part, Candidates(*found, seen.pre_t_s[pre] - start_s, seen.pre_features[pre], seen.pre_asked[pre])
