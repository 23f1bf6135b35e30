"""Gradient-boosted decision trees in the shape the core runs: depth 4, leaves in 1/128 log odds (int8).

Limits are int16 over any integer features, or, with features that are bytes, bytes.

Small on purpose: NumPy only, deterministic, so that the tables can be made again anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEPTH = 4
NODES = 2**DEPTH - 1
NO_SPLIT = 32767
_BINS = 64
_SCALE = 256.0  # scores are in 1/256 log odds,
LEAF_UNIT = 2  # leaves in 1/128, so that they fit a byte

Features = NDArray[np.int16] | NDArray[np.uint8]
Vector = NDArray[np.float64]
Index = NDArray[np.int64]
Bins = NDArray[np.int64]


@dataclass(frozen=True)
class Tree:
    """One complete tree: node i has children 2i+1 (feature <= limit) and 2i+2."""

    feature: NDArray[np.int64]
    limit: NDArray[np.int64]
    leaf: NDArray[np.int64]


@dataclass(frozen=True)
class Model:
    """Trees, and a bias in 1/256 log odds."""

    bias: int
    trees: list[Tree]

    def score(self, features: Features) -> NDArray[np.int64]:
        """Log odds (1/256) of every row, exactly as the core computes them."""
        total = np.full(len(features), self.bias, dtype=np.int64)
        for tree in self.trees:
            total += LEAF_UNIT * tree.leaf[_leaf_of(tree, features)]
        return total


@dataclass(frozen=True)
class Settings:
    """How to grow: number of trees, step, L2 weight on leaves, smallest sum of curvature in a child, shares drawn."""

    trees: int = 60
    rate: float = 0.15
    l2: float = 3.0
    min_curvature: float = 2.0
    seed: int = 1
    feature_share: float = 0.6
    row_share: float = 1.0  # of the rows each tree is grown on


def _leaf_of(tree: Tree, features: Features) -> NDArray[np.int64]:
    node = np.zeros(len(features), dtype=np.int64)
    rows = np.arange(len(features))
    for _ in range(DEPTH):
        goes_left = features[rows, tree.feature[node]] <= tree.limit[node]
        node = 2 * node + np.where(goes_left, 1, 2)
    leaf: NDArray[np.int64] = node - NODES
    return leaf


def _edges(features: Features) -> list[NDArray[np.int64]]:
    shares = np.linspace(0, 1, _BINS + 1)[1:-1]
    return [np.unique(np.quantile(column, shares).astype(np.int64)) for column in features.T]


class _Grower:
    """Grows trees over features that were put into bins once."""

    def __init__(self, features: Features, settings: Settings) -> None:
        self._features, self._settings = features, settings
        self._edges = _edges(features)
        pairs = zip(self._edges, features.T, strict=True)
        self._bins = np.stack([np.searchsorted(edges, column, side="left") for edges, column in pairs], axis=1)
        self._rng = np.random.default_rng(settings.seed)

    def _best(self, bins: Bins, node: Index, n: int, g: Vector, h: Vector) -> tuple[Index, Index]:
        """Feature and bin of the best split of each of `n` nodes; bin -1 where none helps."""
        best_gain, best_feature, best_bin = np.full(n, 1e-6), np.zeros(n, np.int64), np.full(n, -1)
        count = bins.shape[1]
        chosen = self._rng.permutation(count)[: max(1, round(count * self._settings.feature_share))]
        for feature in np.sort(chosen):
            key = node * _BINS + bins[:, feature]
            sums = np.bincount(key, g, n * _BINS).reshape(n, _BINS).cumsum(axis=1)
            curves = np.bincount(key, h, n * _BINS).reshape(n, _BINS).cumsum(axis=1)
            gain = self._gain(sums, curves)
            gain[:, len(self._edges[feature]) :] = -1.0
            at = gain.argmax(axis=1)
            value = gain[np.arange(n), at]
            better = value > best_gain
            best_gain[better], best_feature[better], best_bin[better] = value[better], feature, at[better]
        return best_feature, best_bin

    def _gain(self, sums: Vector, curves: Vector) -> Vector:
        l2, least = self._settings.l2, self._settings.min_curvature
        all_g, all_h = sums[:, -1:], curves[:, -1:]
        right_g, right_h = all_g - sums, all_h - curves
        gain = sums**2 / (curves + l2) + right_g**2 / (right_h + l2) - all_g**2 / (all_h + l2)
        return np.asarray(np.where((curves < least) | (right_h < least), -1.0, gain))

    def _drawn(self) -> Index:
        n = len(self._bins)
        if self._settings.row_share >= 1:
            return np.arange(n)
        return np.flatnonzero(self._rng.uniform(size=n) < self._settings.row_share)

    def grow(self, g: Vector, h: Vector) -> Tree:
        """One tree for gradients `g` and curvatures `h` of all rows."""
        rows = self._drawn()
        bins, g, h = self._bins[rows], g[rows], h[rows]
        feature = np.zeros(NODES, dtype=np.int64)
        limit = np.full(NODES, NO_SPLIT, dtype=np.int64)
        split = np.full(NODES, _BINS)
        node = np.zeros(len(g), dtype=np.int64)
        for level in range(DEPTH):
            first = 2**level - 1
            features, at = self._best(bins, node - first, 2**level, g, h)
            for i in np.flatnonzero(at >= 0):
                feature[first + i], split[first + i] = features[i], at[i]
                limit[first + i] = int(self._edges[int(features[i])][int(at[i])])
            goes_left = bins[np.arange(len(g)), feature[node]] <= split[node]
            node = 2 * node + np.where(goes_left, 1, 2)
        leaves, n = node - NODES, 2**DEPTH
        value = -np.bincount(leaves, g, n) / (np.bincount(leaves, h, n) + self._settings.l2)
        leaf = np.rint(value * self._settings.rate * _SCALE / LEAF_UNIT).clip(-127, 127).astype(np.int64)
        return Tree(feature, limit, leaf)


def train(features: Features, labels: NDArray[np.bool_], weights: Vector, settings: Settings) -> Model:
    """Fit by Newton boosting on the logistic loss; rows count as much as `weights` says."""
    share = float(np.average(labels, weights=weights))
    bias = round(np.log(share / (1 - share)) * _SCALE)
    grower = _Grower(features, settings)
    score = np.full(len(labels), float(bias))
    trees: list[Tree] = []
    for _ in range(settings.trees):
        p = 1 / (1 + np.exp(-score / _SCALE))
        tree = grower.grow(weights * (p - labels), weights * p * (1 - p))
        score += LEAF_UNIT * tree.leaf[_leaf_of(tree, features)]
        trees.append(tree)
    return Model(bias, trees)
