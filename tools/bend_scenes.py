"""What the bend counter is trained and measured on beside the recordings themselves: bends at work.

On record, people stand still, bend once, and stand still. At work they bend at another pace, come walking and walk on,
and bend again. Each such scene is put together from recordings of one person.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.fall_data import Trial

WALK_S = 8.0  # before and after
AROUND_S = 0.5  # of the recording is kept on either side of what is put within walking,
BETWEEN_S = 1.0  # and of what is done again and again
TIMES = 3
_FIRST_WALK_S = 4.0  # people start from standing
_POSTURE_S = 0.6

Matrix = NDArray[np.float64]
Span = tuple[float, float]


@dataclass(frozen=True)
class Scene:
    """A recording, and from when to when (s) each bend in it lasts."""

    recording: Trial
    bends_s: tuple[Span, ...]


def at_pace(trial: Trial, stretch: float) -> Trial:
    """The trial at another pace, `stretch` times as long: the same postures, gentler or harder moves."""
    if stretch == 1:
        return trial
    n = int((len(trial.acc_g) - 1) * stretch)
    at = np.arange(n) / stretch
    before = at.astype(int)
    share = (at - before)[:, None]
    acc, gyro = (x[before] * (1 - share) + x[before + 1] * share for x in (trial.acc_g, trial.gyro_dps))
    posture = _slow(acc, int(_POSTURE_S * stretch * trial.rate_hz) | 1)
    return _made(trial, posture + (acc - posture) / stretch**2, gyro / stretch)


def _slow(acc: Matrix, samples: int) -> Matrix:
    """What of the acceleration is posture: its mean over `samples`, taken twice."""
    for _ in range(2):
        sums = np.cumsum(np.pad(acc, ((samples // 2 + 1, samples // 2), (0, 0)), mode="edge"), axis=0)
        acc = (sums[samples:] - sums[:-samples])[: len(acc)] / samples
    return acc


def _made(trial: Trial, acc_g: Matrix, gyro_dps: Matrix) -> Trial:
    return Trial(trial.name, trial.activity, trial.person, trial.rate_hz, acc_g, gyro_dps, trial.fall_s)


def generated(seed: int) -> Scene:
    """Three bends of nothing but the trunk, smooth and without a step, after standing and with standing between: no
    person moves like that, and whoever does has bent all the same. 100 Hz.
    """
    rng, rate_hz = np.random.default_rng(seed), 100.0
    angles, spans, now_s = [], [], 0.0
    for _ in range(TIMES):
        stand_s, down_s, hold_s = rng.uniform((1.5, 1.5, 0), (3, 3, 2))
        arc = np.sin(np.pi / 2 * np.linspace(0, 1, round(down_s * rate_hz))) ** 2
        once = np.concatenate([np.zeros(round(stand_s * rate_hz)), arc, np.ones(round(hold_s * rate_hz)), arc[::-1]])
        spans.append((now_s + stand_s, now_s + len(once) / rate_hz))
        angles.append(rng.uniform(40, 100) * once)
        now_s += len(once) / rate_hz
    angle = np.radians(np.concatenate([*angles, np.zeros(round(2 * rate_hz))]))
    acc = np.stack([np.full_like(angle, 0.1), -np.cos(angle), -np.sin(angle)], axis=1)
    acc += rng.normal(0, rng.uniform(0.005, 0.03), acc.shape)
    return Scene(Trial("generated", "bend", "nobody", rate_hz, acc, np.zeros_like(acc), None), tuple(spans))


def at_work(trial: Trial, walk: Trial, span_s: Span, bent: bool) -> Iterator[Scene]:
    """What `trial` shows in `span_s`, put within walking; all of the trial within walking; and what it shows in
    `span_s` three times, with 2 s of standing between.

    `walk` is a recording of the same person at the same rate; `bent` says whether that span is a bend.
    """
    rng = np.random.default_rng(zlib.crc32(trial.name.encode()))
    there, back = (_walk(walk, trial, rng) for _ in range(2))
    everything, part = _rows(trial), _cut(trial, span_s, AROUND_S)
    for middle, start_s in ((part, min(AROUND_S, span_s[0])), (everything, span_s[0])):
        at_s = WALK_S + start_s, WALK_S + start_s + span_s[1] - span_s[0]
        yield _scene(trial, [there, middle, back], [at_s] if bent else [])
    once = _cut(trial, span_s, BETWEEN_S)
    once_s, lead = len(once) / trial.rate_hz, everything[: round(WALK_S / 4 * trial.rate_hz)]
    first_s = len(lead) / trial.rate_hz + min(BETWEEN_S, span_s[0])
    starts = [first_s + i * once_s for i in range(TIMES)]
    spans = [(start_s, start_s + span_s[1] - span_s[0]) for start_s in starts]
    yield _scene(trial, [lead, *[once] * TIMES, lead], spans if bent else [])


def _scene(trial: Trial, parts: list[Matrix], bends_s: list[Span]) -> Scene:
    rows = np.vstack(parts)
    return Scene(_made(trial, rows[:, :3], rows[:, 3:]), tuple(bends_s))


def _rows(trial: Trial) -> Matrix:
    return np.hstack([trial.acc_g, trial.gyro_dps])


def _cut(trial: Trial, span_s: Span, around_s: float) -> Matrix:
    first, last = max(0.0, span_s[0] - around_s), span_s[1] + around_s
    return _rows(trial)[round(first * trial.rate_hz) : round(last * trial.rate_hz)]


def _walk(walk: Trial, trial: Trial, rng: np.random.Generator) -> Matrix:
    """A stretch of walking, turned as the tag sits in `trial`."""
    n = round(WALK_S * walk.rate_hz)
    first = int(rng.integers(round(_FIRST_WALK_S * walk.rate_hz), len(walk.acc_g) - 2 * n))
    acc, gyro = walk.acc_g[first : first + n], walk.gyro_dps[first : first + n]
    standing = trial.acc_g[: round(trial.rate_hz)]
    turn = _rotation(acc.mean(axis=0), standing.mean(axis=0))
    return np.hstack([acc @ turn.T, gyro @ turn.T])


def _rotation(source: Matrix, target: Matrix) -> Matrix:
    """The rotation by the smallest angle that takes one direction to the other, by Rodrigues; not for opposite ones."""
    a, b = source / np.linalg.norm(source), target / np.linalg.norm(target)
    x, y, z = np.cross(a, b)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + a @ b))
