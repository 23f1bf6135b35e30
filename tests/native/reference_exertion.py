"""What the exertion monitor computes, in plain Python: the definition the C core is held against."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tools.model_tables import SOURCES

_TEXT = (SOURCES / "sig_exertion_model.h").read_text(encoding="utf-8")
MODEL = {name: int(value) for name, value in re.findall(r"EXERTION_(\w+) = (-?\d+)", _TEXT)}


def log2_q8(value: int) -> int:
    """Logarithm to base 2 times 256, by squaring a 15-bit mantissa once a bit."""
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


def trunc(a: int, b: int) -> int:
    """Division that rounds towards zero, as C's does."""
    return a // b if a >= 0 else -(-a // b)


def faded(memory: int, step_ms: int) -> int:
    """memory * (1 - step / recovery), rounded as in 32 bits."""
    whole = MODEL["RECOVERY_MS"]
    if step_ms >= whole:
        return 0
    return memory - memory // whole * step_ms - memory % whole * (step_ms // 16) // (whole // 16)


@dataclass
class Reference:
    """One person. `push` gives hundredths of an RPE or -1; `high` is "7 or more"."""

    rest: int
    highest: int
    last_ms: int | None = None
    silence_ms: int = 0
    step_ms: int = 0
    strain: int = 0
    ceiling_ms: int = 0
    readings: list[int] = field(default_factory=list)
    history: list[bool] = field(default_factory=list)
    run: list[tuple[int, int]] = field(
        default_factory=list
    )  # rejected readings that agree: (bpm, ms since the one before)
    high: bool = False

    def median(self) -> int:
        return sorted(self.readings)[len(self.readings) // 2]

    def follows(self, bpm: int) -> bool:
        room = MODEL["JUMP_BPM"] + MODEL["SLOPE_BPM"] * min(10, self.silence_ms // 1000)
        return not self.readings or abs(bpm - self.median()) <= room

    def has_moved(self, bpm: int, forward_ms: int) -> bool:
        if not self.run or abs(bpm - self.run[-1][0]) > MODEL["AGREE_BPM"]:
            self.run = [(bpm, 0)]
        else:
            self.run.append((bpm, forward_ms))
        usual = self.median()
        multiple = abs(2 * bpm - usual) * 8 < usual or abs(bpm - 2 * usual) * 8 < 2 * usual
        patience_ms = MODEL["MULTIPLE_MS"] if multiple else MODEL["OUTLIER_MS"]
        return len(self.run) >= 5 and sum(ms for _, ms in self.run) >= patience_ms

    def accepts(self, bpm: int, forward_ms: int) -> bool:
        if not 30 <= bpm <= 230:
            return False
        if not self.follows(bpm):
            if not self.has_moved(bpm, forward_ms):
                return False
            self.readings, self.history = [], []
        self.run = []
        return True

    def reserve(self) -> int:
        return min(1000, max(0, trunc((self.median() - self.rest) * 1000, self.highest - self.rest)))

    def remember(self) -> None:
        permille, load_ms = self.reserve(), min(self.step_ms, 15_000)
        if permille > MODEL["THRESHOLD"]:
            self.strain = min(300_000_000, self.strain + (permille - MODEL["THRESHOLD"]) * load_ms)
        else:
            self.strain = faded(self.strain, self.step_ms)
        if permille > MODEL["CEILING"]:
            self.ceiling_ms = min(900_000, self.ceiling_ms + load_ms)
        else:
            self.ceiling_ms = faded(self.ceiling_ms, self.step_ms)
        self.step_ms = 0

    def estimate(self) -> int:
        permille = self.reserve()
        strain = log2_q8(self.strain + 4_000_000) - log2_q8(4_000_000)
        ceiling = log2_q8(self.ceiling_ms + 20_000) - log2_q8(20_000)
        rpe = MODEL["BASE"] + trunc(MODEL["PER_RESERVE"] * permille, 1000)
        rpe += trunc(MODEL["PER_STRAIN"] * strain + MODEL["PER_CEILING"] * ceiling, 256)
        if permille < 300:
            rpe = trunc(rpe * permille, 300)
        return min(1000, max(0, rpe))

    def push(self, t_ms: int, bpm: int) -> int:
        forward_ms = 0 if self.last_ms is None else max(0, t_ms - self.last_ms)
        self.last_ms = t_ms
        self.silence_ms += forward_ms
        self.step_ms += forward_ms
        accepted = self.accepts(bpm, forward_ms)
        contradicted = not accepted and 30 <= bpm <= 230
        self.history = [*self.history, *([False, False] if contradicted else [accepted])][-32:]
        if accepted:
            self.readings = [*self.readings[-4:], bpm]
            self.silence_ms = 0
            self.remember()
        enough = len(self.history) < 8 or 32 * sum(self.history) >= 12 * len(self.history)
        rpe = self.estimate() if self.readings and self.silence_ms < 60_000 and enough else -1
        self.high = rpe >= (MODEL["HIGH_OFF"] if self.high else MODEL["HIGH_ON"])
        return rpe
