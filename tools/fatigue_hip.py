"""What the windows of Maman et al.'s fatigue sets tell of the hip: the values that ship and others that were tried."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHIPPED = "movement and posture"
_MOVEMENT = ("Hip.ACC.Mean",)
_POSTURE = ("Hip.xposture.Mean", "Hip.yposture.Mean", "Hip.zposture.Mean")
_VARIATION = ("Hip.ACC.coefficient.of.variation", "Hip.ACC.CV")  # lifting, walking
_JERK = ("Hip.jerk.Mean",)
_OSCILLATION = ("mean hip osicllation",)  # as the files spell it
# The logarithms of these columns, by whichever of its names a file has it. The first is held against its own spread,
# the others together against theirs.
_LOGARITHMS = {
    "movement": (_MOVEMENT,),
    "variation of movement": (_VARIATION,),
    "jerk": (_JERK,),
    "movement and its variation": (_MOVEMENT, _VARIATION),
    "movement and jerk": (_MOVEMENT, _JERK),
    "movement and oscillation": (_MOVEMENT, _OSCILLATION),
    "movement, its variation and jerk": (_MOVEMENT, _VARIATION, _JERK),
}
SETS = (SHIPPED, *_LOGARITHMS)

Whole = NDArray[np.int64]
Row = dict[str, str]


def is_one_value(name: str) -> bool:
    """Whether the set is a single value, which the core judges as it judges the heart rate."""
    return name != SHIPPED and len(_LOGARITHMS[name]) == 1


def values(windows: Sequence[Row], name: str) -> Whole:
    """(n, 4) of a set, as the core takes them; what a set does not have is 0."""
    found: Whole = np.zeros((len(windows), 4), dtype=np.int64)
    for i, names in enumerate(_LOGARITHMS.get(name, (_MOVEMENT,))):
        # Logarithms, as people differ by factors; a nought, which some windows have, as a thousandth.
        found[:, i] = np.rint(np.log2([max(1, 1000 * _number(row, names)) for row in windows]) * 256)
    if name == SHIPPED:
        angles = np.radians([[float(row[axis]) for axis in _POSTURE] for row in windows])
        found[:, 1:] = np.rint(1000 * np.sin(angles))  # gravity from the angles of the axes
    return found


def _number(row: Row, names: tuple[str, ...]) -> float:
    return float(next(row[name] for name in names if name in row))
