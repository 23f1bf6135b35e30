"""From physical units to the counts the core reads, and from its rows to events."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jikimi.sigcore.events import KIND_NAMES, Event

ACC_LSB_PER_G = 2048  # +-16 g, as far as the chips in tags reach
GYRO_LSB_PER_DPS_X100 = 1600  # +-2048 deg/s
_MAX_EVENTS = 64  # more than any detector can report in one block
_BLOCK = 512


def _matrix(name: str, values: ArrayLike) -> NDArray[np.float64]:
    array_n3 = np.asarray(values, dtype=np.float64)
    if array_n3.ndim != 2 or array_n3.shape[1] != 3:
        raise ValueError(f"{name} must have the shape (n, 3), not {array_n3.shape}")
    if not np.isfinite(array_n3).all():
        raise ValueError(f"{name} has values that are not finite numbers")
    return array_n3


def to_counts(acc_g: ArrayLike, gyro_dps: ArrayLike | None) -> NDArray[np.int16]:
    """(n, 6) int16 counts at ACC_LSB_PER_G and GYRO_LSB_PER_DPS_X100; values beyond the range saturate."""
    acc = _matrix("acc_g", acc_g)
    counts = np.zeros((len(acc), 6))
    counts[:, :3] = acc * ACC_LSB_PER_G
    if gyro_dps is not None:
        gyro = _matrix("gyro_dps", gyro_dps)
        if len(gyro) != len(acc):
            raise ValueError(f"gyro_dps has {len(gyro)} rows where acc_g has {len(acc)}")
        counts[:, 3:] = gyro * (GYRO_LSB_PER_DPS_X100 / 100)
    return np.clip(np.rint(counts), -32768, 32767).astype("<i2")


def drain(push: Callable[[bytes, int, Any], int], counts: NDArray[np.int16], time_scale: float) -> list[Event]:
    """All events in `counts`; `push(samples, n, out)` is the block API's function with its state bound."""
    rows = array("i", bytes(4 * 4 * _MAX_EVENTS))
    events: list[Event] = []
    for start in range(0, len(counts), _BLOCK):
        part = counts[start : start + _BLOCK]
        found = push(part.tobytes(), len(part), rows)
        events += [_event(rows[4 * i : 4 * i + 4], time_scale) for i in range(found)]
    return events


def _event(row: array[int], time_scale: float) -> Event:
    return Event(KIND_NAMES[row[0]], row[1] * time_scale / 1000, row[2] / 1000)
