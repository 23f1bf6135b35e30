"""The data of records as the firmware writes it: the same keys, values of the same sizes."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from jikimi.wire import cbor, kinds

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

PERIOD_S: Final = 900  # in which a tag keeps its ephemeral id
_CANCEL_MS: Final = 30_000
_WINDOW_MS: Final = 900_000
_ALL_PARTS: Final = sum(
    1 << sensor
    for sensor in (kinds.SENSOR_IMU, kinds.SENSOR_BLE, kinds.SENSOR_UWB, kinds.SENSOR_CLOCK, kinds.SENSOR_FLASH)
)
_PADDING: Final = 0xFFFF  # a key that no version of the protocol has yet
_MOST_PADDING: Final = 64
_RAISING: Final = (kinds.FALL, kinds.SOS, kinds.NO_MOTION, kinds.CHECK_IN_MISSED, kinds.LOW_BATTERY)


class Crowd:
    """Who can be met: machines by the short ids they advertise, tags by ids that change every quarter of an hour."""

    def __init__(self, machines: Sequence[bytes], n_tags: int) -> None:
        self.machines = machines
        self._n_tags = n_tags
        self._secret = secrets.token_bytes(16)

    def ephemeral(self, rng: random.Random, period: int) -> bytes:
        """The id of some tag in this period."""
        said = f"{rng.randrange(self._n_tags)} {period}".encode()
        return hashlib.blake2b(said, digest_size=8, key=self._secret).digest()


class Contents:
    """What one device writes into its records; remembers the alarm that later records are about."""

    def __init__(self, rng: random.Random, crowd: Crowd) -> None:
        self._rng = rng
        self._crowd = crowd
        self._alarm = (1, kinds.SOS, 0)  # seq, kind, ms since boot

    def make(self, kind: int, seq: int, t_ms: int, epoch_ms: int, size: int = 0) -> dict[int, object]:
        """Data of a record of `kind`, padded to `size` bytes as far as a record can be."""
        data = self._data(kind, t_ms, epoch_ms)
        if kind in _RAISING:
            self._alarm = (seq, kind, t_ms)
        # The key, its head and a byte's head in front of it: less cannot be added.
        missing = min(_MOST_PADDING, size - len(cbor.dumps(data)) - 4)
        return data if missing < 0 else {**data, _PADDING: bytes(missing)}

    def _data(self, kind: int, t_ms: int, epoch_ms: int) -> dict[int, object]:
        rng, (ref, raised, raised_ms) = self._rng, self._alarm
        match kind:
            case kinds.WARNING:
                return {
                    kinds.LEVEL: rng.randint(1, 2),
                    kinds.SOURCE: kinds.SOURCE_UWB,
                    kinds.MACHINE: rng.choice(self._crowd.machines),
                    kinds.DISTANCE_MM: rng.randint(400, 5000),
                }
            case kinds.NEAR_MISS:
                return self._near_miss(epoch_ms // 1000 // PERIOD_S)
            case kinds.FALL:
                return {kinds.CONFIDENCE_PERMILLE: rng.randint(700, 990), kinds.CANCEL_MS: _CANCEL_MS}
            case kinds.FALLING:
                return {kinds.CONFIDENCE_PERMILLE: rng.randint(700, 990)}
            case kinds.CLEARED:
                return {kinds.REF_SEQ: ref, kinds.WHY: kinds.WHY_CANCELLED}
            case kinds.CONFIRMED:
                return {kinds.REF_SEQ: ref}
            case kinds.STILL_OPEN:
                return {kinds.REF_SEQ: ref, kinds.WAITING_MS: max(0, t_ms - raised_ms), kinds.ALARM_KIND: raised}
            case kinds.BENDS:
                return {kinds.COUNT: rng.randint(1, 60), kinds.WINDOW_MS: _WINDOW_MS}
            case kinds.SELF_TEST:
                return {kinds.PASSED: _ALL_PARTS, kinds.FAILED: 0}
            case kinds.SENSOR_FAULT:
                return {kinds.SENSOR: kinds.SENSOR_IMU, kinds.FAULT: kinds.FAULT_SILENT}
            case kinds.LOW_BATTERY:
                return {kinds.BATTERY_PCT: 9}
            case kinds.BATTERY_SHORT:
                return {kinds.BATTERY_PCT: 30, kinds.LASTS_MIN: 100, kinds.NEEDED_MIN: 200}
            case kinds.LOST:
                return {kinds.LOST_COUNT: 1}
            case _:
                return {}

    def _near_miss(self, period: int) -> dict[int, object]:
        rng = self._rng
        return {
            kinds.LEVEL: rng.randint(1, 2),
            kinds.DISTANCE_MM: rng.randint(400, 5000),
            kinds.CLOSING_MM_S: rng.randint(300, 1500),
            kinds.DWELL_MS: rng.randint(1000, 8000),
            kinds.EPHEMERAL: self._crowd.ephemeral(rng, period),
            kinds.PERIOD: period,
        }
