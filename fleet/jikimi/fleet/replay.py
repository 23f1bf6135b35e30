"""Recordings through the signal core: what a tag worn during a recording would have reported."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from jikimi.fleet.errors import JikimiError
from jikimi.sigcore import BendCounter, Event, FallDetector

ACC = ("ax_g", "ay_g", "az_g")
GYRO = ("gx_dps", "gy_dps", "gz_dps")

Array = NDArray[np.float64]


class RecordingError(JikimiError):
    """A recording cannot be read; the text names the file and what it lacks."""


@dataclass(frozen=True)
class Recording:
    """One recording: `acc_g` (n, 3), `gyro_dps` (n, 3) or None, `t_s` (n,) or None when only the rate is known."""

    acc_g: Array
    gyro_dps: Array | None
    t_s: Array | None


def read_recording(path: Path) -> Recording:
    """Read a CSV with columns named by unit, or an NPZ with arrays of those names or `acc_g` and `gyro_dps`.

    RecordingError when a column is missing, shapes differ, nothing is in it, or a value is not a finite number.
    """
    columns = _read_npz(path) if path.suffix.lower() == ".npz" else _read_csv(path)
    acc = _vectors(path, columns, "acc_g", ACC)
    if acc is None:
        raise RecordingError(f"{path} has no acceleration; name its columns {', '.join(ACC)} (or one array acc_g)")
    gyro = _vectors(path, columns, "gyro_dps", GYRO)
    t_s = columns.get("t_s")
    for name, values in (("acceleration", acc), ("gyro", gyro), ("t_s", t_s)):
        if values is not None:
            _check(path, name, values, len(acc))
    if t_s is not None and (t_s.ndim != 1 or (np.diff(t_s) < 0).any()):
        raise RecordingError(f"{path}: t_s must be one column of times that never go back")
    return Recording(acc, gyro, t_s)


def replay(
    recording: Recording, rate_hz: float, placement: Literal["waist", "wrist"], no_motion_s: int | None = 120
) -> list[Event]:
    """Events in a recording sampled at `rate_hz` (20..200), in order; times are on its own clock when it has one.

    Bends of the trunk are counted where a tag can feel them: at the waist.
    """
    events = FallDetector(rate_hz, placement, no_motion_s).push(recording.acc_g, recording.gyro_dps)
    if placement == "waist":
        events += BendCounter(rate_hz).push(recording.acc_g, recording.gyro_dps)
    events.sort(key=lambda event: event.t_s)
    if recording.t_s is None:
        return events
    index = np.arange(len(recording.t_s))
    return [
        Event(event.kind, float(np.interp(event.t_s * rate_hz, index, recording.t_s)), event.confidence)
        for event in events
    ]


def _read_npz(path: Path) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name], dtype=np.float64) for name in arrays.files}
    except (ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
        raise RecordingError(f"{path} is not a readable NPZ file of numbers: {error}") from error


def _read_csv(path: Path) -> dict[str, Array]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(f"{path} is not a readable CSV file: {error}") from error
    if len(rows) < 2:
        raise RecordingError(f"{path} is empty; it needs a header line and at least one sample")
    names = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=2):
        if row and len(row) != len(names):
            raise RecordingError(f"{path}, line {number}: {len(row)} values where the header names {len(names)}")
    known = {name: i for i, name in enumerate(names) if name in (*ACC, *GYRO, "t_s")}
    return {name: _csv_column(path, name, rows, i) for name, i in known.items()}


def _csv_column(path: Path, name: str, rows: list[list[str]], index: int) -> Array:
    values = []
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        try:
            values.append(float(row[index]))
        except ValueError as error:
            raise RecordingError(f"{path}, line {number}: {name} is not a number: {row[index]!r}") from error
    return np.array(values)


def _vectors(path: Path, columns: Mapping[str, Array], whole: str, parts: tuple[str, ...]) -> Array | None:
    if whole in columns:
        if columns[whole].ndim != 2 or columns[whole].shape[1] != 3:
            raise RecordingError(f"{path}: {whole} must have the shape (n, 3), not {columns[whole].shape}")
        return columns[whole]
    present = [name for name in parts if name in columns]
    if not present:
        return None
    missing = [name for name in parts if name not in columns]
    if missing:
        raise RecordingError(f"{path} has {', '.join(present)} but no {', '.join(missing)}")
    if any(columns[name].shape != (len(columns[parts[0]]),) for name in parts):
        raise RecordingError(f"{path}: {', '.join(parts)} must be columns of one length")
    return np.stack([columns[name] for name in parts], axis=1)


def _check(path: Path, name: str, values: Array, n: int) -> None:
    if n == 0:
        raise RecordingError(f"{path} is empty; it needs at least one sample")
    if len(values) != n:
        raise RecordingError(f"{path}: {name} has {len(values)} samples where the acceleration has {n}")
    bad = np.flatnonzero(~np.isfinite(values.reshape(n, -1)).all(axis=1))
    if len(bad):
        raise RecordingError(f"{path}: {name} is not a finite number in sample {bad[0]}")
