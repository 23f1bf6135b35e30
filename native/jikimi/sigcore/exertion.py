"""Perceived exertion from heart rate."""

from __future__ import annotations

import math

from jikimi.sigcore import block
from jikimi.sigcore.clock import to_ms


class ExertionMonitor:
    """Borg CR10 rating (0..10) a person would give now, from heart rate alone.

    `hr_rest_bpm` (30..120) and `hr_max_bpm` (100..230, at least 30 above) are the person's own.
    """

    def __init__(self, hr_rest_bpm: float, hr_max_bpm: float) -> None:
        if not (30 <= hr_rest_bpm <= 120 and 100 <= hr_max_bpm <= 230 and hr_max_bpm - hr_rest_bpm >= 30):
            raise ValueError(
                "the resting heart rate must be 30 to 120 bpm and the highest 100 to 230 bpm, at least 30 above it, "
                f"not {hr_rest_bpm} and {hr_max_bpm}"
            )
        self._state = block.exertion_new(round(hr_rest_bpm), round(hr_max_bpm))

    def push(self, t_s: float, hr_bpm: float) -> float:
        """RPE after one reading at `t_s` (seconds, at least 0), at any interval.

        Readings outside 30..230 bpm or not a number, jumps no heart makes, and halved or doubled rates are artefacts
        and only let time pass. The answer is NaN ("not enough signal") before the first accepted reading, 60 s after
        the last, and while less than three eighths of the last 32 readings were accepted, where one that a heart could
        have but that contradicts those before it counts twice.
        """
        plausible = math.isfinite(hr_bpm) and 30 <= hr_bpm <= 230
        hundredths = block.exertion_push(self._state, to_ms(t_s), round(hr_bpm) if plausible else 0)
        return math.nan if hundredths < 0 else hundredths / 100

    @property
    def high(self) -> bool:
        """Whether the person would rate 7 ("very hard") or more, with hysteresis; False while there is no estimate."""
        return block.exertion_high(self._state)
