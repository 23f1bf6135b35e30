"""The bend counter in plain Python: the readable definition, and the oracle the C core is compared with bit for bit.

Integers only; `div` rounds towards zero, as C does. Where the core keeps sums, this looks back over what it saw.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import cos, isqrt, radians
from pathlib import Path
from typing import NamedTuple

from tests.native.reference_fall import Vector, div, magnitude, permille, resample
from tests.native.reference_trees import Model, Tree, score

HEADER = Path(__file__).resolve().parents[2] / "native" / "src" / "sig_bend_model.h"
TICKS_PER_CELL, CELL_MS, TICK_MS = 5, 100, 20
ONE = 4096  # length of a direction
ENTER_DEG = 9
LONGEST, SHORTEST, BACK_FOR = 200, 3, 10  # cells
FULL, RECENT, BEFORE, START, END = 250, 15, 5, 10, 13  # cells
SPIKE_MG, SPIKE_TICKS = 3000, 4
STILL_RATE = 57  # 8 degrees a second
KIND_BEND = 5
COSINES = [round(16384 * cos(radians(deg))) for deg in range(91)]


def load_model() -> tuple[Model, int]:
    """The trees out of the generated header, and the score a bend is above."""
    text = HEADER.read_text(encoding="utf-8")
    rows = [[int(x) for x in part.split(",")] for part in re.findall(r"\{(-?\d[^{}]*)\}", text)]
    trees = [Tree(feature, limit, leaf) for feature, leaf, limit in zip(*[iter(rows)] * 3, strict=True)]
    bias, limit = (int(re.findall(rf"BEND_{name} = (-?\d+)", text)[0]) for name in ("BIAS", "LIMIT"))
    return (bias, trees), limit


class Cell(NamedTuple):
    """100 ms: mean acceleration (1/16 mg), extremes of the magnitude, its mean distance from 1 g (mg)."""

    acc: Vector
    top: int
    low: int
    unrest: int


class Moment(NamedTuple):
    """A cell of an excursion: what the trunk did."""

    cell: Cell
    angle_deg: int
    rate: int
    tilt: Vector


def spikes_as_gravity(
    motion: Iterable[tuple[Vector, Vector]], gravity: Callable[[], Vector]
) -> Iterator[tuple[Vector, int]]:
    """Acceleration and magnitude of the sample before each one (first: of itself); of a spike's, gravity and 1 g.

    A spike is at most 80 ms beyond 3 g; the sample before and the one after belong to it.
    """
    beyond, spoilt, held = 0, 0, None
    for acc, _ in motion:
        held = acc if held is None else held
        beyond = beyond + 1 if magnitude(acc) > SPIKE_MG else 0
        spoilt = 3 if 0 < beyond <= SPIKE_TICKS else spoilt
        if spoilt:
            yield [div(x, 16) for x in gravity()], 1000
        else:
            yield held, magnitude(held)
        spoilt, held = max(0, spoilt - 1), acc


def cells(samples: Iterable[tuple[Vector, int]]) -> Iterator[Cell]:
    """Cells out of accelerations and their magnitudes."""
    part: list[tuple[Vector, int]] = []
    for sample in samples:
        part.append(sample)
        if len(part) == TICKS_PER_CELL:
            accs, mags = zip(*part, strict=True)
            means = [div(sum(column), TICKS_PER_CELL) * 16 for column in zip(*accs, strict=True)]
            yield Cell(means, max(mags), min(mags), sum(abs(mag - 1000) for mag in mags) // TICKS_PER_CELL)
            part = []


def unit(v: Vector, last: Vector) -> Vector:
    """The vector's direction, rounded; `last` when it has none."""
    size = magnitude(v)
    return [div(x * ONE + (size // 2 if x >= 0 else -(size // 2)), size) for x in v] if size else last


def angle_between(direction: Vector, upright: Vector) -> tuple[int, int]:
    """Degrees between the two, and how far the direction goes along upright (ONE when they are the same)."""
    size, dot = magnitude(upright), sum(a * b for a, b in zip(direction, upright, strict=True))
    if size == 0:
        return 0, ONE
    cosine = div(dot * 4, size)
    deg = next(deg for deg, value in enumerate(COSINES) if value <= abs(cosine))
    return (180 - deg if cosine < 0 else deg), div(dot, size)


def cosine(a: Vector, b: Vector) -> int:
    """1000 times the cosine of the angle between two vectors; 1000 when one is nothing."""
    a, b = [div(x, 4) for x in a], [div(x, 4) for x in b]
    if not any(a) or not any(b):
        return 1000
    size = magnitude(a)
    return div(sum(div(x * 1000, size) * y for x, y in zip(a, b, strict=True)), magnitude(b))


def total(vectors: Iterable[Vector]) -> Vector:
    return [sum(column) for column in zip(*vectors, strict=True)] or [0, 0, 0]


def unrest(seen: Sequence[Cell]) -> int:
    """Mean of the cells' unrest."""
    return sum(cell.unrest for cell in seen) // len(seen)


def features(moments: Sequence[Moment], before: Sequence[Cell], recent: Sequence[Cell]) -> Vector:
    """What the trees see of an excursion; tools/train_bend.py names them in this order.

    `moments` end where the person comes back, `before` are the cells until the first of them, `recent` the newest ones.
    """
    n, angles = len(moments), [m.angle_deg for m in moments]
    peak = max(angles)
    to_peak = angles.index(peak) + 1
    tilts = [m.tilt for m in moments]
    tilt, length = total(tilts), div(sum(magnitude(v) for v in tilts), 4)
    start, end = [*before[-BEFORE:], *(m.cell for m in moments[:START])], recent[:END]
    highest, lowest = max(cell.top for cell in start), min(cell.low for cell in start)
    values = [
        peak, n, to_peak, n - to_peak,
        div(sum(angles) * 100, n * peak),
        max(m.rate for m in moments),
        sum(m.rate < STILL_RATE for m in moments) * 1000 // n,
        max(m.cell.top for m in moments),
        unrest([m.cell for m in moments]),
        div(magnitude([div(x, 4) for x in tilt]) * 1000, length) if length else 1000,
        cosine(tilt, [4 * x for x in tilts[to_peak - 1]]),
        cosine(total(tilts[:to_peak]), total(tilts[to_peak:])),
        sum(angle > 20 for angle in angles),
        unrest(before), unrest(recent[-BACK_FOR:]),
        highest - lowest, lowest,
        max(cell.top for cell in end) - min(cell.low for cell in end),
    ]  # fmt: skip
    return [min(max(value, -32766), 32766) for value in values]


@dataclass
class BendCounter:
    """Cell after cell; `events` are rows (kind, t_ms, confidence, peak angle), `band_ms` the times of ISO 11226."""

    events: list[tuple[int, ...]] = field(default_factory=list)
    band_ms: list[int] = field(default_factory=lambda: [0, 0, 0])
    judged: list[Vector] = field(default_factory=list)
    angle_deg: int = 0
    _cells: int = 0
    _seen: list[Cell] = field(default_factory=list)
    gravity: Vector = field(default_factory=lambda: [0, 0, 0])
    _direction: Vector = field(default_factory=lambda: [0, 0, 0])
    _upright: Vector = field(default_factory=lambda: [0, 0, 0])  # 1/256
    _unrest_16: int = 0
    _enter_deg: int = ENTER_DEG
    _bending: bool = False
    _moments: list[Moment] = field(default_factory=list)
    _before: list[Cell] = field(default_factory=list)
    _back_for: int = 0

    def push(self, cell: Cell) -> None:
        first = not self._seen
        self._seen = [cell] * RECENT if first else [*self._seen[-299:], cell]
        self._cells += 1
        self._unrest_16 = 16 * cell.unrest if first else self._unrest_16 + div(16 * cell.unrest - self._unrest_16, 16)
        rate = self._turn(cell, first)
        if self._cells <= 10:
            self._learn_upright(0 if first else 2)
        upright = [div(x, 256) for x in self._upright]
        self.angle_deg, along = angle_between(self._direction, upright)
        tilt = [div(d - div(u * along, ONE), 16) for d, u in zip(self._direction, upright, strict=True)]
        self._follow(Moment(cell, self.angle_deg, rate, tilt))
        self.band_ms[(self.angle_deg >= 20) + (self.angle_deg > 60)] += CELL_MS

    def _turn(self, cell: Cell, first: bool) -> int:
        """Follow gravity; returns how far it turned."""
        slow = zip(self.gravity, cell.acc, strict=True) if not first else ()
        self.gravity = cell.acc if first else [g + div(x - g, 4) for g, x in slow]
        last, self._direction = self._direction, unit([div(x, 16) for x in self.gravity], self._direction)
        return 0 if first else isqrt(sum((a - b) ** 2 for a, b in zip(self._direction, last, strict=True)))

    def _learn_upright(self, shift: int) -> None:
        pairs = zip(self._upright, self._direction, strict=True)
        self._upright = [u + div(d * 256 - u, 2**shift) for u, d in pairs]

    def _follow(self, moment: Moment) -> None:
        self._enter_deg = max(ENTER_DEG, min(self._enter_deg, self.angle_deg + ENTER_DEG))
        if self._bending:
            self._follow_excursion(moment)
        elif self.angle_deg > self._enter_deg:
            self._bending, self._moments, self._back_for = True, [moment], 0
            self._before = self._seen[-RECENT:-1]
        else:
            self._learn_upright(8)

    def _follow_excursion(self, moment: Moment) -> None:
        if len(self._moments) < FULL:
            self._moments.append(moment)
        peak = max(m.angle_deg for m in self._moments)
        self._back_for = self._back_for + 1 if self.angle_deg < 6 + peak // 6 else 0
        if len(self._moments) > LONGEST and self._unrest_16 > 100 * 16:
            self._learn_upright(5)
        if self._back_for == BACK_FOR:
            self._bending, self._enter_deg = False, self.angle_deg + ENTER_DEG
            if SHORTEST + BACK_FOR <= len(self._moments) <= LONGEST:
                self._judge(peak)

    def _judge(self, peak: int) -> None:
        self.judged.append(features(self._moments[:-BACK_FOR], self._before, self._seen[-RECENT:]))
        model, limit = _MODEL
        log_odds = score(model, self.judged[-1]) - limit
        if log_odds > 0:
            t_ms = self._cells * CELL_MS
            self.events.append((KIND_BEND, t_ms, permille(log_odds), peak))


_MODEL = load_model()


def count(samples: Iterable[Sequence[int]], rate_centihz: int, acc_lsb: int) -> BendCounter:
    """The counter after samples of (ax, ay, az, gx, gy, gz) in raw counts."""
    counter = BendCounter()
    motion = resample(samples, rate_centihz, acc_lsb, 0)
    for cell in cells(spikes_as_gravity(motion, lambda: counter.gravity)):
        counter.push(cell)
    return counter
