"""Limits of the UWB ranges on record: what knowing more would make of their errors, and what a missed zone costs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tools import card
from tools.uwb_data import Ranges, Whole, in_track

ZONES_MM = (3000, 5000, 7000)
_MISSED = (0.05, 0.02, 0.01, 0.005, 0.001)
_NEAREST = 15  # points whose middle error stands for a range
TOLD_ALIKE = "the same, told whether blocked"
NO_BLOCKED = "clear ranges as they come, blocked ones without error"

Vector = NDArray[np.float64]


def errors(r: Ranges, ways: Mapping[str, Whole]) -> str:
    """Mean absolute error and 99th percentile (mm) of every way's distances, clear, blocked and all."""
    classes = {"clear": ~r.blocked, "blocked": r.blocked, "all": np.ones(len(r.blocked), dtype=bool)}
    lines = []
    for name, distance_mm in ways.items():
        off = np.abs(distance_mm - r.true_mm)
        each = [f"{off[of].mean():.0f}, {np.percentile(off[of], 99):.0f}" for of in classes.values()]
        lines.append((name, *each))
    head = [f"{name} ({of.sum()})" for name, of in classes.items()]
    return card.table(("mean absolute error, 99th percentile (mm)", *head), lines)


def knowing_more(r: Ranges) -> dict[str, Whole]:
    """Distances by what a tag cannot know: what each piece of knowledge would bring."""
    elsewhere, own = (_middle(r, same_place=same) for same in (False, True))
    features = in_track(r, np.rint(r.tracked.mean(axis=0)).astype(np.int64)).astype(np.float64)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    excess = {
        "told whether blocked; other places' median error off": elsewhere,
        "told whether blocked; its own place's median error off": own,
        f"median error of the {_NEAREST} most alike points of its own place off": _of_neighbours(r, scaled, told=False),
        TOLD_ALIKE: _of_neighbours(r, scaled, told=True),
        NO_BLOCKED: np.where(r.blocked, r.error_mm, 0),
        "its own point's median error off": _of_points(r),
    }
    return {name: r.range_mm - np.rint(mm).astype(np.int64) for name, mm in excess.items()}


def _middle(r: Ranges, *, same_place: bool) -> Vector:
    """Median error of the blocked or clear ranges of the same place, or of all others."""
    found = np.zeros(len(r.blocked))
    for place in np.unique(r.place):
        for of_class in (r.blocked, ~r.blocked):
            here = of_class & (r.place == place)
            if here.any():
                found[here] = np.median(r.error_mm[here if same_place else of_class & (r.place != place)])
    return found


def _of_points(r: Ranges) -> Vector:
    found = np.zeros(len(r.blocked))
    for point in np.unique(r.point):
        found[r.point == point] = np.median(r.error_mm[r.point == point])
    return found


def _of_neighbours(r: Ranges, scaled: Vector, *, told: bool) -> Vector:
    """Median error of the points of the same place (and class, if told) whose mean features are nearest, but its own.

    A range without any such point keeps its own distance.
    """
    found = np.zeros(len(r.blocked))
    names, first, which = np.unique(r.point, return_index=True, return_inverse=True)
    means = np.array([scaled[which == i].mean(axis=0) for i in range(len(names))])
    middles = np.array([np.median(r.error_mm[which == i]) for i in range(len(names))])
    for i, start in enumerate(first):
        alike = (r.place[first] == r.place[start]) & (names != names[i])
        if told:
            alike &= r.blocked[first] == r.blocked[start]
        if alike.any():
            here = which == i
            far = ((scaled[here][:, None] - means[alike]) ** 2).sum(axis=2)
            found[here] = np.median(middles[alike][np.argsort(far, axis=1)[:, :_NEAREST]], axis=1)
    return found


def trade_off(r: Ranges, ways: Mapping[str, Whole]) -> str:
    """How much larger a zone must be drawn for a share of missed ranges, and the share of false ones then (%)."""
    lines = []
    for zone in ZONES_MM:
        for name, mm in ways.items():
            inside = r.true_mm <= zone
            missed_false = (f"{100 * share:.1f}" for share in missed_and_false(r, mm, zone))
            row = [f"{zone // 1000} m, {name}", ", ".join(missed_false)]
            for missed in _MISSED:
                more = _larger(mm[inside] - zone, missed)
                row.append(f"+{more / 1000:.2f} m, {100 * missed_and_false(r, mm - more, zone)[1]:.1f}")
            lines.append(tuple(row))
        row = [f"{zone // 1000} m, raw, told whether blocked", ""]
        row += [f"{100 * told_false(r, zone, missed):.1f}" for missed in _MISSED]
        lines.append(tuple(row))
    head = ("standing", "as it comes: missed, false (%)", *(f"missed <= {100 * share:.3g} %" for share in _MISSED))
    return card.table(head, lines)


def missed_and_false(r: Ranges, mm: Whole, zone: int) -> tuple[float, float]:
    """Share of the ranges of those inside that seem outside, and of those outside that seem inside."""
    inside = r.true_mm <= zone
    return float((mm > zone)[inside].mean()), float((mm <= zone)[~inside].mean())


def _larger(outside_mm: Whole, missed: float) -> int:
    """What is to be added to the zone (mm, at least 0), from how far those inside seem to be outside."""
    return max(0, int(np.sort(outside_mm)[::-1][int(missed * len(outside_mm))]))


def told_false(r: Ranges, zone: int, missed: float) -> float:
    """The least share of false ranges if it were known whether they are blocked: a zone of its own for each class."""
    inside = r.true_mm <= zone
    spare = int(missed * inside.sum())
    classes = [~r.blocked, r.blocked]
    needed = [np.sort((r.range_mm - zone)[inside & of])[::-1] for of in classes]
    others = [np.sort((r.range_mm - zone)[~inside & of]) for of in classes]
    least = len(r.blocked)
    for of_clear in range(max(0, spare - len(needed[1]) + 1), min(spare + 1, len(needed[0]))):
        limits = (needed[0][of_clear], needed[1][spare - of_clear])
        least = min(least, sum(int(np.searchsorted(o, m, side="right")) for o, m in zip(others, limits, strict=True)))
    return least / int((~inside).sum())


def held(r: Ranges, lower_mm: Whole) -> str:
    """Share of clear and of blocked ranges that are not nearer than their lower bound (%)."""
    return " and ".join(f"{100 * (r.true_mm >= lower_mm)[of].mean():.1f}" for of in (~r.blocked, r.blocked))


def points_inside(r: Ranges) -> str:
    """Recorded points inside each zone."""
    *before, last = (str(len(np.unique(r.point[r.true_mm <= zone]))) for zone in ZONES_MM)
    return f"{', '.join(before)} and {last}"
