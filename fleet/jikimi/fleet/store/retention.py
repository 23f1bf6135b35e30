"""Retention: records older than the rule of their category are deleted, and a log says so.

Deleting takes short transactions, so that ingest never waits long. Records are found by their place in the order of
storage, which is that of their receipt as long as the host's clock does not jump; where it did, some go at a later run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from jikimi.fleet.store.engine import again_if_in_vain
from jikimi.fleet.store.order import by_id, first_received_since
from jikimi.fleet.store.rows import DeletionRow
from jikimi.fleet.store.schema import ack, alarm, dead_letter, deletion, record
from jikimi.fleet.store.upsert import insert
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DAY_MS: Final = 86_400_000
LETTERS: Final = "letters"  # what dead letters are called in the log
_WINDOW: Final = 5_000  # ids looked at in one transaction


def delete_old(
    engine: sa.Engine, site: str, days: Mapping[str, int], letter_days: int, now_ms: int
) -> list[DeletionRow]:
    """Delete what is older than its rule; categories without one stay. Returns what was deleted, none with count 0.

    Several machines may do so at once: each record is counted by the one whose transaction takes it away.
    """
    done = []
    for category, limit in sorted(days.items()):
        rule = DeletionRow(now_ms, category, now_ms - limit * DAY_MS, limit, 0)
        done.append(replace(rule, count=_delete_records(engine, site, rule)))
    rule = DeletionRow(now_ms, LETTERS, now_ms - letter_days * DAY_MS, letter_days, 0)
    count = again_if_in_vain(engine, lambda connection: _delete_letters(connection, site, rule))
    done.append(replace(rule, count=count))
    return [row for row in done if row.count]


def log(connection: sa.Connection, site: str, limit: int) -> list[DeletionRow]:
    """The deletion log, newest first."""
    columns = [deletion.c[name] for name in DeletionRow.__dataclass_fields__]
    query = sa.select(*columns).where(deletion.c.site == site)
    query = query.order_by(deletion.c.at_ms.desc(), deletion.c.category).limit(limit)
    return [DeletionRow(*row) for row in connection.execute(query)]


def _delete_records(engine: sa.Engine, site: str, rule: DeletionRow) -> int:
    with engine.connect() as connection:
        old = by_id(connection, site) & (record.c.category == rule.category) & (record.c.recv_ms < rule.before_ms)
        end = first_received_since(connection, site, rule.before_ms)
    total, last = 0, 0
    while True:
        query = sa.select(record.c.id).where(old, record.c.id > last, record.c.id < end).order_by(record.c.id)
        with engine.connect() as connection:
            ids = list(connection.execute(query.limit(_WINDOW)).scalars())
        if not ids:
            return total
        total += again_if_in_vain(engine, _deleting(site, rule, old & record.c.id.between(ids[0], ids[-1])))
        last = ids[-1]


def _deleting(site: str, rule: DeletionRow, old: sa.ColumnElement[bool]) -> Callable[[sa.Connection], int]:
    def work(connection: sa.Connection) -> int:
        query = record.delete().where(old, ~_of_open_alarm())
        gone = Counter(map(tuple, connection.execute(query.returning(record.c.device, record.c.boot, record.c.stream))))
        for (device, boot, stream), count in sorted(gone.items()):
            mine = (ack.c.site == site) & (ack.c.device == device) & (ack.c.boot == boot) & (ack.c.stream == stream)
            connection.execute(ack.update().where(mine).values(deleted=ack.c.deleted + count))
        _note(connection, site, rule, gone.total())
        return gone.total()

    return work


def _of_open_alarm() -> sa.Exists:
    mine = (alarm.c.site == record.c.site) & (alarm.c.device == record.c.device) & (alarm.c.boot == record.c.boot)
    mine &= (alarm.c.seq == record.c.seq) & alarm.c.resolved_ms.is_(None) & (record.c.stream == kinds.STREAM_ALARM)
    return sa.exists().where(mine)


def _delete_letters(connection: sa.Connection, site: str, rule: DeletionRow) -> int:
    old = (dead_letter.c.site == site) & (dead_letter.c.recv_ms < rule.before_ms)
    count = connection.execute(dead_letter.delete().where(old)).rowcount
    _note(connection, site, rule, count)
    return count


def _note(connection: sa.Connection, site: str, rule: DeletionRow, count: int) -> None:
    """Log it in the transaction that deletes, so that neither is ever there without the other."""
    if count == 0:
        return
    statement = insert(connection, deletion).values({"site": site, **asdict(rule), "count": count})
    more = {"count": deletion.c.count + count}
    connection.execute(statement.on_conflict_do_update(index_elements=list(deletion.primary_key.columns), set_=more))
