"""One commit: records, the tables derived from them, acknowledgements, device status and dead letters.

Whatever the order, repetition and grouping in which messages arrive, the tables end up the same: each statement here
is an insert that ignores what is there already, or a maximum, a minimum or a set union over new records alone.
"""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import cbor2
import sqlalchemy as sa

from jikimi.fleet.store import acks, derive, status
from jikimi.fleet.store.batch import DeadLetter, Outcome, RecordMessage, Source, StreamKey
from jikimi.fleet.store.schema import dead_letter, device, record
from jikimi.fleet.store.upsert import insert, insert_for
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from jikimi.fleet.store.batch import Batch

UNKNOWN_DEVICE = "unknown-device"
_ACTIVE = "active"
_COLUMNS = [column.name for column in record.c if column.name != "id"]


class _Sender(NamedTuple):
    kind: str
    zone: str
    active: bool


def store_batch(connection: sa.Connection, site: str, batch: Batch) -> Outcome:
    """Write `batch` in the transaction of `connection`; nothing is committed here."""
    senders = _senders(connection, site, batch)
    active = {name for name, sender in senders.items() if sender.active}
    messages = [message for message in batch.messages if message.key.device in active]
    new = _insert_records(connection, site, messages, senders)
    lost = derive.update(connection, site, new)
    acknowledged = acks.advance(connection, site, _touched(messages, lost), _seqs(new), lost)
    status.update(connection, site, [report for report in batch.statuses if report.device in senders], messages, active)
    letters = [*batch.dead_letters, *_from_unknown(batch, senders, active)]
    _bury(connection, site, letters)
    for letter in letters:
        if letter.key is not None and letter.seq is not None and letter.key.device in active:
            digest = _digest(letter.source)
            acknowledged[letter.key] = acks.park(connection, site, letter.key, letter.seq, digest)
    sent = sum(len(message.records) for message in messages)
    return Outcome(len(new), sent - len(new), len(letters), acknowledged)


def _senders(connection: sa.Connection, site: str, batch: Batch) -> dict[str, _Sender]:
    devices = {message.key.device for message in batch.messages} | {report.device for report in batch.statuses}
    devices |= {letter.key.device for letter in batch.dead_letters if letter.key is not None}
    if not devices:
        return {}
    # Asked in each transaction, so that a device added or revoked by another process counts at once.
    query = sa.select(device.c.device, device.c.kind, device.c.zone, device.c.state).where(
        device.c.site == site, device.c.device.in_(devices)
    )
    return {name: _Sender(kind, zone, state == _ACTIVE) for name, kind, zone, state in connection.execute(query)}


def _from_unknown(batch: Batch, senders: Collection[str], active: Collection[str]) -> list[DeadLetter]:
    # A revoked device may still be reported lost, but has no say any more.
    messages = [message.source for message in batch.messages if message.key.device not in active]
    reports = [report.source for report in batch.statuses if report.device not in senders]
    return [DeadLetter(source, UNKNOWN_DEVICE) for source in (*messages, *reports)]


def _insert_records(
    connection: sa.Connection, site: str, messages: Iterable[RecordMessage], senders: dict[str, _Sender]
) -> list[derive.Stored]:
    """Insert what is not there yet; the records that were new."""
    offered: dict[tuple[str, int, int, int], derive.Stored] = {}
    for message in messages:
        sender = senders[message.key.device]
        for item in message.records:
            stored = derive.Stored(message, item, sender.kind, sender.zone)
            offered.setdefault((*message.key, item.seq), stored)
    if not offered:
        return []
    rows = [_row(site, stored) for stored in offered.values()]
    if _insert_all(connection, rows):
        return list(offered.values())
    # Some are there already: ask which were not.
    columns = (record.c.device, record.c.boot, record.c.stream, record.c.seq)
    statement = insert(connection, record).on_conflict_do_nothing().returning(*columns)
    return [offered[tuple(row)] for row in connection.execute(statement, rows)]


def _insert_all(connection: sa.Connection, rows: list[dict[str, Any]]) -> bool:
    """Insert `rows` if none of them is there yet; else insert nothing and return False.

    Nearly every batch is all new, and then this takes a third of the time of an insert that returns what was new.
    """
    with connection.begin_nested() as attempt:
        inserted = connection.exec_driver_sql(_insert_text(connection.dialect), rows)
        if inserted.rowcount == len(rows):
            return True
        attempt.rollback()
    return False


@functools.lru_cache(maxsize=4)
def _insert_text(dialect: sa.Dialect) -> str:
    statement = insert_for(dialect.name, record).on_conflict_do_nothing()
    return str(statement.compile(dialect=dialect, column_keys=_COLUMNS))


def _row(site: str, stored: derive.Stored) -> dict[str, Any]:
    message, item = stored.message, stored.record
    return {
        "site": site,
        "device": message.key.device,
        "boot": message.key.boot,
        "stream": message.key.stream,
        "seq": item.seq,
        "kind": item.kind,
        "category": kinds.category(item.kind),
        "t_up_ms": item.t_up_ms,
        "boot_epoch_ms": message.boot_epoch_ms,
        "clock_quality": message.clock_quality,
        "recv_ms": message.source.recv_ms,
        "zone": stored.zone,
        "body": cbor2.dumps(item.data),  # in the order of the message, which is the one order the wire allows
    }


def _seqs(new: Iterable[derive.Stored]) -> dict[StreamKey, list[int]]:
    found: dict[StreamKey, list[int]] = {}
    for stored in new:
        found.setdefault(stored.message.key, []).append(stored.record.seq)
    return found


def _touched(messages: Iterable[RecordMessage], lost: Iterable[acks.LostRange]) -> set[StreamKey]:
    # Also the sequences of duplicates: their device has not heard its acknowledgement.
    return {message.key for message in messages} | {item.key for item in lost}


def _bury(connection: sa.Connection, site: str, letters: Sequence[DeadLetter]) -> None:
    if not letters:
        return
    statement = insert(connection, dead_letter)
    statement = statement.on_conflict_do_update(
        index_elements=[dead_letter.c.site, dead_letter.c.digest],
        set_={"count": dead_letter.c.count + 1, "recv_ms": statement.excluded.recv_ms},
    )
    connection.execute(statement, [_grave(site, letter) for letter in letters])


def _digest(source: Source) -> bytes:
    return hashlib.sha256(source.topic.encode() + b"\0" + source.payload).digest()


def _grave(site: str, letter: DeadLetter) -> dict[str, Any]:
    topic, payload, recv_ms = letter.source
    return {
        "site": site,
        "digest": _digest(letter.source),
        "topic": topic,
        "payload": payload,
        "reason": letter.reason,
        "count": 1,
        "first_recv_ms": recv_ms,
        "recv_ms": recv_ms,
    }
