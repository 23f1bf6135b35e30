"""Bends of the trunk, from an accelerometer on the belt."""

from __future__ import annotations

from functools import partial

from numpy.typing import ArrayLike

from jikimi.sigcore import block
from jikimi.sigcore.counts import ACC_LSB_PER_G, GYRO_LSB_PER_DPS_X100, drain, to_counts
from jikimi.sigcore.events import Event


class BendCounter:
    """Streaming counter of trunk bends, any sampling rate from 20 to 200 Hz, mounted any way round.

    One `bend` event for each, when the person is upright again. What upright is, is learnt: the first second is taken
    for it, and corrected while the person stands or walks.
    """

    def __init__(self, rate_hz: float) -> None:
        if not 20 <= rate_hz <= 200:
            raise ValueError(f"the sampling rate must be 20 to 200 Hz, not {rate_hz}")
        centihz = round(rate_hz * 100)
        # The core's clock counts at the rounded rate; this puts its times back on the caller's.
        self._time_scale = centihz / (rate_hz * 100)
        self._state = block.bend_new()
        motion = block.motion_new_centihz(centihz, ACC_LSB_PER_G, GYRO_LSB_PER_DPS_X100)
        self._push = partial(block.motion_push, motion, None, self._state)

    def push(self, acc_g: ArrayLike, gyro_dps: ArrayLike | None = None) -> list[Event]:
        """Bends that ended in the next samples: `acc_g` (n, 3) in g; `gyro_dps` (n, 3) or None, which is not used.

        ValueError for another shape or values that are not finite; beyond 16 g they saturate.
        """
        return drain(self._push, to_counts(acc_g, gyro_dps), self._time_scale)

    @property
    def band_s(self) -> tuple[float, float, float]:
        """Seconds so far with the trunk below 20, at 20 to 60, and above 60 degrees from upright (ISO 11226)."""
        low, middle, high = (ms * self._time_scale / 1000 for ms in block.bend_bands_ms(self._state))
        return low, middle, high

    @property
    def angle_deg(self) -> int:
        """Angle of the trunk from upright now, 0..180 degrees."""
        return block.bend_angle_deg(self._state)
