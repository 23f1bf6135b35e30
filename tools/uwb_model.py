"""The definition of the UWB range model in plain Python: one range alone, and a track of them.

Training fits a `Model`; evaluation follows recorded and generated tracks with models of left-out places; tests hold the
C core against it, with the model that is compiled in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FEATURES, INDEX, JITTER = 5, 3, 4
# Of a feature: by itself (its product with one), with each before it, and its square; then of the next feature.
TERMS = FEATURES + FEATURES * (FEATURES + 1) // 2
Z_ONE, Z_LIMIT = 1024, 3 * 1024
SUM_ONE = Z_ONE * 8  # a sum of terms with weight one
_INNER = 128  # what a feature is multiplied with is a sum of products in 1/8
NOT_KNOWN = 0  # of the first path's index
EXCESS_LIMIT_MM, BOUND_LIMIT_MM = 3000, 6000
DOUBT = -256  # log odds (1/256) below which a path is taken for clear where the lower bound is concerned
AVERAGE, SILENCE_MS = 16, 3000
_JITTER_LIMIT_MM, _JITTER_FLOOR_MM = 1000, 20
_SPEED_LIMIT_MM_S, _WALK_MM_S, _SLOW_MM_S = 10_000, 3000, 100
_INNOVATION_MM, _CLEAR_GAIN, _BLOCKED_GAIN, _SPEED_PART, _LEAST_STEP_MS = 500, 96, 32, 4, 20

Whole = NDArray[np.int64]
Chip = tuple[int, ...]  # received and first-path power (1/100 dBm), noise, index of the first path (1/64)


def trunc(a: int, b: int) -> int:
    """Division that rounds towards zero, as C's does."""
    return a // b if a >= 0 else -(-a // b)


def clamp(value: int, low: int, high: int) -> int:
    """`value`, at least `low`, at most `high`."""
    return low if value < low else min(value, high)


def log2_q8(value: int) -> int:
    """Logarithm to base 2 times 256, bit by bit as the core computes it."""
    exponent = value.bit_length() - 1
    mantissa = value >> (exponent - 15) if exponent > 15 else value << (15 - exponent)
    log = exponent
    for _ in range(8):
        mantissa = mantissa * mantissa >> 15
        log *= 2
        if mantissa >= 65536:
            mantissa >>= 1
            log += 1
    return log


def measured(chip: Chip, usual_index: int) -> list[int]:
    """Features of a single range.

    Power lost before the first path (1/100 dB), noise (log2, 1/256), received power (1/100 dBm), index of the first
    path (1/32; the usual one where the driver does not give it); not its unsteadiness.
    """
    rx, fp = (clamp(power, -20000, 20000) for power in chip[:2])
    index = usual_index if len(chip) < 4 or chip[3] <= NOT_KNOWN else min(chip[3], 0xFFFF) // 2
    return [clamp(rx - fp, -20000, 20000), log2_q8(max(1, chip[2])), rx, index]


@dataclass(frozen=True)
class Verdict:
    """What features say."""

    log_odds: int  # that the direct path was blocked, 1/256
    excess_mm: int  # the likely one
    bound_mm: int  # the largest plausible one


@dataclass(frozen=True)
class Model:
    """Integer constants, used exactly as the core uses them.

    The three columns of `weights`, `part` and `bias` are log odds, likely excess and largest plausible excess; a sum of
    weighed terms is divided by its `part`.
    """

    mean: Whole
    gain: Whole
    weights: Whole
    part: Whole
    bias: Whole
    bound_clear_mm: int
    bound_unknown_mm: int

    def scaled(self, features: Whole) -> Whole:
        """Features less their mean in units of their spread (1/1024, at most 3)."""
        scaled: Whole = np.clip(divide((features - self.mean) * self.gain, 256), -Z_LIMIT, Z_LIMIT)
        return scaled

    def judge(self, features: Whole) -> tuple[Whole, Whole, Whole]:
        """Log odds, likely excess and largest plausible excess for rows of features."""
        z = np.column_stack([np.full(len(features), Z_ONE), self.scaled(features)])
        sums: Whole = np.zeros((len(features), 3), dtype=np.int64)
        first = 0
        for i in range(1, FEATURES + 1):
            inner = z[:, : i + 1] @ self.weights[first : first + i + 1]
            sums += divide(inner, _INNER) * z[:, i : i + 1]
            first += i + 1
        odds, excess, bound = (self.bias + divide(sums, self.part)).T
        likely: Whole = np.where(odds > 0, np.clip(excess, 0, EXCESS_LIMIT_MM), 0)
        return odds, likely, np.where(odds > DOUBT, np.clip(bound, likely, BOUND_LIMIT_MM), self.bound_clear_mm)

    def single(self, chip: Chip) -> Verdict:
        """A range alone."""
        return self.of([*measured(chip, int(self.mean[INDEX])), int(self.mean[JITTER])])

    def of(self, features: list[int]) -> Verdict:
        """What such features say."""
        odds, excess, bound = self.judge(np.array([features]))
        return Verdict(int(odds[0]), int(excess[0]), int(bound[0]))


