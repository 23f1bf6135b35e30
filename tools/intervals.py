"""How sure a measured figure is: intervals of 95 % for shares and for means over people, places or positions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

_Z = 1.959964


def share(hits: int, of: int) -> str:
    """`98.7 % (96.1 to 99.6)`, Wilson's interval; `–` of nothing."""
    if of == 0:
        return "–"
    p, n = hits / of, of
    middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    return f"{100 * p:.1f} % ({100 * (middle - half):.1f} to {100 * (middle + half):.1f})"


def mean_over(groups: Sequence[float], digits: int = 2, seed: int = 1) -> str:
    """`1.25 (0.90 to 1.59)`: the mean of one figure a group, and how it moves when whole groups are drawn again."""
    drawn = np.random.default_rng(seed).choice(np.asarray(groups, dtype=np.float64), (4000, len(groups))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{np.mean(groups):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def percent_over(groups: Sequence[float]) -> str:
    """As `mean_over`, of shares from 0 to 1: `85.3 % (75.5 to 93.7)`."""
    return mean_over([100 * share_of for share_of in groups], 1).replace(" (", " % (")


def of_all(
    groups: Sequence[NDArray[np.float64]], statistic: Callable[[NDArray[np.float64]], float], digits: int
) -> str:
    """`0.995 (0.778 to 1.391)`: a statistic of all figures, and how it moves when whole groups are drawn again."""
    rng = np.random.default_rng(1)
    drawn = [statistic(np.concatenate([groups[i] for i in rng.choice(len(groups), len(groups))])) for _ in range(1000)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{statistic(np.concatenate(groups)):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
