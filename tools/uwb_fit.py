"""Learning the UWB range model: three quadratic functions of the same scaled features (tools/uwb_model.py)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tools.uwb_data import Mask, Ranges, Whole, in_track, single, without_index
from tools.uwb_model import FEATURES, JITTER, SUM_ONE, TERMS, Z_ONE, Model

_SHARE = 0.97  # of the ranges whose excess is below the bound
_MOST = 127  # of a weight in the core's table
_PENALTY = 0.003
_EVERY = 3  # range is enough where a function is fitted many times: those of one point are much alike

Vector = NDArray[np.float64]


def _weights(r: Ranges) -> Vector:
    """Blocked and clear weigh the same in all; within each, a place weighs as the root of its number of ranges."""
    weight = np.zeros(len(r.blocked))
    for blocked in (False, True):
        of_class = r.blocked == blocked
        for place in np.unique(r.place[of_class]):
            here = of_class & (r.place == place)
            weight[here] = 1 / np.sqrt(here.sum())
        weight[of_class] /= weight[of_class].sum()
    return weight / 2


def _logistic(x: Vector, y: Vector, weight: Vector, start: Vector | None = None) -> Vector:
    penalty = np.diag(np.append(np.full(x.shape[1] - 1, _PENALTY), 1e-9))
    b = np.zeros(x.shape[1]) if start is None else start
    for _ in range(12 if start is None else 3):  # Newton's steps
        p = 1 / (1 + np.exp(-x @ b))
        curve = (x * (weight * p * (1 - p))[:, None]).T @ x + penalty
        b = b - np.linalg.solve(curve, x.T @ (weight * (p - y)) + penalty @ b)
    return b


def _quantile(x: Vector, y_mm: Vector, weight: Vector, share: float) -> Vector:
    """Regression of a quantile, by reweighting: a few ranges are metres off and must not decide."""
    penalty = np.diag(np.append(np.full(x.shape[1] - 1, 1e-5), 1e-9))
    b: Vector = np.zeros(x.shape[1])
    for _ in range(40):
        rest = y_mm - x @ b
        pull = weight * np.where(rest > 0, share, 1 - share) / np.maximum(np.abs(rest), 30)
        pulled = x * pull[:, None]
        b = np.asarray(np.linalg.solve(pulled.T @ x + penalty, pulled.T @ y_mm), dtype=np.float64)
    return b


def _products(z: Whole) -> Vector:
    """Every term the model weighs, in the core's order, and one."""
    by = z / Z_ONE
    columns = [by[:, i] * (by[:, j] if j >= 0 else 1.0) for i in range(FEATURES) for j in range(-1, i + 1)]
    return np.column_stack([*columns, np.ones(len(z))])


def balanced(blocked: Mask, guess: Mask) -> float:
    """Mean of the shares of blocked and of clear ranges that were told."""
    return float((guess[blocked].mean() + (~guess[~blocked]).mean()) / 2)


class _Seen:
    """Every range as the core may meet it: in a track and alone, with and without the first path's index."""

    def __init__(self, r: Ranges, rough: Model) -> None:
        self.r, mean = r, rough.mean
        views = [in_track(r, mean), single(r, mean)]
        views += [without_index(view, mean) for view in views]
        self.terms = [_products(rough.scaled(view)) for view in views]
        self.some = np.arange(len(r.blocked)) % _EVERY == 0

    def stacked(self, which: Mask) -> tuple[Vector, Vector, Vector, Vector]:
        """Terms, blocked or not, error and weight of those ranges in every view."""
        r, n = self.r.where(which), len(self.terms)
        terms = np.concatenate([view[which] for view in self.terms])
        blocked, error = np.tile(r.blocked, n).astype(np.float64), np.tile(r.error_mm, n).astype(np.float64)
        return terms, blocked, error, np.tile(_weights(r), n) / n

    def limit(self, nlos: Vector) -> float:
        """Log odds above which a place that was not learnt from is judged best, by leaving out one after the other.

        The middle of the limits that are nearly as good as the best. `nlos` was learnt from all places.
        """
        odds = np.zeros(len(self.r.blocked))
        for place in np.unique(self.r.place):
            here = self.r.place == place
            terms, blocked, _, weight = self.stacked(self.some & ~here)
            odds[here] = self.terms[0][here] @ _logistic(terms, blocked, weight, nlos)
        limits = np.arange(-1.5, 1.51, 0.05)
        found = np.array([balanced(self.r.blocked, odds > limit) for limit in limits])
        return float(limits[found > found.max() - 0.002].mean())


def fit(r: Ranges) -> Model:
    """Learn all three functions."""
    steady = r.tracked[r.tracked[:, JITTER] >= 0]
    mean = np.rint(steady.mean(axis=0)).astype(np.int64)
    gain = np.rint(Z_ONE * 256 / steady.std(axis=0)).astype(np.int64)
    nothing = np.zeros(3, dtype=np.int64)
    seen = _Seen(r, Model(mean, gain, np.zeros((TERMS, 3), dtype=np.int64), nothing, nothing, 0, 0))
    terms, blocked, _, weight = seen.stacked(np.ones(len(r.blocked), dtype=bool))
    nlos = _logistic(terms, blocked, weight)
    terms, blocked, error, weight = seen.stacked(seen.some)
    odds = nlos - np.append(np.zeros(TERMS), seen.limit(nlos))
    functions = [odds * 256, _quantile(terms, error, weight, 0.5), _quantile(terms, error, weight, _SHARE)]
    tables = [_whole(function) for function in functions]
    weights, part, bias = (np.array(column) for column in zip(*tables, strict=True))
    clear = _reached(error, weight * (blocked == 0))
    return Model(mean, gain, weights.T, part, bias, clear, _reached(error, weight))


def _reached(error: Vector, weight: Vector) -> int:
    """The error that the share of the ranges stays below."""
    order = np.argsort(error)
    so_far = np.cumsum(weight[order])
    return int(error[order][np.searchsorted(so_far, _SHARE * so_far[-1])])


def _whole(function: Vector) -> tuple[Whole, int, int]:
    """Weights of a byte, what a sum of terms weighed by them is divided by, and the bias."""
    scale = 2 ** max(0, math.ceil(math.log2(np.abs(function[:-1]).max() / (_MOST + 0.4))))
    return np.rint(function[:-1] / scale).astype(np.int64), SUM_ONE // scale, round(float(function[-1]))
