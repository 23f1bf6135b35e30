"""Whether the load differs from how the wearer's own day began, with or without a heart-rate sensor."""

from __future__ import annotations

import math
from array import array

from numpy.typing import ArrayLike

from jikimi.sigcore import block
from jikimi.sigcore.clock import to_ms
from jikimi.sigcore.counts import ACC_LSB_PER_G, GYRO_LSB_PER_DPS_X100, to_counts

_BLOCK = 512
_HEART = 1


class LoadMonitor:
    """A lasting change of the wearer's load, against the wearer's own first half hour: a hint that somebody tires.

    By default from the hip's motion at `rate_hz` (20..200), mounted any way round; with `hr_rest_bpm` and `hr_max_bpm`
    (as ExertionMonitor) from the heart rate. ValueError for anything else. native/MODEL_CARD.md says how far to
    trust it.
    """

    def __init__(
        self, rate_hz: float | None = None, *, hr_rest_bpm: float | None = None, hr_max_bpm: float | None = None
    ) -> None:
        self._motion = self._exertion = None
        if rate_hz is not None and hr_rest_bpm is None and hr_max_bpm is None:
            if not 20 <= rate_hz <= 200:
                raise ValueError(f"the sampling rate must be 20 to 200 Hz, not {rate_hz}")
            self._motion = block.motion_new_centihz(round(rate_hz * 100), ACC_LSB_PER_G, GYRO_LSB_PER_DPS_X100)
        elif rate_hz is None and hr_rest_bpm is not None and hr_max_bpm is not None:
            self._exertion = block.exertion_new(round(hr_rest_bpm), round(hr_max_bpm))
        else:
            raise ValueError("give either the sampling rate or the resting and the highest heart rate")
        self._state = block.load_new(0 if self._exertion is None else _HEART)

    def push(self, acc_g: ArrayLike) -> bool | None:
        """The next samples, (n, 3) in g, in any chunks. Returns `changed`; ValueError for a monitor of the heart."""
        if self._motion is None:
            raise ValueError("this monitor takes heart rates")
        counts, none = to_counts(acc_g, None), array("i")
        for start in range(0, len(counts), _BLOCK):
            part = counts[start : start + _BLOCK]
            block.motion_push(self._motion, None, None, part.tobytes(), len(part), none, self._state)
        return self.changed

    def push_heart(self, t_s: float, hr_bpm: float) -> bool | None:
        """One reading at `t_s` (seconds, at least 0), artefacts and all. Returns `changed`; ValueError for motion."""
        if self._exertion is None:
            raise ValueError("this monitor takes samples of motion")
        plausible = math.isfinite(hr_bpm) and 30 <= hr_bpm <= 230
        block.exertion_push(self._exertion, to_ms(t_s), round(hr_bpm) if plausible else 0)
        block.load_state(self._state, self._exertion)
        return self.changed

    @property
    def changed(self) -> bool | None:
        """After the last whole window of ten minutes: whether the load has changed.

        None ("not enough signal") for the first three windows with signal, which are the baseline, and after a window
        in which the tag lay still or the heart rate was not known for half of the time.
        """
        state = block.load_state(self._state, None)
        return None if state < 0 else state == 1
