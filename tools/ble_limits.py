"""Whether more of the adverts than the middle of their strength tells near from far, with the position unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools import card, gbdt
from tools.ble_data import NEAR_M, Mask, Vector, balanced, in_windows

_SECONDS = (5, 30, 120)
_QUANTILES = (50, 0, 10, 25, 75, 90, 100)
_PENALTY = 0.01
_NEIGHBOURS = 25
_TREES = gbdt.Settings(trees=60, rate=0.1, l2=3.0, min_curvature=1.5, feature_share=0.5)

Score = Callable[[Vector, Mask, Vector, Vector], Vector]  # learnt from features, near, weight; more than 0: near


@dataclass(frozen=True)
class Numbers:
    """Windows with all that is known of their adverts: (n, 13), the median first."""

    position: NDArray[np.str_]
    near: Mask
    features: Vector


def numbers(seconds: float) -> Numbers:
    """All windows of so many seconds with at least four adverts."""
    found = [(position, metres <= NEAR_M, of_window(dbm)) for position, metres, dbm in in_windows(seconds)]
    positions, near, features = zip(*found, strict=True)
    return Numbers(np.array(positions), np.array(near), np.array(features))


def of_window(dbm: Vector) -> list[float]:
    """Quantiles, mean, mean power, spread, mean step, how many, and how often the strongest, of adverts in order."""
    power_dbm = 10 * np.log10(np.mean(10 ** (dbm / 10)))
    shape = (dbm.std(), np.abs(np.diff(dbm)).mean(), np.log(len(dbm)), np.mean(dbm == dbm.max()))
    return [float(x) for x in (*np.percentile(dbm, _QUANTILES), dbm.mean(), power_dbm, *shape)]


def _scaled(learnt: Vector, asked: Vector) -> tuple[Vector, Vector]:
    mean, spread = learnt.mean(axis=0), learnt.std(axis=0) + 1e-9
    return (learnt - mean) / spread, (asked - mean) / spread


def logistic(features: Vector, near: Mask, weight: Vector, asked: Vector) -> Vector:
    """Log odds by a logistic function with a small penalty."""
    learnt, asked = (np.column_stack([np.ones(len(part)), part]) for part in _scaled(features, asked))
    b, ridge = np.zeros(learnt.shape[1]), _PENALTY * weight.sum()
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(learnt @ b, -30, 30)))
        curve = (learnt * (weight * p * (1 - p))[:, None]).T @ learnt + ridge * np.eye(len(b))
        b = b - np.linalg.solve(curve, learnt.T @ (weight * (p - near)) + ridge * b)
    return np.asarray(asked @ b)


def neighbours(features: Vector, near: Mask, weight: Vector, asked: Vector) -> Vector:
    """Weight of near less that of far among the most alike windows."""
    learnt, asked = _scaled(features, asked)
    far = ((asked[:, None] - learnt) ** 2).sum(axis=2)
    closest = np.argsort(far, axis=1)[:, :_NEIGHBOURS]
    return np.asarray((np.where(near, weight, -weight)[closest]).sum(axis=1))


def trees(features: Vector, near: Mask, weight: Vector, asked: Vector) -> Vector:
    """Log odds by boosted trees."""
    low, width = features.min(axis=0), np.ptp(features, axis=0) + 1e-9

    def levels(x: Vector) -> NDArray[np.int16]:
        found: NDArray[np.int16] = np.clip(np.rint(255 * (x - low) / width), 0, 255).astype(np.int16)
        return found

    return gbdt.train(levels(features), near, weight, _TREES).score(levels(asked)).astype(np.float64)


_WAYS: dict[str, tuple[Score, slice]] = {
    "the median, logistic": (logistic, slice(1)),
    "all but its level: spread, steps, how many, how often the strongest": (logistic, slice(9, None)),
    "thirteen numbers, logistic": (logistic, slice(None)),
    f"thirteen numbers, the {_NEIGHBOURS} most alike windows": (neighbours, slice(None)),
    f"thirteen numbers, {_TREES.trees} boosted trees": (trees, slice(None)),
}


def unseen(w: Numbers, way: Score, columns: slice) -> list[float]:
    """Balanced accuracy in every position, learnt from the others."""
    found = []
    for position in np.unique(w.position):
        out = w.position == position
        near = w.near[~out]
        weight = np.where(near, 0.5 / near.mean(), 0.5 / (1 - near.mean()))
        score = way(w.features[~out, columns], near, weight, w.features[out, columns])
        found.append(balanced(score > 0, w.near[out]))
    return found


def table() -> str:
    """Balanced accuracy, mean over positions left out, of ways to look at windows of several lengths."""
    lengths = [numbers(seconds) for seconds in _SECONDS]
    lines = [
        (name, *(f"{np.mean(unseen(w, way, columns)):.3f}" for w in lengths)) for name, (way, columns) in _WAYS.items()
    ]
    return card.table(("learnt from the other positions", *(f"{seconds} s" for seconds in _SECONDS)), lines)
