"""What follows from new records: alarms, near misses by zone, machine and hour, and ranges declared lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from jikimi.fleet.store import alarm_rows
from jikimi.fleet.store.acks import LostRange
from jikimi.fleet.store.batch import NewRecord, RecordMessage, StreamKey, is_count
from jikimi.fleet.store.schema import lost, near_miss_group, near_miss_hour
from jikimi.fleet.store.times import event_time_ms, hour_of
from jikimi.fleet.store.upsert import insert
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    import sqlalchemy as sa

PERIOD_MS = 900_000  # rotation period of ephemeral ids
# A tag whose clock is off changes its id earlier or later than the node believes, and would then pass for two people
# within one period. Sightings this close to the edge of a period do not count towards the group size; clocks set by
# the host or NTP agree far better than this.
_EDGE_MS = 60_000
_EPHEMERAL_BYTES = 8
_MAX_U32 = 2**32 - 1  # of boots and seqs on the wire
_CONSEQUENTIAL = frozenset((kinds.NEAR_MISS, kinds.LOST))
_STREAMS = (kinds.STREAM_ALARM, kinds.STREAM_EVENT)


class Stored(NamedTuple):
    """A record that was new to the store, with what is known of its sender."""

    message: RecordMessage
    record: NewRecord
    sender_kind: str
    zone: str

    @property
    def t_ms(self) -> int:
        """Event time."""
        return event_time_ms(self.message.boot_epoch_ms, self.record.t_ms, self.message.source.recv_ms)


def update(connection: sa.Connection, site: str, new: Iterable[Stored]) -> list[LostRange]:
    """Bring the derived tables up to date; the ranges that `new` declares lost."""
    new = tuple(new)
    alarm_rows.update(connection, site, new)
    _count_near_misses(connection, site, [stored for stored in new if _is_near_miss(stored)])
    return _note_lost(connection, site, [stored for stored in new if stored.record.kind == kinds.LOST])


def has_consequences(stream: int, kinds_: AbstractSet[int]) -> bool:
    """Whether anything but their own rows follows from records of these kinds; `update` needs no others."""
    return stream == kinds.STREAM_ALARM or not _CONSEQUENTIAL.isdisjoint(kinds_)


def _is_near_miss(stored: Stored) -> bool:
    # Only machines report them, so that no tag, and with it no person, can become the row of a table.
    return stored.record.kind == kinds.NEAR_MISS and stored.sender_kind == "node"


def _cell(site: str, stored: Stored) -> dict[str, Any]:
    machine = stored.message.key.device
    return {"site": site, "zone": stored.zone, "machine": machine, "hour_ms": hour_of(stored.t_ms)}


def _count_near_misses(connection: sa.Connection, site: str, near_misses: list[Stored]) -> None:
    if not near_misses:
        return
    statement = insert(connection, near_miss_hour)
    columns, offered = near_miss_hour.c, statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=list(near_miss_hour.primary_key.columns),
        set_={"count": columns.count + offered.count, "danger_count": columns.danger_count + offered.danger_count},
    )
    rows = [{**_cell(site, stored), "count": 1, "danger_count": int(_in_danger(stored))} for stored in near_misses]
    connection.execute(statement, rows)
    seen = [{**_cell(site, stored), **who} for stored in near_misses if (who := _who(stored)) is not None]
    if seen:
        connection.execute(insert(connection, near_miss_group).on_conflict_do_nothing(), seen)


def _in_danger(stored: Stored) -> bool:
    return stored.record.data.get(kinds.LEVEL) == kinds.LEVEL_DANGER


def _who(stored: Stored) -> dict[str, Any] | None:
    """The ephemeral id and its period, if they are sure to stand for one tag that no other id stands for."""
    ephemeral, period = stored.record.data.get(kinds.EPHEMERAL), stored.record.data.get(kinds.PERIOD)
    if not isinstance(ephemeral, bytes) or len(ephemeral) != _EPHEMERAL_BYTES or not is_count(period):
        return None
    if stored.message.boot_epoch_ms is None or stored.message.clock_quality == kinds.CLOCK_NONE:
        return None
    into_ms = stored.t_ms - period * PERIOD_MS
    if not _EDGE_MS <= into_ms < PERIOD_MS - _EDGE_MS:
        return None
    return {"period": period, "ephemeral": ephemeral}


def _note_lost(connection: sa.Connection, site: str, declared: Iterable[Stored]) -> list[LostRange]:
    ranges = [found for stored in declared if (found := _lost_range(stored)) is not None]
    if ranges:
        rows = [{"site": site, **item.key._asdict(), "first_seq": item.first, "last_seq": item.last} for item in ranges]
        connection.execute(insert(connection, lost).on_conflict_do_nothing(), rows)
    return ranges


def _lost_range(stored: Stored) -> LostRange | None:
    """The range a LOST record names; None when the device no longer knew which records they were."""
    data, key = stored.record.data, stored.message.key
    first, last = data.get(kinds.LOST_FIRST), data.get(kinds.LOST_LAST)
    boot, stream = data.get(kinds.LOST_BOOT), data.get(kinds.LOST_STREAM)
    if not (is_count(boot) and is_count(stream) and is_count(first) and is_count(last)):
        return None
    if not (1 <= boot <= _MAX_U32 and stream in _STREAMS and 1 <= first <= last <= _MAX_U32):
        return None
    return LostRange(StreamKey(key.device, boot, stream), first, last)