def divide(value: Whole, by: int | Whole) -> Whole:
    """Division that rounds towards zero."""
    quotient: Whole = np.sign(value) * np.floor_divide(np.abs(value), by)
    return quotient


@dataclass
class Averages:
    """Running features of a track: means of the last sixteen or so, 16 times, without keeping them."""

    usual_index: int
    mean: list[int] = field(default_factory=lambda: [0] * FEATURES)
    n: int = 0
    n_diagnostics: int = 0
    ranges: list[int] = field(default_factory=list)
    step_ms: int = 0

    def push(self, range_mm: int, step_ms: int, chip: Chip | None) -> list[int] | None:
        """Features after one more range; unsteadiness is -1 while unknown. None before any diagnostics came."""
        if self.n >= 2:
            self._average(JITTER, self._unsteadiness(range_mm, step_ms), self.n - 1)
        self.ranges = [range_mm, *self.ranges][:2]
        self.step_ms = step_ms
        self.n = min(AVERAGE, self.n + 1)
        if chip is not None:
            self.n_diagnostics = min(AVERAGE, self.n_diagnostics + 1)
            for i, value in enumerate(measured(chip, self.usual_index)):
                self._average(i, value, self.n_diagnostics)
        if self.n_diagnostics == 0:
            return None
        features = [trunc(value, 16) for value in self.mean]
        if self.n < 3:
            features[JITTER] = -1
        return features

    def _average(self, i: int, value: int, n: int) -> None:
        self.mean[i] += trunc(value * 16 - self.mean[i], n)

    def _unsteadiness(self, range_mm: int, step_ms: int) -> int:
        parts = 256 if self.step_ms < _LEAST_STEP_MS else clamp(step_ms * 256 // self.step_ms, 0, 768)
        moved = clamp(self.ranges[0] - self.ranges[1], -4 * _JITTER_LIMIT_MM, 4 * _JITTER_LIMIT_MM)
        off = clamp(range_mm - self.ranges[0] - trunc(moved * parts, 256), -_JITTER_LIMIT_MM, _JITTER_LIMIT_MM)
        return log2_q8(abs(off) + _JITTER_FLOOR_MM)


@dataclass
class Track:
    """Distance and closing speed of one pair of radios: an alpha-beta filter with physical bounds."""

    model: Model
    offset_mm: int = 0
    averages: Averages = field(init=False)
    t_ms: int = 0
    distance_x16: int = 0
    speed_mm_s: int = 0
    lower_mm: int = 0

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.averages = Averages(int(self.model.mean[INDEX]))

    def push(self, t_ms: int, range_mm: int, chip: Chip | None) -> tuple[int, int, int, int, int | None]:
        """(distance_mm, lower_mm, closing_mm_s, contact_ms or -1, log odds or None without diagnostics)."""
        passed = max(0, t_ms - self.t_ms)
        self.t_ms = t_ms
        first = self.averages.n == 0 or passed > SILENCE_MS
        if first:
            self._begin()
            self.speed_mm_s, passed = 0, 0
        within = clamp(clamp(range_mm, -1_000_000, 1_000_000) - self.offset_mm, 0, 1_000_000)
        verdict = self._verdict(self.averages.push(within, passed, chip))
        excess, bound = (0, self.model.bound_unknown_mm) if verdict is None else (verdict.excess_mm, verdict.bound_mm)
        likely, lowest = max(0, within - excess), max(0, within - bound)
        if first:
            self.distance_x16, self.lower_mm = likely * 16, lowest
        else:
            self._filter(likely, passed, verdict is not None and probable(verdict.log_odds))
            self.lower_mm = min(lowest, self.lower_mm + _WALK_MM_S * passed // 1000)
        distance, closing = self.distance_x16 // 16, -self.speed_mm_s
        contact = distance * 10 // closing * 100 if closing > _SLOW_MM_S else -1
        return distance, min(self.lower_mm, distance), closing, contact, None if verdict is None else verdict.log_odds

    def _verdict(self, features: list[int] | None) -> Verdict | None:
        if features is None:
            return None
        if features[JITTER] < 0:
            features[JITTER] = int(self.model.mean[JITTER])
        return self.model.of(features)

    def _filter(self, likely_mm: int, step_ms: int, blocked: bool) -> None:
        gain = _BLOCKED_GAIN if blocked else _CLEAR_GAIN
        expected = self.distance_x16 + trunc(self.speed_mm_s * step_ms, 1000) * 16
        room = _INNOVATION_MM + _SPEED_LIMIT_MM_S // 1000 * step_ms
        surprise = clamp(likely_mm - trunc(expected, 16), -room, room)
        self.distance_x16 = max(0, expected + trunc(surprise * gain, 16))
        change = trunc(trunc(surprise * gain, 256) * 1000, max(step_ms, _LEAST_STEP_MS))
        self.speed_mm_s = clamp(self.speed_mm_s + trunc(change, _SPEED_PART), -_SPEED_LIMIT_MM_S, _SPEED_LIMIT_MM_S)


def probable(log_odds: int) -> bool:
    """More than 500 permille, by the core's table of the logistic curve: it is straight between its first points."""
    return log_odds > 0 and (log_odds >> 7 > 0 or 122 * (log_odds & 127) >> 7 > 0)
