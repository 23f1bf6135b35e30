"""Retention: records older than the rule of their category are deleted, and a log says so.

Deleting takes short transactions, so that ingest never waits long. Records are found by their place in the order of
storage, which is that of their receipt as long as the host's clock does not jump; where it did, some go at a later run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from jikimi.fleet.store.engine import again_if_in_vain
from jikimi.fleet.store.order import by_id, first_received_since
from jikimi.fleet.store.rows import DeletionRow
from jikimi.fleet.store.schema import ack, alarm, dead_letter, deletion, record
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY_MS: Final = 86_400_000
LETTERS: Final = "letters"  # what dead letters are called in the log
_WINDOW: Final = 5_000  # ids looked at in one transaction


def delete_old(
    engine: sa.Engine, site: str, days: Mapping[str, int], letter_days: int, now_ms: int
) -> list[DeletionRow]:
    """Delete what is older than its rule; categories without one stay. Returns what was deleted, none with count 0."""
    done = []
    for category, limit in sorted(days.items()):
        before_ms = now_ms - limit * DAY_MS
        count = _delete_records(engine, site, category, before_ms)
        done.append(DeletionRow(now_ms, category, before_ms, limit, count))
    before_ms = now_ms - letter_days * DAY_MS
    count = again_if_in_vain(engine, lambda connection: _delete_letters(connection, site, before_ms))
    done.append(DeletionRow(now_ms, LETTERS, before_ms, letter_days, count))
    done = [row for row in done if row.count]
    if done:
        rows = [{"site": site, **{name: getattr(row, name) for name in row.__dataclass_fields__}} for row in done]
        again_if_in_vain(engine, lambda connection: connection.execute(deletion.insert(), rows))
    return done


def log(connection: sa.Connection, site: str, limit: int) -> list[DeletionRow]:
    """The deletion log, newest first."""
    columns = [deletion.c[name] for name in DeletionRow.__dataclass_fields__]
    query = sa.select(*columns).where(deletion.c.site == site)
    query = query.order_by(deletion.c.at_ms.desc(), deletion.c.category).limit(limit)
    return [DeletionRow(*row) for row in connection.execute(query)]


def _delete_records(engine: sa.Engine, site: str, category: str, before_ms: int) -> int:
    with engine.connect() as connection:
        old = by_id(connection, site) & (record.c.category == category) & (record.c.recv_ms < before_ms)
        end = first_received_since(connection, site, before_ms)
    total, last = 0, 0
    while True:
        query = sa.select(record.c.id).where(old, record.c.id > last, record.c.id < end).order_by(record.c.id)
        with engine.connect() as connection:
            ids = list(connection.execute(query.limit(_WINDOW)).scalars())
        if not ids:
            return total
        total += again_if_in_vain(engine, _deleting(site, old, ids[0], ids[-1]))
        last = ids[-1]


def _deleting(site: str, old: sa.ColumnElement[bool], first: int, last: int) -> Any:
    here = old & record.c.id.between(first, last) & ~_of_open_alarm()
    key = (record.c.device, record.c.boot, record.c.stream)

    def work(connection: sa.Connection) -> int:
        counted = sa.select(*key, sa.func.count()).where(here).group_by(*key)
        found = connection.execute(counted.order_by(*key)).all()
        for device, boot, stream, count in found:
            mine = (ack.c.site == site) & (ack.c.device == device) & (ack.c.boot == boot) & (ack.c.stream == stream)
            connection.execute(ack.update().where(mine).values(deleted=ack.c.deleted + count))
        return connection.execute(record.delete().where(here)).rowcount

    return work


def _of_open_alarm() -> sa.Exists:
    mine = (alarm.c.site == record.c.site) & (alarm.c.device == record.c.device) & (alarm.c.boot == record.c.boot)
    mine &= (alarm.c.seq == record.c.seq) & alarm.c.resolved_ms.is_(None) & (record.c.stream == kinds.STREAM_ALARM)
    return sa.exists().where(mine)


def _delete_letters(connection: sa.Connection, site: str, before_ms: int) -> int:
    old = (dead_letter.c.site == site) & (dead_letter.c.recv_ms < before_ms)
    return connection.execute(dead_letter.delete().where(old)).rowcount
