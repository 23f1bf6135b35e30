"""What readers get from the store: frozen rows, with names instead of codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

CLOCKS: Final = ("none", "rtc", "set")


@dataclass(frozen=True)
class RecordRow:
    """One stored record. `t_ms` is event time as far as `clock` (none, rtc, set) can be trusted."""

    id: int
    t_ms: int
    clock: str
    recv_ms: int
    kind: str
    category: str
    device: str
    name: str  # what the device's label says
    zone: str
    boot: int
    stream: int
    seq: int
    data: dict[str, Any]  # named, without the ephemeral ids of tags


@dataclass(frozen=True)
class AlarmRow:
    """One alarm; `state` is open, acknowledged or resolved."""

    id: str  # DEVICE.BOOT.SEQ
    kind: str
    device: str
    name: str
    zone: str
    t_ms: int
    state: str
    acknowledged_ms: int | None
    acknowledged_by: str | None
    resolved_ms: int | None
    resolved_why: str | None
    silent: bool  # the device shows nothing of it, and nobody may call out to its wearer


@dataclass(frozen=True)
class DeviceRow:
    """One device and what was last heard of it; `last_seen_ms` None: nothing yet."""

    device: str
    kind: str
    name: str
    zone: str
    machine_kind: str | None
    state: str
    online: bool
    last_seen_ms: int | None
    boot: int | None
    reset_reason: str | None
    firmware: str | None
    battery_pct: int | None
    heap_free_bytes: int | None
    journal_depth: int | None


@dataclass(frozen=True)
class SequenceRow:
    """One sequence: of `highest` records, `stored` are here, `lost` are not but their device declared them lost.

    `parked` are here only as bytes of a dead letter.
    """

    device: str
    boot: int
    stream: int
    stored: int
    lost: int
    parked: int
    upto: int
    highest: int

    @property
    def missing(self) -> int:
        """Records neither here, nor declared lost, nor parked: still to come."""
        return self.highest - self.stored - self.lost - self.parked


@dataclass(frozen=True)
class NearMissCell:
    """Near misses of one machine in one zone and hour, with who took part (see `jikimi.fleet.aggregate`)."""

    zone: str
    machine: str
    hour_ms: int
    count: int
    danger_count: int
    sightings: frozenset[tuple[int, bytes]]  # (rotation period, ephemeral id)


@dataclass(frozen=True)
class DeadLetterRow:
    """A kind of message that could not be stored, how often it came, and when last."""

    topic: str
    payload: bytes
    reason: str
    count: int
    recv_ms: int
