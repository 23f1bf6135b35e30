"""Recorded falls and daily activities as the core sees them: trials in, features of candidates out."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jikimi.sigcore._sigcore import ffi, lib
from numpy.typing import NDArray

from jikimi.sigcore import block
from jikimi.sigcore.counts import ACC_LSB_PER_G, GYRO_LSB_PER_DPS_X100, to_counts

DATA = Path(os.environ.get("JIKIMI_DATA", Path(__file__).resolve().parent.parent.parent / "shared" / "data"))

FEATURES = (
    "top", "mean at impact", "drop area", "jerk at impact", "jerk before", "jerk after", "jerk late", "jerk last",
    "jerk long before", "jerk just before", "top long before", "top after", "1.5 g before", "1.5 g at impact",
    "gyro drop", "gyro before", "impact area", "area before", "lowest after", "usual-early", "usual-middle",
    "usual-near", "usual-recent", "recent-early", "recent-late", "recent-near", "before-early", "before-late",
    "before-near", "near-drop", "near-early", "usual-drop", "distance before-late", "distance early-late",
    "sideways highest", "sideways mean", "along usual lowest", "wander before", "wander near", "wander late",
    "sinking", "usual jerk",
)  # fmt: skip
PRE_FEATURES = (
    "mean 640 ms", "mean 960 ms", "mean before", "gyro 80 ms", "gyro before", "gyro middle", "jerk just before",
    "jerk long before", "top before", "lowest 480 ms", "lowest before", "drop 240 ms", "above 400 ms", "recent-now",
    "past-now", "usual-middle", "long past-middle", "gyro less before", "height lost 1.3 s", "height lost 640 ms",
    "speed lost", "speed gained", "above gravity", "below gravity", "lowest along gravity", "along gravity 0-320 ms",
    "along gravity 320-640 ms", "along gravity 960-1280 ms", "along gravity 0-640 ms", "push to the turn 640 ms",
    "push to the turn 320 ms", "push across gravity 640 ms", "push across gravity 320 ms", "turn goes on",
    "lean in 1200 ms", "lean in 960 ms", "push along the body", "turned in 1200 ms",
)  # fmt: skip
_STANDARD_GRAVITY = 9.80665
_LEARN_FROM_TURNED = 70  # as sig_fall_pre_turned: 5 degrees. Networks that know easier moments judge the others better


@dataclass(frozen=True)
class Trial:
    """One recording: `acc_g` and `gyro_dps` (n, 3) at `rate_hz`; `fall_s` the impact of an acted fall, or None."""

    name: str
    activity: str
    person: str
    rate_hz: float
    acc_g: NDArray[np.float64]
    gyro_dps: NDArray[np.float64]
    fall_s: float | None


@dataclass(frozen=True)
class Candidates:
    """What the core looked at in one trial: times (s) and feature rows, of impacts and of beginnings of falls.

    Of the beginnings there are more than the core asks its network about, to learn from; `pre_asked` tells which.
    """

    t_s: NDArray[np.float64]
    features: NDArray[np.uint8]
    pre_t_s: NDArray[np.float64]
    pre_features: NDArray[np.uint8]
    pre_asked: NDArray[np.bool_]


def sisfall(kinds: str = "DF") -> Iterator[Trial]:
    """SisFall, waist, 200 Hz. The impact is the highest magnitude within 0.7 s of its hardest 120 ms.

    `kinds`: D for daily activities, F for falls; others are not unpacked.
    """
    for path in sorted((DATA / "sisfall").glob("S*.npz")):
        with np.load(path) as recordings:
            for name in sorted(name for name in recordings.files if name[0] in kinds):
                raw = recordings[name].astype(np.float64)
                acc, gyro = raw[:, :3] * 32 / 8192, raw[:, 3:] * 4000 / 65536
                activity, person, _ = name.split("_")
                fall_s = _hardest(acc) / 200 if activity[0] == "F" else None
                yield Trial(name, activity, person, 200, acc, gyro, fall_s)


def _hardest(acc_g: NDArray[np.float64]) -> int:
    """Index of the impact: a spike of one sample, or jogging before the fall, may reach a higher peak."""
    magnitude = np.sqrt((acc_g**2).sum(axis=1))
    middle = int(np.argmax(np.convolve(magnitude, np.ones(24), "same")))
    first = max(0, middle - 140)
    return first + int(np.argmax(magnitude[first : middle + 140]))


def weda() -> Iterator[Trial]:
    """WEDA-FALL, wrist, 50 Hz. The impact is the highest magnitude within the labelled window."""
    with (DATA / "weda" / "fall_windows.csv").open(newline="") as file:
        rows = [(row["filename"], float(row["start_time"]), float(row["end_time"])) for row in csv.DictReader(file)]
    windows = {name.replace("/", "_"): (start_s, end_s) for name, start_s, end_s in rows}
    for path in sorted((DATA / "weda").glob("U*.npz")):
        with np.load(path) as recordings:
            for name in sorted({re.sub("_(acc|gyro)$", "", key) for key in recordings.files}):
                acc = recordings[name + "_acc"].astype(np.float64) / _STANDARD_GRAVITY
                gyro = np.degrees(recordings[name + "_gyro"].astype(np.float64))
                n = min(len(acc), len(gyro))
                activity, person, _ = name.split("_")
                fall_s = _weda_impact(acc, windows.get(name)) if activity[0] == "F" else None
                yield Trial(name, activity, person, 50, acc[:n], gyro[:n], fall_s)


def _weda_impact(acc: NDArray[np.float64], window_s: tuple[float, float] | None) -> float:
    square = (acc**2).sum(axis=1)
    if window_s is None:
        return float(np.argmax(square)) / 50
    first, last = max(0, int((window_s[0] - 0.5) * 50)), int((window_s[1] + 1.5) * 50)
    return (first + float(np.argmax(square[first:last]))) / 50


def people(trials: Iterable[Trial]) -> list[str]:
    """Everybody, sorted."""
    return sorted({trial.person for trial in trials})


def at_rate(trial: Trial, rate_hz: float) -> Trial:
    """The trial as a slower chip would have recorded it: the mean of each of its periods."""
    if rate_hz >= trial.rate_hz:
        return trial
    step = trial.rate_hz / rate_hz
    edges = np.rint(np.arange(0, len(trial.acc_g) + 1e-9, step)).astype(int)
    both = np.hstack([trial.acc_g, trial.gyro_dps])
    sums = np.add.reduceat(both, edges[:-1], axis=0)[: len(edges) - 1]
    means = sums / np.diff(edges)[:, None]
    return Trial(trial.name, trial.activity, trial.person, rate_hz, means[:, :3], means[:, 3:], trial.fall_s)


def clipped(trial: Trial, limit_g: float) -> Trial:
    """The trial with an accelerometer that saturates at `limit_g`."""
    acc = np.clip(trial.acc_g, -limit_g, limit_g)
    return Trial(trial.name, trial.activity, trial.person, trial.rate_hz, acc, trial.gyro_dps, trial.fall_s)


def without_gyro(trial: Trial) -> Trial:
    """The trial with no gyroscope fitted."""
    zeros = np.zeros_like(trial.gyro_dps)
    return Trial(trial.name, trial.activity, trial.person, trial.rate_hz, trial.acc_g, zeros, trial.fall_s)


def motionless_after(trial: Trial) -> Trial:
    """The fall with a person who does not move any more: from 0.8 s after the impact only breathing is left.

    Volunteers get up or fidget; the falls that matter most end like this one.
    """
    assert trial.fall_s is not None
    start, end = (round((trial.fall_s + offset_s) * trial.rate_hz) for offset_s in (0.8, 1.5))
    acc, gyro = trial.acc_g.copy(), trial.gyro_dps.copy()
    n = len(acc) - start
    if n <= 0:
        return trial
    rng = np.random.default_rng(start)
    posture = acc[start:end].mean(axis=0)
    breath = rng.uniform(0, 0.012) * np.sin(2 * np.pi * 0.25 * np.arange(n) / trial.rate_hz)
    acc[start:] = posture / np.linalg.norm(posture) * (1 + breath[:, None]) + rng.normal(0, 0.005, (n, 3))
    gyro[start:] = rng.normal(0, 0.3, (n, 3))
    return Trial(trial.name, trial.activity, trial.person, trial.rate_hz, acc, gyro, trial.fall_s)


def candidates(trial: Trial, placement: int) -> Candidates:
    """Push the trial through the core cell by cell and collect what its trees are asked."""
    counts = to_counts(trial.acc_g, trial.gyro_dps)
    motion = block.motion_new_centihz(round(trial.rate_hz * 100), ACC_LSB_PER_G, GYRO_LSB_PER_DPS_X100)
    state = block.fall_new(placement, no_motion_s=-1)
    step = max(1, int(trial.rate_hz // 50))
    source = ffi.from_buffer("uint8_t[]", counts.tobytes())
    out = ffi.new("sig_event_t[8]")
    row, pre_row = ffi.new("uint8_t[]", lib.SIG_FALL_FEATURES), ffi.new("uint8_t[]", lib.SIG_FALL_PRE_FEATURES)
    found: list[tuple[float, bytes]] = []
    pre: list[tuple[float, bytes]] = []
    asked: list[bool] = []
    decisions = cells = 0
    for start in range(0, len(counts), step):
        n = min(step, len(counts) - start)
        lib.sig_motion_push(motion, state, ffi.NULL, ffi.NULL, source + start * lib.SIG_SAMPLE_BYTES, n, out, 8)
        if state.cells_seen == cells:
            continue
        cells = state.cells_seen
        t_s = cells * 0.08
        turned = lib.sig_fall_pre_turned(state)
        if turned > _LEARN_FROM_TURNED:
            lib.sig_fall_pre_features(state, pre_row)
            pre.append((t_s, bytes(pre_row)))
            asked.append(turned > lib.SIG_FALL_PRE_TURNED)
        if state.decisions != decisions:
            decisions = state.decisions
            lib.sig_fall_features(state, row)
            found.append((t_s - lib.SIG_FALL_POST_CELLS * 0.08, bytes(row)))
    looked_at = (*_columns(found, lib.SIG_FALL_FEATURES), *_columns(pre, lib.SIG_FALL_PRE_FEATURES))
    return Candidates(*looked_at, np.array(asked, dtype=np.bool_))


def _columns(rows: list[tuple[float, bytes]], width: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    times = np.array([t for t, _ in rows], dtype=np.float64)
    return times, np.frombuffer(b"".join(row for _, row in rows), dtype=np.uint8).reshape(len(rows), width)
