"""The fall detector in plain Python: the readable definition, and the oracle the C core is compared with bit for bit.

Integers only. `div` rounds towards zero, as C does. A sample is (ax, ay, az, gx, gy, gz) in raw counts.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from math import isqrt
from pathlib import Path
from typing import NamedTuple

Vector = list[int]

HEADER = Path(__file__).resolve().parents[2] / "native" / "src" / "sig_fall_model.h"
TICK_HZ, TICKS_PER_CELL, CELLS, POST, LATE = 50, 4, 46, 19, 31


def div(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a >= 0) == (b >= 0) else -1)


def clamp(value: int, limit: int) -> int:
    return max(-limit, min(limit, value))


def word(value: int) -> int:
    return value if -32768 <= value <= 32767 else clamp(value, 32767)


class Tree(NamedTuple):
    feature: list[int]
    limit: list[int]
    leaf: list[int]


Model = tuple[int, list[Tree]]


def load_models() -> dict[str, Model]:
    """{"fall_waist": (bias, trees), …} out of the generated header."""
    text = HEADER.read_text(encoding="utf-8")
    models = {}
    for name, body in re.findall(r"sig_fall_tree_t (\w+)_trees\[\d+\] = \{(.*?)\n\};", text, re.DOTALL):
        lists = [[int(x) for x in part.split(",")] for part in re.findall(r"\{([^{}]+)\}", body)]
        bias = int(re.findall(rf"{name.upper()}_BIAS = (-?\d+)", text)[0])
        models[name] = bias, [Tree(*lists[i : i + 3]) for i in range(0, len(lists), 3)]
    return models


def score(model: Model, features: Vector) -> int:
    bias, trees = model
    total = bias
    for tree in trees:
        node = 0
        for _ in range(4):
            node = 2 * node + (1 if features[tree.feature[node]] <= tree.limit[node] else 2)
        total += 2 * tree.leaf[node - 15]
    return total


def permille(log_odds: int) -> int:
    upper = [500, 622, 731, 818, 881, 924, 953, 971, 982, 989, 993, 996, 998, 998, 999]
    step, rest = divmod(abs(log_odds), 128)
    value = 999 if step >= 14 else upper[step] + (upper[step + 1] - upper[step]) * rest // 128
    return 1000 - value if log_odds < 0 else value


def resample(
    samples: Iterable[Sequence[int]], rate_centihz: int, acc_lsb: int, gyro_lsb_x100: int
) -> Iterator[tuple[Vector, Vector]]:
    """Motion samples (three mg, three deg/s) at 50 Hz: the mean over each 20 ms, inputs held for their period."""
    in_ticks, out_ticks = 100 * TICK_HZ, rate_centihz
    per_mg, per_dps = (out_ticks * acc_lsb + 500) // 1000, (out_ticks * gyro_lsb_x100 + 50) // 100
    sums, missing = [0] * 6, out_ticks
    for sample in samples:
        left = in_ticks
        while left:
            ticks = min(left, missing)
            sums = [total + value * ticks for total, value in zip(sums, sample, strict=True)]
            left, missing = left - ticks, missing - ticks
            if missing == 0:
                acc = [word(div(total, per_mg)) for total in sums[:3]]
                gyro = [word(div(total, per_dps)) if gyro_lsb_x100 else 0 for total in sums[3:]]
                yield acc, gyro
                sums, missing = [0] * 6, out_ticks


def magnitude(v: Vector) -> int:
    return isqrt(sum(x * x for x in v))


def code(value: int) -> int:
    """A byte: 32 steps for 0..255, and for every further doubling of value + 256."""
    octave, rest = 0, max(0, value) + 256
    while rest > 511:
        octave, rest = octave + 1, rest >> 1
    return min(255, 32 * octave + ((rest - 256) >> 3))


class Cell(NamedTuple):
    acc: Vector
    mean: int  # mg
    top: int  # codes from here on
    low: int
    jerk: int
    gyro: int
    spread_mg: int
    gyro_dps: int


def cells(motion: Iterable[tuple[Vector, Vector]]) -> Iterator[Cell]:
    """80 ms cells."""
    last = 1000
    part: list[tuple[Vector, int, int, int]] = []
    for acc, gyro in motion:
        mag = magnitude(acc)
        part.append((acc, mag, abs(mag - last), magnitude(gyro)))
        last = mag
        if len(part) == TICKS_PER_CELL:
            mags = [p[1] for p in part]
            gyro_dps = sum(p[3] for p in part) // TICKS_PER_CELL
            yield Cell(
                [clamp(div(sum(p[0][i] for p in part), TICKS_PER_CELL), 8000) for i in range(3)],
                min(65535, sum(mags) // TICKS_PER_CELL),
                code(max(mags)),
                code(min(mags)),
                code(sum(p[2] for p in part)),
                code(gyro_dps),
                max(mags) - min(mags),
                gyro_dps,
            )
            part = []


def mean_vector(part: list[Cell]) -> Vector:
    return [div(sum(cell.acc[i] for cell in part), len(part)) for i in range(3)]


def dot(a: Vector, b: Vector) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def cos_1024(a: Vector, b: Vector) -> int:
    return div(dot(a, b), (magnitude(a) * magnitude(b) >> 10) + 1)


def angle(a: Vector, b: Vector) -> int:
    return code(1024 - cos_1024(a, b))


def distance(a: Vector, b: Vector) -> int:
    return magnitude([x - y for x, y in zip(a, b, strict=True)])


def mean_of(values: list[int]) -> int:
    return sum(values) // len(values)


def excess(part: list[Cell], sign: int) -> int:
    return code(sum(max(0, sign * (cell.mean - 1000)) for cell in part))


def mean_jerk(part: list[Cell]) -> int:
    return mean_of([cell.jerk for cell in part])


def mean_gyro(part: list[Cell]) -> int:
    return mean_of([cell.gyro for cell in part])


def peaks(part: list[Cell], limit_mg: int) -> int:
    return sum(cell.top > code(limit_mg) for cell in part)


def wander(part: list[Cell]) -> int:
    mean = mean_vector(part)
    return sum(abs(x - m) for cell in part for x, m in zip(cell.acc, mean, strict=True)) // len(part)


def along(cell: Cell, posture: Vector) -> int:
    return div(dot(cell.acc, posture), magnitude(posture) + 1)


def across(cell: Cell, posture: Vector) -> int:
    return isqrt(max(0, dot(cell.acc, cell.acc) - along(cell, posture) ** 2))


def less(a: int, b: int) -> int:
    return max(0, min(255, 128 + a - b))


class Memory:
    """What the person was like before, ending LATE cells ago."""

    def __init__(self, first: Cell) -> None:
        self._usual, self._recent = ([16 * x for x in first.acc] for _ in range(2))
        self._jerk, self._gyro = first.jerk << 7, first.gyro << 7

    def take(self, cell: Cell) -> None:
        self._usual = [old + div(16 * x - old, 128) for old, x in zip(self._usual, cell.acc, strict=True)]
        self._recent = [old + div(16 * x - old, 32) for old, x in zip(self._recent, cell.acc, strict=True)]
        self._jerk += cell.jerk - (self._jerk >> 7)
        self._gyro += cell.gyro - (self._gyro >> 7)

    @property
    def usual(self) -> Vector:
        return [x >> 4 for x in self._usual]

    @property
    def recent(self) -> Vector:
        return [x >> 4 for x in self._recent]

    @property
    def jerk(self) -> int:
        return self._jerk >> 7

    @property
    def gyro(self) -> int:
        return self._gyro >> 7


def features(history: list[Cell], age: int, memory: Memory) -> Vector:
    """The bytes about the cells around the peak `age` cells ago; `history` is oldest first."""
    n = len(history) - 1

    def at(a: int, b: int) -> list[Cell]:
        return history[n - age + a : n - age + b + 1]

    before, near, drop, hit, early, middle, late = (
        mean_vector(at(a, b)) for a, b in ((-25, -13), (-12, -5), (-4, -1), (0, 1), (4, 10), (4, 5), (12, POST))
    )
    usual, recent, peak = memory.usual, memory.recent, at(0, 0)[0]
    pairs = [(mean_vector(at(r, r + 1)), mean_vector(at(r + 2, r + 3))) for r in range(8, POST - 2, 2)]
    side = [across(cell, near) for cell in at(-3, 4)]
    sunk, lost = 0, 0
    for cell in at(-12, 2):
        lost += 1000 - cell.mean
        sunk = max(sunk, lost)
    return [
        peak.top,
        code(max(c.mean for c in at(-1, 1))),
        min(c.low for c in at(-8, 0)),
        excess(at(-10, 0), -1),
        code(min(c.mean for c in at(-8, 0))),
        mean_jerk(at(-2, 2)),
        mean_jerk(at(-12, -3)),
        mean_jerk(at(3, 8)),
        mean_jerk(at(9, POST)),
        mean_jerk(at(15, POST)),
        mean_jerk(at(-25, -13)),
        max(c.jerk for c in at(-6, -3)),
        max(c.jerk for c in at(9, POST)),
        max(c.top for c in at(-25, -6)),
        max(c.top for c in at(4, POST)),
        peaks(at(-25, -4), 1500),
        peaks(at(4, POST), 1500),
        peaks(at(-3, 6), 1500),
        peaks(at(-4, 8), 2000),
        max(c.gyro for c in at(-8, 3)),
        mean_gyro(at(-8, -1)),
        mean_gyro(at(-25, -10)),
        mean_gyro(at(8, POST)),
        max(c.gyro for c in at(4, 12)),
        excess(at(-2, 4), 1),
        excess(at(-10, -1), 1),
        min(c.low for c in at(1, 10)),
        excess(at(3, 12), 1),
        angle(usual, early),
        angle(usual, late),
        angle(usual, middle),
        angle(usual, near),
        angle(usual, recent),
        angle(recent, early),
        angle(recent, late),
        angle(recent, near),
        angle(before, early),
        angle(before, late),
        angle(before, near),
        angle(near, late),
        angle(near, drop),
        angle(near, hit),
        angle(near, early),
        angle(usual, drop),
        code(distance(before, late)),
        code(distance(early, late)),
        code(max(side)),
        code(sum(x // 8 for x in side)),
        code(1000 + min(along(cell, usual) for cell in at(-8, 0))),
        code(wander(at(-25, -13))),
        code(wander(at(-12, -5))),
        code(wander(at(12, POST))),
        code(max(distance(a, b) for a, b in pairs)),
        code(sunk),
        memory.jerk,
        less(peak.jerk, memory.jerk),
        less(mean_jerk(at(15, POST)), memory.jerk),
        less(mean_jerk(at(9, POST)), peak.jerk),
    ]


def falling_features(history: list[Cell], memory: Memory) -> Vector:
    """The bytes about the last 1.7 s."""

    def last(a: int, b: int) -> list[Cell]:
        return history[len(history) - 1 + a : len(history) + b]

    now, earlier, middle, past, long_past, cell = (
        mean_vector(last(a, b)) for a, b in ((-1, 0), (-3, -2), (-6, -3), (-11, -7), (-20, -12), (0, 0))
    )
    usual, recent = memory.usual, memory.recent
    spans = ((0, 0), (-1, 0), (-3, 0), (-7, 0))
    means = [mean_of([c.mean for c in last(a, b)]) for a, b in (*spans, (-11, 0), (-20, -6))]
    gyros = [mean_gyro(last(a, b)) for a, b in (*spans, (-9, -4), (-20, -6))]
    jerks = [mean_jerk(last(a, b)) for a, b in (*spans, (-20, -6))]
    return [
        *map(code, means),
        *gyros,
        max(c.gyro for c in last(-4, 0)),
        *jerks,
        *(min(c.low for c in last(a, 0)) for a in (0, -2, -5)),
        *(max(c.top for c in last(a, b)) for a, b in ((0, 0), (-2, 0), (-20, -3))),
        excess(last(-2, 0), -1),
        excess(last(-9, 0), -1),
        excess(last(-4, 0), 1),
        peaks(last(-20, -3), 1500),
        *(angle(x, now) for x in (usual, recent, long_past, past, middle)),
        angle(usual, middle),
        angle(long_past, middle),
        angle(earlier, cell),
        angle(usual, recent),
        code(distance(now, middle)),
        code(distance(now, long_past)),
        memory.jerk,
        memory.gyro,
        less(gyros[1], gyros[-1]),
        less(jerks[0], jerks[-1]),
    ]


class Watch:
    """Got up again, or lies still."""

    def __init__(self, placement: int, still_limit: int) -> None:
        self.reference: Vector = []
        self.placement, self.still_limit = placement, still_limit
        self.down, self.still = False, 0

    def fell(self, history: list[Cell]) -> None:
        self.upright = mean_vector(history[-POST - 26 : -POST - 13])
        self.turned = cos_1024(self.upright, mean_vector(history[-8:])) < 724
        self.down, self.up, self.active = True, 0, 0

    def recovered(self, history: list[Cell]) -> int | None:
        """Confidence (permille) when the person got up at this cell, else None."""
        if not self.down:
            return None
        now = mean_vector(history[-4:])
        is_up = self.placement == 0 and self.turned and cos_1024(self.upright, now) > 839
        self.up = self.up + 1 if is_up else 0
        self.active = self.active + 2 if history[-1].spread_mg > 250 else max(0, self.active - 1)
        if self.up < 25 and self.active < 60:
            return None
        self.down = False
        return 900 if self.up >= 25 else 700

    def lies_still(self, cell: Cell) -> bool:
        shift = sum(abs(a - b) for a, b in zip(cell.acc, self.reference, strict=True))
        moved = cell.spread_mg > 80 or cell.gyro_dps > 15 or shift > 150
        self.still = 0 if moved else self.still + 1
        if self.still < 13:  # a second to settle in
            self.reference = cell.acc
        return self.still_limit > 0 and self.still == self.still_limit


def detect(
    samples: Iterable[Sequence[int]],
    rate_centihz: int,
    placement: int,
    acc_lsb: int,
    gyro_lsb_x100: int,
    no_motion_s: int = 120,
) -> list[tuple[int, int, int]]:
    """Events [(kind, t_ms, confidence permille)] in raw samples; `no_motion_s` -1 is off."""
    models = load_models()
    where = ("waist", "wrist")[placement]
    watch = Watch(placement, 0 if no_motion_s < 0 else no_motion_s * 1000 // 80)
    history: deque[Cell] = deque(maxlen=CELLS)
    memory: Memory | None = None
    events: list[tuple[int, int, int]] = []
    peak_age: int | None = None
    peak, hold, falling_hold = code(1400), 0, 0
    for count, cell in enumerate(cells(resample(samples, rate_centihz, acc_lsb, gyro_lsb_x100)), start=1):
        t_ms = count * 80
        if memory is None:
            history.extend([cell] * CELLS)
            memory, watch.reference = Memory(cell), cell.acc
        history.append(cell)
        past = list(history)
        memory.take(past[-1 - LATE])
        hold, falling_hold = max(0, hold - 1), max(0, falling_hold - 1)
        if falling_hold == 0 and hold == 0 and (cell.mean < 850 or cell.gyro > 12):
            odds = score(models[f"pre_{where}"], falling_features(past, memory))
            if odds > 0:
                falling_hold = 25
                events.append((1, t_ms, permille(odds)))
        if cell.top > (code(1400) if peak_age is None else peak):
            peak_age, peak = 0, cell.top
        elif peak_age is not None:
            peak_age += 1
        if peak_age == POST:
            if hold == 0:
                odds = score(models[f"fall_{where}"], features(past, POST, memory))
                if odds > 0:
                    hold = 125
                    watch.fell(past)
                    events.append((2, t_ms, permille(odds)))
            peak_age, peak = None, code(1400)
            for age in range(POST - 5, -1, -1):
                if past[-1 - age].top > peak:
                    peak_age, peak = age, past[-1 - age].top
        confidence = watch.recovered(past)
        if confidence is not None:
            hold = 0
            events.append((3, t_ms, confidence))
        if watch.lies_still(cell):
            events.append((4, t_ms, 999))
    return events
