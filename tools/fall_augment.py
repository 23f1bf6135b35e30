"""One recording as other chips, belts, mats and laboratories might have recorded it.

A detector that saw only one chip learns that chip. Every step draws its numbers from a range, all of them from the
generator it is given: the same seed makes the same recording.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tools.fall_data import Trial

Signal = NDArray[np.float64]

_RATES_HZ = (20, 25, 32, 50, 100, 200)
_SHORTEST_BEFORE_S = 1.5  # some laboratories start to record just before the fall


def sampled(trial: Trial, rate_hz: float, width_s: float, phase_s: float = 0.0) -> Trial:
    """The trial at another rate: each sample is the mean over the `width_s` before it (a chip's low-pass)."""
    both = np.hstack([trial.acc_g, trial.gyro_dps])
    edges = np.arange(len(both) + 1) / trial.rate_hz
    sums = np.vstack([np.zeros(6), np.cumsum(both, axis=0) / trial.rate_hz])
    width_s = max(width_s, 1 / trial.rate_hz)
    ends = np.arange(phase_s + max(width_s, 1 / rate_hz), edges[-1], 1 / rate_hz)
    late, early = (np.stack([np.interp(t, edges, column) for column in sums.T], axis=1) for t in (ends, ends - width_s))
    means = (late - early) / width_s
    fall_s = None if trial.fall_s is None else max(0.0, trial.fall_s - phase_s)
    return replace(trial, rate_hz=rate_hz, acc_g=means[:, :3], gyro_dps=means[:, 3:], fall_s=fall_s)


def cropped(trial: Trial, start_s: float) -> Trial:
    """The trial without its first `start_s` seconds."""
    first = round(start_s * trial.rate_hz)
    fall_s = None if trial.fall_s is None else trial.fall_s - first / trial.rate_hz
    return replace(trial, acc_g=trial.acc_g[first:], gyro_dps=trial.gyro_dps[first:], fall_s=fall_s)


def softened(trial: Trial, spread_s: float, share: float) -> Trial:
    """The hardest impact as a thicker mat would have taken it: the same change of speed over a longer time."""
    at = int(np.argmax((trial.acc_g**2).sum(axis=1))) if trial.fall_s is None else round(trial.fall_s * trial.rate_hz)
    t_s = (np.arange(len(trial.acc_g)) - at) / trial.rate_hz
    weight = share * np.clip(np.minimum((t_s + 0.35) / 0.2, (1.2 - t_s) / 0.4), 0, 1)[:, None]
    n = max(1, round(spread_s * trial.rate_hz))
    kernel = np.hanning(n + 2)[1:-1]
    smooth = _filtered(trial.acc_g, kernel / kernel.sum())
    return replace(trial, acc_g=weight * smooth + (1 - weight) * trial.acc_g)


def loose(trial: Trial, frequency_hz: float, share: float) -> Trial:
    """On a loose belt: what shakes the body makes the tag swing on for a few periods."""
    t_s = np.arange(round(1.0 * trial.rate_hz)) / trial.rate_hz
    swing = np.exp(-t_s * frequency_hz) * np.sin(2 * np.pi * frequency_hz * t_s)
    moving = trial.acc_g - _filtered(trial.acc_g, np.full(round(trial.rate_hz), 1 / round(trial.rate_hz)))
    n = len(moving)
    echo = np.stack([np.convolve(column, swing / np.abs(swing).sum())[:n] for column in moving.T], axis=1)
    turn_dps = 300 * echo[:, [1, 2, 0]]  # a swinging tag turns, too
    return replace(trial, acc_g=trial.acc_g + share * echo, gyro_dps=trial.gyro_dps + share * turn_dps)


def _filtered(acc_g: Signal, kernel: Signal) -> Signal:
    """Along time, centred, the ends held; the kernel may be longer than the recording."""
    before, after = (len(kernel) - 1) // 2, len(kernel) // 2
    padded = np.pad(acc_g, ((before, after), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel, mode="valid") for column in padded.T], axis=1)


def other_chip(trial: Trial, rng: Generator) -> Trial:
    """Other gains, offsets, noise and ranges; a third have no gyroscope."""
    gain, offset = 1 + rng.uniform(-0.05, 0.05, 3), rng.uniform(-0.04, 0.04, 3)
    acc = trial.acc_g * gain + offset + rng.normal(0, rng.uniform(0, 0.02), trial.acc_g.shape)
    limit_g = rng.choice([4, 8, 8, 16, 16])
    limit_dps = rng.choice([250, 500, 1000, 2000])
    gyro = trial.gyro_dps * (1 + rng.uniform(-0.05, 0.05)) + rng.uniform(-4, 4, 3)
    gyro = np.clip(gyro + rng.normal(0, rng.uniform(0, 2), gyro.shape), -limit_dps, limit_dps)
    has_gyro = rng.uniform() > 1 / 3
    return replace(trial, acc_g=np.clip(acc, -limit_g, limit_g), gyro_dps=gyro if has_gyro else np.zeros_like(gyro))


def stuttering(trial: Trial, rng: Generator, share: float) -> Trial:
    """Samples that were lost, or came twice."""
    n = len(trial.acc_g)
    index = np.repeat(np.arange(n), np.where(rng.uniform(size=n) < share, rng.choice([0, 2], n), 1))
    return replace(trial, acc_g=trial.acc_g[index], gyro_dps=trial.gyro_dps[index])


def augmented(trial: Trial, rng: Generator) -> Trial:
    """The trial with a draw of everything above."""
    if trial.fall_s is not None and rng.uniform() < 0.3:
        latest_s = trial.fall_s - _SHORTEST_BEFORE_S
        trial = cropped(trial, rng.uniform(0, latest_s)) if latest_s > 0 else trial
    if rng.uniform() < 0.35:
        trial = softened(trial, rng.uniform(0.06, 0.25), rng.uniform(0.5, 1))
    if rng.uniform() < 0.25:
        trial = loose(trial, rng.uniform(2, 6), rng.uniform(0.3, 1.2))
    rate_hz = min(float(rng.choice(_RATES_HZ)), trial.rate_hz)
    width_s = rng.uniform(0, 1 / rate_hz)
    trial = sampled(trial, rate_hz, width_s, rng.uniform(0, 1 / rate_hz))
    trial = other_chip(trial, rng)
    return stuttering(trial, rng, rng.uniform(0.01, 0.1)) if rng.uniform() < 0.35 else trial
