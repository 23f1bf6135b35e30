"""What readers get from the store: frozen rows, with names instead of codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

CLOCKS: Final = ("none", "rtc", "set")


@dataclass(frozen=True)
class RecordRow:
    """One stored record. `t_ms` is event time as far as `clock` (none, rtc, set) can be trusted.

    `host_t_ms` is the same moment by the host's clock, at the latest: for comparison where the device's clock is off.
    """

    id: int
    t_ms: int
    clock: str
    recv_ms: int
    host_t_ms: int | None
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
    status: str | None  # the last it, or the broker for it, said: online, docked or lost; None: nothing yet


@dataclass(frozen=True)
class SequenceRow:
    """One sequence: of `highest` records, `stored` came, `lost` did not but their device declared them lost.

    What retention has deleted since counts as stored. `parked` are here only as bytes of a dead letter.
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
class Activity:
    """What `tags` tags and `machines` nodes recorded, without who.

    A record is (second of the span, stream, kind, bytes of its data), in the order of time. `withheld` records are left
    out, of hours with too few tags.
    """

    tags: int
    machines: int
    records: list[tuple[int, int, int, int]]
    withheld: int


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
    """A message that could not be stored, how often it came, and when first and last; `id` is its digest."""

    id: str
    topic: str
    payload: bytes
    reason: str
    count: int
    first_recv_ms: int
    recv_ms: int


@dataclass(frozen=True)
class DeletionRow:
    """What was deleted at `at_ms`: `count` records of `category`, received before `before_ms`; the rule was `days`."""

    at_ms: int
    category: str
    before_ms: int
    days: int
    count: int


@dataclass(frozen=True)
class AgreementRow:
    """One agreement or proposal as it is stored; whether it is what it says, `jikimi.fleet.agreement.chain` decides."""

    number: int
    document: bytes
    employer_signature: bytes | None
    workers_signature: bytes | None
    proposed_ms: int
    in_force_ms: int | None


@dataclass(frozen=True)
class AuditRow:
    """One entry of the audit log: `who` asked `question` for `purpose`, and got `n_rows` (None: not counted) or none.

    `digest` (hexadecimal) is of this entry and all before it.
    """

    number: int
    at_ms: int
    who: str
    purpose: str
    question: str
    outcome: str
    n_rows: int | None
    digest: str


@dataclass(frozen=True)
class CompletenessRow:
    """Of one device and span of time: of `recorded` records `stored` came, `lost` did not and never will.

    `parked` are here only as bytes of a dead letter. `on_device`: records its journals hold by its last vitals, which
    nobody can count otherwise yet; None: it did not say, or the span is over.
    """

    device: str
    name: str
    zone: str
    recorded: int
    stored: int
    lost: int
    parked: int
    on_device: int | None

    @property
    def missing(self) -> int:
        """Records that are neither here, nor lost, nor parked: still to come."""
        return self.recorded - self.stored - self.lost - self.parked

    @property
    def arrived_permille(self) -> int | None:
        """Share of what was recorded that is stored, rounded down; None when nothing was recorded."""
        total = max(self.recorded, self.stored + self.lost + self.parked + (self.on_device or 0))
        return self.stored * 1000 // total if total else None
