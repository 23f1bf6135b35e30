"""What the database holds, read row by row without the code that put it there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import cbor2
import sqlalchemy as sa

from jikimi.fleet.demo.ledger import Key
from jikimi.fleet.store import schema
from jikimi.wire import kinds


@dataclass(frozen=True)
class StoredRecord:
    """One row of the record table; `data` is the decoded body."""

    key: Key
    kind: int
    epoch_ms: int
    data: dict[int, Any]


@dataclass(frozen=True)
class Stored:
    """The site's records, and how often something is there twice."""

    records: tuple[StoredRecord, ...]
    duplicates: int

    @property
    def keys(self) -> frozenset[Key]:
        """Keys of all stored records."""
        return frozenset(record.key for record in self.records)


def read(database_url: str, site: str) -> Stored:
    """Everything stored for the site."""
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            rows = connection.execute(sa.select(schema.record).where(schema.record.c.site == site)).all()
            twice = _rows_beyond_one_per_key(connection, site) + _counted_beyond_once(connection, site, rows)
    finally:
        engine.dispose()
    return Stored(tuple(_record(row) for row in rows), twice)


def stored_keys(database_url: str, site: str) -> frozenset[Key]:
    """Keys of all stored records, without their bodies."""
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    columns = [schema.record.c[name] for name in Key._fields]
    try:
        with engine.connect() as connection:
            rows = connection.execute(sa.select(*columns).where(schema.record.c.site == site)).all()
    finally:
        engine.dispose()
    return frozenset(Key(*row) for row in rows)


def _record(row: Any) -> StoredRecord:
    key = Key(row.device, row.boot, row.stream, row.seq)
    # A device without a clock: the time of receipt is the best there is.
    epoch_ms = row.recv_ms if row.boot_epoch_ms is None else row.boot_epoch_ms + row.t_up_ms
    return StoredRecord(key, row.kind, epoch_ms, cbor2.loads(row.body))


def _rows_beyond_one_per_key(connection: sa.Connection, site: str) -> int:
    """Rows that share (device, boot, stream, seq) with another; the table's constraint should keep this at 0."""
    columns = [schema.record.c[name] for name in Key._fields]
    groups = sa.select(sa.func.count().label("n")).where(schema.record.c.site == site).group_by(*columns).subquery()
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(groups.c.n - 1), 0))).scalar_one())


def _counted_beyond_once(connection: sa.Connection, site: str, rows: Any) -> int:
    """Near misses the aggregate counted more often than the records are there: a batch applied twice shows here."""
    table = schema.near_miss_hour
    counted = connection.execute(sa.select(sa.func.sum(table.c.count)).where(table.c.site == site)).scalar_one()
    there = Counter(row.kind for row in rows)[kinds.NEAR_MISS]
    return max(0, int(counted or 0) - there)
