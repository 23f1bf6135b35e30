"""Walks up to the machine, generated with the errors and diagnostics of every recorded point, its place unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools import card, intervals
from tools.uwb_data import STEP_MS, Ranges, Whole
from tools.uwb_limits import ZONES_MM, Vector
from tools.uwb_model import Model, Track

_WALK_MM_S = 1400
_LARGER_ZONE_MM = 5000
_LARGER_MM = (0, 250, 500, 1000, 1500, 2000, 3000, 4000)


@dataclass(frozen=True)
class Walk:
    """One walk, an entry for each range: all in mm, or mm/s."""

    blocked: bool
    true_mm: Whole
    distance_mm: Whole
    lower_mm: Whole
    closing_mm_s: Whole
    contact_ms: Whole  # -1 while they do not come nearer


Way = Callable[[Walk], Whole]
WAYS: dict[str, Way] = {"distance": lambda walk: walk.distance_mm, "lower bound": lambda walk: walk.lower_mm}


def walks(r: Ranges, models: dict[str, Model]) -> list[Walk]:
    """One from 12 m on for every point, at ten ranges a second."""
    found = []
    for point in np.unique(r.point):
        here = r.where(r.point == point)
        found.append(_walk(here, models[str(here.place[0])]))
    return found


def _walk(here: Ranges, model: Model) -> Walk:
    track, rows = Track(model), []
    for i, true_mm in enumerate(range(12_000, 300, -_WALK_MM_S * STEP_MS // 1000)):
        k = i % len(here.blocked)
        measured_mm = max(0, true_mm + int(here.error_mm[k]))
        distance, lower, closing, contact, _ = track.push(i * STEP_MS, measured_mm, tuple(here.chip[k].tolist()))
        rows.append((true_mm, distance, lower, closing, contact))
    return Walk(bool(here.blocked[0]), *np.array(rows).T)


def _late(walk: Walk, way: Way, zone: int, drawn: int) -> bool:
    """Not warned of, or not all the time, from half a second inside on."""
    return bool((way(walk)[walk.true_mm <= zone - _WALK_MM_S // 2] > drawn).any())


def _early(walk: Walk, way: Way, zone: int, drawn: int) -> bool:
    """Warned of more than a metre before the zone."""
    return bool((way(walk)[walk.true_mm > zone + 1000] <= drawn).any())


def approaches(made: list[Walk]) -> str:
    """Zones drawn as they are, with intervals."""
    lines = []
    for zone in ZONES_MM:
        for blocked in (False, True):
            of = [walk for walk in made if walk.blocked == blocked]
            row: list[object] = [f"{zone // 1000} m, {'blocked' if blocked else 'clear'}"]
            for way in WAYS.values():
                row += [intervals.share(sum(said(w, way, zone, zone) for w in of), len(of)) for said in (_late, _early)]
            lines.append(tuple(row))
    head = ("walking at 1.4 m/s", "distance: late or lost", "more than 1 m early", "lower bound: late or lost",
            "more than 1 m early")  # fmt: skip
    return card.table(head, lines)


def off_speed(made: list[Walk]) -> Vector:
    """How wrong the closing speed is (mm/s) in the last 2 s of every walk."""
    off: Vector = np.abs(np.concatenate([walk.closing_mm_s[-20:] for walk in made]) - _WALK_MM_S).astype(np.float64)
    return off


def off_contact(made: list[Walk]) -> Vector:
    """How wrong the time to contact is (s) in the last 2 s of every walk; unknown counts as the whole of it."""
    found = []
    for walk in made:
        true_ms = walk.true_mm[-20:] * 1000 / _WALK_MM_S
        said_ms = walk.contact_ms[-20:]
        found.append(np.where(said_ms < 0, true_ms, np.abs(said_ms - true_ms)))
    return np.concatenate(found) / 1000


def drawn_larger(made: list[Walk]) -> str:
    """What a zone of 5 m that is drawn larger buys, and costs (%)."""
    zone, lines = _LARGER_ZONE_MM, []
    for more in _LARGER_MM:
        row = [f"{(zone + more) / 1000:.2f} m"]
        for way in WAYS.values():
            for blocked in (False, True):
                of = [walk for walk in made if walk.blocked == blocked]
                shares = [100 * np.mean([said(w, way, zone, zone + more) for w in of]) for said in (_late, _early)]
                row.append(", ".join(f"{share:.1f}" for share in shares))
        lines.append(tuple(row))
    names = [f"{way}, {of}" for way in WAYS for of in ("clear", "blocked")]
    return card.table(("5 m zone drawn at; late or lost, more than 1 m early (%)", *names), lines)
