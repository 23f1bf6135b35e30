"""Falls, from accelerometer and gyroscope."""

from __future__ import annotations

from functools import partial
from typing import Literal

from numpy.typing import ArrayLike

from jikimi.sigcore import block
from jikimi.sigcore.counts import ACC_LSB_PER_G, GYRO_LSB_PER_DPS_X100, drain, to_counts
from jikimi.sigcore.events import Event

PLACEMENTS = {"waist": 0, "wrist": 1}


class FallDetector:
    """Streaming fall detector, any sampling rate from 20 to 200 Hz, mounted any way round.

    Events: `falling` before the impact, `fall` at most 2 s after it, `recovered`, and `no_motion` after
    `no_motion_s` seconds without movement (1..1800; None: never). Times count from the first sample.
    """

    def __init__(
        self, rate_hz: float, placement: Literal["waist", "wrist"] = "waist", no_motion_s: int | None = 120
    ) -> None:
        if placement not in PLACEMENTS:
            raise ValueError(f"the placement must be waist or wrist, not {placement!r}")
        if no_motion_s is not None and not 1 <= no_motion_s <= 1800:
            raise ValueError(f"the man-down time must be 1 to 1800 s or None, not {no_motion_s}")
        if not 20 <= rate_hz <= 200:
            raise ValueError(f"the sampling rate must be 20 to 200 Hz, not {rate_hz}")
        centihz = round(rate_hz * 100)
        # The core's clock counts at the rounded rate; this puts its times back on the caller's.
        self._time_scale = centihz / (rate_hz * 100)
        motion = block.motion_new_centihz(centihz, ACC_LSB_PER_G, GYRO_LSB_PER_DPS_X100)
        fall = block.fall_new(PLACEMENTS[placement], -1 if no_motion_s is None else no_motion_s)
        self._push = partial(block.motion_push, motion, fall, None)

    def push(self, acc_g: ArrayLike, gyro_dps: ArrayLike | None = None) -> list[Event]:
        """Events in the next samples: `acc_g` (n, 3) in g, `gyro_dps` (n, 3) in deg/s or None.

        ValueError for another shape or values that are not finite; beyond 16 g and 2048 deg/s they saturate.
        """
        return drain(self._push, to_counts(acc_g, gyro_dps), self._time_scale)
