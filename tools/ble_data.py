"""Adverts on record in windows, and how a verdict on near or far is judged."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tools.model_tables import DATA, rows

NEAR_M = 2.0
_FOOT_M = 0.3048
_FEWEST = 4

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]


def in_windows(seconds: float) -> Iterator[tuple[str, float, Vector]]:
    """(how both were carried, distance in m, strengths in dBm in order) of all windows with at least four adverts."""
    for path in sorted((DATA / "ble").glob("*.csv.gz")):
        position = path.name.removesuffix(".csv.gz")
        for (_, feet), group in itertools.groupby(rows(path), key=lambda row: (row["log"], row["range_ft"])):
            adverts = np.array([(float(row["t_s"]), float(row["rssi_dbm"])) for row in group])
            number = adverts[:, 0] // seconds
            for n in np.unique(number):
                dbm = adverts[number == n, 1]
                if len(dbm) >= _FEWEST:
                    yield position, float(feet) * _FOOT_M, dbm


def balanced(told: Mask, near: Mask) -> float:
    """Mean of the shares of near and of far that were told."""
    return float((told[near].mean() + (~told[~near]).mean()) / 2)
