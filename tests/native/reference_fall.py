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
TICK_HZ, TICKS_PER_CELL, CELLS, POST = 50, 4, 46, 19


def div(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a >= 0) == (b >= 0) else -1)


def clamp(value: int, limit: int) -> int:
    return max(-limit, min(limit, value))


def word(value: int) -> int:
    return value if -32768 <= value <= 32767 else clamp(value, 32767)


class Tree(NamedTuple):
    feature: list[int]
    leaf: list[int]
    limit: list[int]


Model = tuple[int, list[Tree]]


def load_models() -> dict[str, Model]:
    """{"fall_waist": (bias, trees), …} out of the generated header."""
    text = HEADER.read_text(encoding="utf-8")
    models = {}
    for name, body in re.findall(r"sig_tree_t (\w+)_trees\[\d+\] = \{(.*?)\n\};", text, re.DOTALL):
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


class Cell(NamedTuple):
    acc: Vector
    mean: int
    top: int
    low: int
    jerk: int
    gyro: int

    @property
    def spread(self) -> int:
        return self.top - self.low


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
            yield Cell(
                [clamp(div(sum(p[0][i] for p in part), TICKS_PER_CELL), 8000) for i in range(3)],
                min(65535, sum(mags) // TICKS_PER_CELL),
                min(65535, max(mags)),
                min(65535, min(mags)),
                min(65535, sum(p[2] for p in part)),
                min(65535, sum(p[3] for p in part) // TICKS_PER_CELL),
            )
            part = []


def mean_vector(part: list[Cell]) -> Vector:
    return [div(sum(cell.acc[i] for cell in part), len(part)) for i in range(3)]


def cos_1024(a: Vector, b: Vector) -> int:
    return div(sum(x * y for x, y in zip(a, b, strict=True)), (magnitude(a) * magnitude(b) >> 10) + 1)


def distance(a: Vector, b: Vector) -> int:
    return magnitude([x - y for x, y in zip(a, b, strict=True)])


def mean_of(values: list[int]) -> int:
    return sum(values) // len(values)


def excess(part: list[Cell], sign: int) -> int:
    return sum(max(0, sign * (cell.mean - 1000)) for cell in part)


def features(history: list[Cell], age: int, slow: Vector) -> Vector:
    """Thirty numbers about the cells around the peak `age` cells ago; `history` is oldest first."""
    n = len(history) - 1

    def at(a: int, b: int) -> list[Cell]:
        return [history[max(0, min(n, n - age + r))] for r in range(a, b + 1)]

    before, near, drop, early, late = (
        mean_vector(at(a, b)) for a, b in ((-25, -13), (-12, -5), (-4, -1), (4, 10), (12, POST))
    )
    pairs = [(mean_vector(at(r, r + 1)), mean_vector(at(r + 2, r + 3))) for r in range(8, POST - 2, 2)]
    values = [
        at(0, 0)[0].top,
        max(c.mean for c in at(-1, 1)),
        min(c.low for c in at(-8, 0)),
        excess(at(-10, 0), -1),
        min(c.mean for c in at(-8, 0)),
        mean_of([c.jerk for c in at(-2, 2)]),
        mean_of([c.jerk for c in at(-12, -3)]),
        mean_of([c.jerk for c in at(3, 8)]),
        mean_of([c.jerk for c in at(9, POST)]),
        cos_1024(before, late),
        cos_1024(before, early),
        cos_1024(near, late),
        cos_1024(before, near),
        cos_1024(near, drop),
        magnitude(late),
        distance(before, late),
        max(c.top for c in at(-25, -6)),
        max(c.top for c in at(4, POST)),
        sum(c.top > 1500 for c in at(-25, -4)),
        sum(c.top > 1500 for c in at(4, POST)),
        max(c.gyro for c in at(-8, 3)),
        mean_of([c.gyro for c in at(-8, -1)]),
        mean_of([c.gyro for c in at(8, POST)]),
        mean_of([c.gyro for c in at(-25, -10)]),
        max(c.gyro for c in at(4, 12)),
        excess(at(-2, 4), 1),
        max(distance(a, b) for a, b in pairs),
        min(c.low for c in at(1, 10)),
        cos_1024([x >> 4 for x in slow], late),
        mean_of([c.jerk for c in at(-25, -13)]),
    ]
    return [clamp(value, 32766) for value in values]


def falling_features(history: list[Cell]) -> Vector:
    """Fourteen numbers about the last 1.7 s."""

    def last(a: int, b: int) -> list[Cell]:
        return history[len(history) - 1 + a : len(history) + b]

    before, middle, now = mean_vector(last(-20, -12)), mean_vector(last(-5, -2)), mean_vector(last(-1, 0))
    values = [
        history[-1].mean,
        excess(last(-2, 0), -1),
        min(c.low for c in last(-3, 0)),
        excess(last(-9, 0), -1),
        history[-1].gyro,
        mean_of([c.gyro for c in last(-2, 0)]),
        mean_of([c.gyro for c in last(-5, 0)]),
        mean_of([c.gyro for c in last(-20, -6)]),
        mean_of([c.jerk for c in last(-2, 0)]),
        mean_of([c.jerk for c in last(-20, -6)]),
        max(c.top for c in last(-20, 0)),
        cos_1024(before, now),
        cos_1024(before, middle),
        max(c.top for c in last(-2, 0)),
    ]
    return [clamp(value, 32766) for value in values]


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
        self.active = self.active + 2 if history[-1].spread > 250 else max(0, self.active - 1)
        if self.up < 25 and self.active < 60:
            return None
        self.down = False
        return 900 if self.up >= 25 else 700

    def lies_still(self, cell: Cell) -> bool:
        shift = sum(abs(a - b) for a, b in zip(cell.acc, self.reference, strict=True))
        if cell.spread > 80 or cell.gyro > 15 or shift > 150:
            self.still, self.reference = 0, cell.acc
            return False
        self.still += 1
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
    slow: Vector = []
    events: list[tuple[int, int, int]] = []
    peak_age: int | None = None
    peak, hold, falling_hold = 1400, 0, 0
    for count, cell in enumerate(cells(resample(samples, rate_centihz, acc_lsb, gyro_lsb_x100)), start=1):
        t_ms = count * 80
        if not slow:
            history.extend([cell] * CELLS)
            slow, watch.reference = [16 * x for x in cell.acc], cell.acc
        history.append(cell)
        past = list(history)
        slow = [s + div(16 * x - s, 128) for s, x in zip(slow, cell.acc, strict=True)]
        hold, falling_hold = max(0, hold - 1), max(0, falling_hold - 1)
        if falling_hold == 0 and hold == 0 and (cell.mean < 850 or cell.gyro > 100):
            odds = score(models[f"pre_{where}"], falling_features(past))
            if odds > 0:
                falling_hold = 25
                events.append((1, t_ms, permille(odds)))
        if cell.top > (1400 if peak_age is None else peak):
            peak_age, peak = 0, cell.top
        elif peak_age is not None:
            peak_age += 1
        if peak_age == POST:
            if hold == 0:
                odds = score(models[f"fall_{where}"], features(past, POST, slow))
                if odds > 0:
                    hold = 125
                    watch.fell(past)
                    events.append((2, t_ms, permille(odds)))
            peak_age, peak = None, 1400
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
