"""Completeness of a span of time: for each device how much arrived of what it recorded then, and why not the rest.

A span is told by the records themselves: each sequence has a lowest and a highest seq in it. What is missing below the
lowest belongs to the span as well, so that spans that follow each other share nothing and leave nothing out.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from jikimi.fleet.store.batch import StreamKey
from jikimi.fleet.store.completeness import disjoint, stored_within
from jikimi.fleet.store.order import by_id, first_received_since
from jikimi.fleet.store.rows import CompletenessRow
from jikimi.fleet.store.schema import ack, device, device_status, lost, parked, record

if TYPE_CHECKING:
    from collections.abc import Iterable

_EARLY_MS = 3_600_000  # a device's clock may be ahead of the host's by so much and its records still be found


class _Part(NamedTuple):
    """Seqs `first` to `last` (both included) of one sequence, all of one span."""

    key: StreamKey
    first: int
    last: int


class _Sum(NamedTuple):
    stored: int = 0
    lost: int = 0
    parked: int = 0
    recorded: int = 0

    def plus(self, other: _Sum) -> _Sum:
        return _Sum(*(mine + yours for mine, yours in zip(self, other, strict=True)))


def span(connection: sa.Connection, site: str, since_ms: int, until_ms: int | None) -> list[CompletenessRow]:
    """One row for each device in use or heard, of event times from `since_ms` to `until_ms` (None: up to now)."""
    sums: dict[str, _Sum] = defaultdict(_Sum)
    for part in _parts(connection, site, since_ms, until_ms):
        sums[part.key.device] = sums[part.key.device].plus(_account(connection, site, part))
    same = (device_status.c.site == device.c.site) & (device_status.c.device == device.c.device)
    query = (
        sa.select(device.c.device, device.c.name, device.c.zone, device.c.state, device_status.c.journal_depth)
        .select_from(device.outerjoin(device_status, same))
        .where(device.c.site == site)
        .order_by(device.c.created_ms, device.c.device)
    )
    rows = []
    for name, label, zone, state, depth in connection.execute(query):
        if name in sums or state == "active":
            found = sums[name]
            on_device = depth if until_ms is None else None
            rows.append(CompletenessRow(name, label, zone, found.recorded, *found[:3], on_device))
    return rows


def _parts(connection: sa.Connection, site: str, since_ms: int, until_ms: int | None) -> list[_Part]:
    event_ms = sa.func.coalesce(record.c.boot_epoch_ms + record.c.t_up_ms, record.c.recv_ms)
    key = (record.c.device, record.c.boot, record.c.stream)
    first_id = first_received_since(connection, site, since_ms - _EARLY_MS)
    query = sa.select(*key, sa.func.min(record.c.seq), sa.func.max(record.c.seq))
    query = query.where(by_id(connection, site), record.c.id >= first_id, event_ms >= since_ms).group_by(*key)
    if until_ms is not None:
        query = query.where(event_ms < until_ms)
    found = []
    for *names, lowest, highest in connection.execute(query).all():
        sequence = StreamKey(*names)
        last = highest if until_ms is not None else max(highest, _highest(connection, site, sequence))
        found.append(_Part(sequence, _before(connection, site, sequence, lowest) + 1, last))
    return found


def _before(connection: sa.Connection, site: str, key: StreamKey, seq: int) -> int:
    query = sa.select(sa.func.max(record.c.seq)).where(*_is(record, site, key), record.c.seq < seq)
    return connection.execute(query).scalar() or 0


def _highest(connection: sa.Connection, site: str, key: StreamKey) -> int:
    return connection.execute(sa.select(ack.c.max_seq).where(*_is(ack, site, key))).scalar() or 0


def _account(connection: sa.Connection, site: str, part: _Part) -> _Sum:
    """By counting and never by listing: what a device leaves out of its numbers may be thousands of millions."""
    recorded = part.last - part.first + 1
    stored = stored_within(connection, site, *part)
    if stored == recorded:
        return _Sum(stored, 0, 0, recorded)
    declared = _declared(connection, site, part)
    gone = sum(last - first + 1 - stored_within(connection, site, part.key, first, last) for first, last in declared)
    waiting = [seq for seq in _waiting(connection, site, part) if not any(a <= seq <= b for a, b in declared)]
    return _Sum(stored, gone, len(waiting), recorded)


def _declared(connection: sa.Connection, site: str, part: _Part) -> list[tuple[int, int]]:
    """What of the part its device declared lost, as ranges that do not overlap."""
    query = sa.select(lost.c.first_seq, lost.c.last_seq).where(
        *_is(lost, site, part.key), lost.c.first_seq <= part.last, lost.c.last_seq >= part.first
    )
    ranges = [(max(first, part.first), min(last, part.last)) for first, last in connection.execute(query)]
    return disjoint(ranges)


def _waiting(connection: sa.Connection, site: str, part: _Part) -> list[int]:
    """Seqs of the part that are parked in dead letters and did not come well after all."""
    came = sa.exists().where(*_is(record, site, part.key), record.c.seq == parked.c.seq)
    mine = [*_is(parked, site, part.key), parked.c.seq.between(part.first, part.last)]
    return list(connection.execute(sa.select(parked.c.seq).where(*mine, ~came)).scalars())


def _is(table: sa.Table, site: str, key: StreamKey) -> Iterable[sa.ColumnElement[bool]]:
    values = {"site": site, **key._asdict()}
    return [table.c[name] == value for name, value in values.items()]
