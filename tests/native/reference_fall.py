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


class Net(NamedTuple):
    """Of each input its middle and gain; of each hidden unit its weights, its bias, and the weight of what it gives."""

    bias: int
    scale: list[Vector]
    units: list[Vector]


def load_models() -> dict[str, Net]:
    """{"fall_waist": …, "pre_wrist": …} out of the generated header."""
    text = HEADER.read_text(encoding="utf-8")
    tables = {
        name: [int(x) for x in re.findall(r"-?\d+", body)]
        for name, body in re.findall(r"int8_t (\w+)\[[^=]+= \{(.*?)\};", text, re.DOTALL)
    }
    models = {}
    for kind in ("fall", "pre"):
        scale = rows_of(tables[f"{kind}_scale"], 2)
        for name in (f"{kind}_waist", f"{kind}_wrist"):
            bias = int(re.findall(rf"{name.upper()}_BIAS = (-?\d+)", text)[0])
            models[name] = Net(bias, scale, rows_of(tables[name], len(scale) + 2))
    return models


def rows_of(numbers: Vector, width: int) -> list[Vector]:
    return [numbers[i : i + width] for i in range(0, len(numbers), width)]


def score(net: Net, features: Vector) -> int:
    inputs = [
        clamp((feature - middle) * gain >> 4, 127) for feature, (middle, gain) in zip(features, net.scale, strict=True)
    ]
    total = 0
    for unit in net.units:
        total += (max(0, dot([*inputs, 64], unit[:-1])) >> 6) * unit[-1]
    return net.bias + (total >> 3)


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
    turn: Vector  # deg/s, summed over the ticks


