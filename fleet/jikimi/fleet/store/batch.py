"""What goes into one commit, and what came of it: frozen data between ingest and the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeGuard

from jikimi.wire.host import Record as NewRecord

__all__ = [
    "AlarmKey",
    "Batch",
    "DeadLetter",
    "NewRecord",
    "Outcome",
    "RecordMessage",
    "Source",
    "StatusReport",
    "StreamKey",
    "is_count",
]

_BIGGEST: Final = 2**63 - 1  # of a BIGINT column; CBOR reaches further


def is_count(value: object) -> TypeGuard[int]:
    """Whether `value`, as a device sent it, is a whole number from 0 that a database column can hold."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _BIGGEST


class StreamKey(NamedTuple):
    """One sequence of records: numbers start at 1 and rise by 1."""

    device: str
    boot: int
    stream: int


class AlarmKey(NamedTuple):
    """The record that raised an alarm."""

    device: str
    boot: int
    seq: int


class Source(NamedTuple):
    """The message something comes from, kept in case its sender turns out to be unknown; `recv_ms` since 1970 UTC."""

    topic: str
    payload: bytes
    recv_ms: int


@dataclass(frozen=True)
class StatusReport:
    """What a birth, a last will or vitals say about a device; None: this message does not say."""

    source: Source
    device: str
    boot: int
    online: bool
    heard: bool  # false for what the broker says or repeats: the device itself was not heard just now
    status: str = "online"  # or lost, docked
    clock_quality: int | None = None  # a birth: that of the device's clock
    epoch_ms: int | None = None  # a birth: what that clock says
    reset_reason: str | None = None
    firmware: str | None = None
    config: str | None = None  # digest of the configuration
    battery_pct: int | None = None
    heap_free_bytes: int | None = None
    journal_depth: int | None = None
    slot: str | None = None  # a birth: where its application runs; with it come the four below, None included
    release: int | None = None
    trial: bool = False
    failed_release: int | None = None
    failed_why: str | None = None

    @property
    def is_birth(self) -> bool:
        """Whether the device has just connected: it says so itself, and tells of its clock, as a farewell does not."""
        return self.heard and self.clock_quality is not None


class RecordMessage(NamedTuple):
    """The records of one message, all of one sequence."""

    source: Source
    key: StreamKey
    boot_epoch_ms: int | None
    clock_quality: int
    records: tuple[NewRecord, ...]


@dataclass(frozen=True)
class DeadLetter:
    """A message that is refused, with the reason code.

    `key` and `seq` name its first record where the message of an entitled device still says so; else they are None.
    """

    source: Source
    reason: str
    key: StreamKey | None = None
    seq: int | None = None


@dataclass(frozen=True)
class Batch:
    """Everything of one commit, each list in order of arrival."""

    messages: tuple[RecordMessage, ...] = ()
    statuses: tuple[StatusReport, ...] = ()
    dead_letters: tuple[DeadLetter, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a commit did. `acks`: for each sequence a message touched, the highest seq with nothing missing below.

    `taken_on`: alarms a device still asks about although a person has taken them on. `gaps`: of those sequences of
    `acks` that have something above what is missing, the highest seq.
    """

    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    acks: dict[StreamKey, int] = field(default_factory=dict)
    taken_on: tuple[AlarmKey, ...] = ()
    gaps: dict[StreamKey, int] = field(default_factory=dict)
