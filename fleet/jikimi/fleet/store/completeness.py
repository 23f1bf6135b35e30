"""How complete the store is: what is here, what devices declared lost, and what is still to come."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import sqlalchemy as sa

from jikimi.fleet.store.batch import StreamKey
from jikimi.fleet.store.rows import SequenceRow
from jikimi.fleet.store.schema import ack, lost, parked, record

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY = (record.c.device, record.c.boot, record.c.stream)


def sequences(connection: sa.Connection, site: str) -> list[SequenceRow]:
    """One row for each sequence of records of which anything was heard."""
    counted = sa.select(*_KEY, sa.func.count()).where(record.c.site == site).group_by(*_KEY)
    stored = {StreamKey(*key): count for *key, count in connection.execute(counted)}
    declared: dict[StreamKey, list[tuple[int, int]]] = defaultdict(list)
    for _, *key, first, last in connection.execute(sa.select(lost).where(lost.c.site == site)):
        declared[StreamKey(*key)].append((first, last))
    waiting = _parked(connection, site)
    rows = []
    columns = (ack.c.device, ack.c.boot, ack.c.stream, ack.c.upto_seq, ack.c.max_seq, ack.c.deleted)
    marks = sa.select(*columns).where(ack.c.site == site).order_by(*columns[:3])
    for *key, upto, highest, deleted in connection.execute(marks):
        sequence = StreamKey(*key)
        gone = sum(
            last - first + 1 - stored_within(connection, site, sequence, first, last)
            for first, last in disjoint(declared[sequence])
        )
        rows.append(
            SequenceRow(*sequence, stored.get(sequence, 0) + deleted, gone, waiting.get(sequence, 0), upto, highest)
        )
    return rows


def _parked(connection: sa.Connection, site: str) -> dict[StreamKey, int]:
    key = (parked.c.device, parked.c.boot, parked.c.stream)
    # One that arrived well after all is no longer counted here, nor is one its device declared lost.
    same = [parked.c[name] == record.c[name] for name in ("site", "device", "boot", "stream")]
    came = sa.exists().where(*same, parked.c.seq == record.c.seq)
    same = [parked.c[name] == lost.c[name] for name in ("site", "device", "boot", "stream")]
    given_up = sa.exists().where(*same, parked.c.seq.between(lost.c.first_seq, lost.c.last_seq))
    query = sa.select(*key, sa.func.count()).where(parked.c.site == site, ~came, ~given_up).group_by(*key)
    return {StreamKey(*found): count for *found, count in connection.execute(query)}


def disjoint(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same numbers (both ends included) as ranges that do not overlap."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def stored_within(connection: sa.Connection, site: str, key: StreamKey, first: int, last: int) -> int:
    """How many of a sequence's records `first` to `last` (both included) are stored, also of those declared lost.

    For one may arrive after all: the broker still had it when the device gave it up.
    """
    this = (record.c.site == site) & (record.c.device == key.device) & (record.c.boot == key.boot)
    this &= (record.c.stream == key.stream) & record.c.seq.between(first, last)
    return connection.execute(sa.select(sa.func.count()).where(this)).scalar_one()