def cells(motion: Iterable[tuple[Vector, Vector]]) -> Iterator[Cell]:
    """80 ms cells."""
    last = 1000
    part: list[tuple[Vector, int, int, Vector]] = []
    for acc, gyro in motion:
        mag = magnitude(acc)
        part.append((acc, mag, abs(mag - last), gyro))
        last = mag
        if len(part) == TICKS_PER_CELL:
            mags = [p[1] for p in part]
            gyro_dps = sum(magnitude(p[3]) for p in part) // TICKS_PER_CELL
            yield Cell(
                [clamp(div(sum(p[0][i] for p in part), TICKS_PER_CELL), 8000) for i in range(3)],
                min(65535, sum(mags) // TICKS_PER_CELL),
                code(max(mags)),
                code(min(mags)),
                code(sum(p[2] for p in part)),
                code(gyro_dps),
                max(mags) - min(mags),
                gyro_dps,
                [sum(p[3][i] for p in part) for i in range(3)],
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
        self._jerk = first.jerk << 7

    def take(self, cell: Cell) -> None:
        self._usual = [old + div(16 * x - old, 128) for old, x in zip(self._usual, cell.acc, strict=True)]
        self._recent = [old + div(16 * x - old, 32) for old, x in zip(self._recent, cell.acc, strict=True)]
        self._jerk += cell.jerk - (self._jerk >> 7)

    @property
    def usual(self) -> Vector:
        return [x >> 4 for x in self._usual]

    @property
    def recent(self) -> Vector:
        return [x >> 4 for x in self._recent]

    @property
    def jerk(self) -> int:
        return self._jerk >> 7


class Gravity:
    """Which way gravity points, followed through turns: 1 is 16384, of `ups` 127."""

    def __init__(self, first: Cell) -> None:
        self._now = [div(16384 * x, first.mean + 64) for x in first.acc]
        self.ups = [self._up()] * 16  # the newest last

    def _up(self) -> Vector:
        return [div(x * 127, 16384) for x in self._now]

    def take(self, cell: Cell) -> None:
        turn = [clamp(div(x * 366, 64), 11469) for x in cell.turn]
        first = cross(self._now, turn)
        second = cross(first, turn)
        trust = 21 * max(0, 250 - abs(cell.mean - 1000))
        turned = [a + b + div(c, 2) for a, b, c in zip(self._now, first, second, strict=True)]
        felt = [div(x * 1049, 64) for x in cell.acc]
        drawn = [a + div((b - a) * trust, 65536) for a, b in zip(turned, felt, strict=True)]
        square = sum(x * x >> 14 for x in drawn)
        self._now = [div(x * (3 * 16384 - square), 32768) for x in drawn]
        self.ups = [*self.ups[1:], self._up()]

    def turned(self, cells: int) -> int:
        return 127 * 127 - dot(self.ups[-1], self.ups[-1 - cells])


def cross(a: Vector, b: Vector) -> Vector:
    return [div(a[i] * b[j] - a[j] * b[i], 16384) for i, j in ((1, 2), (2, 0), (0, 1))]


def features(history: list[Cell], age: int, memory: Memory) -> Vector:
    """The bytes about the cells around the peak `age` cells ago; `history` is oldest first."""
    n = len(history) - 1

    def at(a: int, b: int) -> list[Cell]:
        return history[n - age + a : n - age + b + 1]

    before, near, drop, early, middle, late = (
        mean_vector(at(a, b)) for a, b in ((-25, -13), (-12, -5), (-4, -1), (4, 10), (4, 5), (12, POST))
    )
    usual, recent, peak = memory.usual, memory.recent, at(0, 0)[0]
    side = [across(cell, near) for cell in at(-3, 4)]
    sunk, lost = 0, 0
    for cell in at(-12, 2):
        lost += 1000 - cell.mean
        sunk = max(sunk, lost)
    return [
        peak.top,
        code(max(c.mean for c in at(-1, 1))),
        excess(at(-10, 0), -1),
        mean_jerk(at(-2, 2)),
        mean_jerk(at(-12, -3)),
        mean_jerk(at(3, 8)),
        mean_jerk(at(9, POST)),
        mean_jerk(at(15, POST)),
        mean_jerk(at(-25, -13)),
        max(c.jerk for c in at(-6, -3)),
        max(c.top for c in at(-25, -6)),
        max(c.top for c in at(4, POST)),
        peaks(at(-25, -4), 1500),
        peaks(at(-3, 6), 1500),
        mean_gyro(at(-8, -1)),
        mean_gyro(at(-25, -10)),
        excess(at(-2, 4), 1),
        excess(at(-10, -1), 1),
        min(c.low for c in at(1, 10)),
        angle(usual, early),
        angle(usual, middle),
        angle(usual, near),
        angle(usual, recent),
        angle(recent, early),
        angle(recent, late),
        angle(recent, near),
        angle(before, early),
        angle(before, late),
        angle(before, near),
        angle(near, drop),
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
        code(sunk),
        memory.jerk,
    ]


def leaky(parts: list[int], shift: int) -> list[int]:
    """Running sums, the oldest first, that lose a part of themselves at each step and never go below nothing."""
    sums = [0]
    for part in parts:
        sums.append(max(0, sums[-1] + part - (sums[-1] >> shift)))
    return sums


def mean_push(history: list[Cell], ups: list[Vector], alongs: list[int], n: int) -> Vector:
    """Acceleration across gravity, mean of the last `n` cells."""
    pushes = [
        [x - div(along * u, 127) for x, u in zip(cell.acc, up, strict=True)]
        for cell, up, along in zip(history[-n:], ups[-n:], alongs[-n:], strict=True)
    ]
    return [div(sum(parts), n) for parts in zip(*pushes, strict=True)]


def difference(a: Vector, b: Vector) -> Vector:
    return [x - y for x, y in zip(a, b, strict=True)]


def falling_features(history: list[Cell], memory: Memory, gravity: Gravity) -> Vector:
    """The bytes about the last 1.7 s."""

    def last(a: int, b: int) -> list[Cell]:
        return history[len(history) - 1 + a : len(history) + b]

    now, middle, past, long_past = (mean_vector(last(a, b)) for a, b in ((-1, 0), (-6, -3), (-11, -7), (-20, -12)))
    usual, ups = memory.usual, gravity.ups
    gyros = [mean_gyro(last(a, b)) for a, b in ((0, 0), (-20, -6), (-9, -4))]
    alongs = [div(dot(up, cell.acc), 127) for cell, up in zip(history[-16:], ups, strict=True)]  # the newest last
    more = [x - 1000 for x in alongs]
    height = [-x * ago for x, ago in zip(more, range(16, 0, -1), strict=True)]
    push8, push4 = (mean_push(history, ups, alongs, n) for n in (8, 4))
    turn4, turn8, turn12, turn15 = (difference(ups[-1], ups[-1 - ago]) for ago in (4, 8, 12, 15))
    length = magnitude(usual)
    return [
        *(code(mean_of([c.mean for c in last(a, b)])) for a, b in ((-7, 0), (-11, 0), (-20, -6))),
        *gyros,
        max(c.jerk for c in last(-8, -4)),
        max(c.jerk for c in last(-20, -9)),
        max(c.top for c in last(-20, -4)),
        min(c.low for c in last(-5, 0)),
        min(c.low for c in last(-20, -4)),
        excess(last(-2, 0), -1),
        excess(last(-4, 0), 1),
        *(angle(a, b) for a, b in ((memory.recent, now), (past, now), (usual, middle), (long_past, middle))),
        less(gyros[0], gyros[1]),
        less(div(sum(height), 400), 0),
        less(div(sum(height[-8:]), 150), 0),
        code(leaky([980 - x for x in alongs], 4)[-1]),
        code(max(leaky(more, 3))),
        code(sum(max(0, x) for x in more)),
        code(sum(max(0, -x) for x in more)),
        code(1000 + min(alongs)),
        *(code(1000 + div(sum(alongs[a:b]), b - a)) for a, b in ((12, 16), (8, 12), (0, 4), (8, 16))),
        less(div(dot(push8, turn8), 256), 0),
        less(div(dot(push4, turn4), 256), 0),
        code(magnitude(push8)),
        code(magnitude(push4)),
        code(1000 + dot(turn8, difference(ups[-9], ups[-16]))),
        *(less(div(dot(turn, usual), length + (length >> 5) + 64), 0) for turn in (turn15, turn12)),
        less(div(dot(push8, usual), 8192), 0),
        code(gravity.turned(15)),
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
    gravity: Gravity | None = None
    events: list[tuple[int, int, int]] = []
    peak_age: int | None = None
    peak, hold, falling_hold = code(1400), 0, 0
    for count, cell in enumerate(cells(resample(samples, rate_centihz, acc_lsb, gyro_lsb_x100)), start=1):
        t_ms = count * 80
        if memory is None or gravity is None:
            history.extend([cell] * CELLS)
            memory, gravity, watch.reference = Memory(cell), Gravity(cell), cell.acc
        history.append(cell)
        past = list(history)
        memory.take(past[-1 - LATE])
        gravity.take(cell)
        hold, falling_hold = max(0, hold - 1), max(0, falling_hold - 1)
        moves = cell.mean < 850 or cell.gyro > 12
        if (
            falling_hold == 0
            and hold == 0
            and moves
            and (cell.mean < 688 if cell.gyro == 0 else min(gravity.turned(8), gravity.turned(12)) > 255)
        ):
            odds = score(models[f"pre_{where}"], falling_features(past, memory, gravity))
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
