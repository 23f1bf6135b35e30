"""Sums of decision trees in plain Python, as sig_trees.h defines them."""

from __future__ import annotations

from typing import NamedTuple


class Tree(NamedTuple):
    feature: list[int]
    limit: list[int]
    leaf: list[int]


Model = tuple[int, list[Tree]]


def score(model: Model, features: list[int]) -> int:
    bias, trees = model
    total = bias
    for tree in trees:
        node = 0
        for _ in range(4):
            node = 2 * node + (1 if features[tree.feature[node]] <= tree.limit[node] else 2)
        total += 2 * tree.leaf[node - 15]
    return total
