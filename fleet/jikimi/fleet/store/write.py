"""One commit: records, the tables derived from them, acknowledgements, device status and dead letters.

Whatever the order, repetition and grouping in which messages arrive, the tables end up the same: each statement here
is an insert that ignores what is there already, or a maximum, a minimum or a set union over new records alone.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import cbor2
import sqlalchemy as sa

from jikimi.fleet.store import acks, derive, status
from jikimi.fleet.store.batch import DeadLetter, Outcome, RecordMessage, StreamKey
from jikimi.fleet.store.schema import dead_letter, device, record
from jikimi.fleet.store.upsert import insert
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jikimi.fleet.store.batch import Batch

UNKNOWN_DEVICE = "unknown-device"
_ACTIVE = "active"


class _Sender(NamedTuple):
    kind: str
    zone: str


def store_batch(connection: sa.Connection, site: str, batch: Batch) -> Outcome:
    """Write `batch` in the transaction of `connection`; nothing is committed here."""
    senders = _senders(connection, site, {message.key.device for message in batch.messages})
    known = [message for message in batch.messages if message.key.device in senders]
    unknown = [message for message in batch.messages if message.key.device not in senders]
    new = _insert_records(connection, site, known, senders)
    lost = derive.update(connection, site, new)
    acknowledged = acks.advance(connection, site, _touched(known, lost), _seqs(new), lost)
    heard = {message.key: message.recv_ms for message in known}
    status.update(connection, site, batch.statuses, heard)
    refused = [*batch.dead_letters, *(_refuse(message) for message in unknown)]
    _bury(connection, site, refused)
    sent = sum(len(message.records) for message in known)
    return Outcome(len(new), sent - len(new), len(refused), acknowledged)


def _senders(connection: sa.Connection, site: str, devices: set[str]) -> dict[str, _Sender]:
    if not devices:
        return {}
    # Asked in each transaction, so that a device added or revoked by another process counts at once.
    query = sa.select(device.c.device, device.c.kind, device.c.zone).where(
        device.c.site == site, device.c.state == _ACTIVE, device.c.device.in_(devices)
    )
    return {row.device: _Sender(row.kind, row.zone) for row in connection.execute(query)}


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
    columns = (record.c.device, record.c.boot, record.c.stream, record.c.seq)
    statement = insert(connection, record).on_conflict_do_nothing().returning(*columns)
    rows = [_row(site, stored) for stored in offered.values()]
    inserted = connection.execute(statement, rows)
    return [offered[tuple(row)] for row in inserted]


def _row(site: str, stored: derive.Stored) -> dict[str, Any]:
    message, item = stored.message, stored.record
    return {
        "site": site,
        **message.key._asdict(),
        "seq": item.seq,
        "kind": item.kind,
        "category": kinds.category(item.kind),
        "t_up_ms": item.t_up_ms,
        "boot_epoch_ms": message.boot_epoch_ms,
        "clock_quality": message.clock_quality,
        "recv_ms": message.recv_ms,
        "zone": stored.zone,
        "body": cbor2.dumps(item.data, canonical=True),
    }


def _seqs(new: Iterable[derive.Stored]) -> dict[StreamKey, list[int]]:
    found: dict[StreamKey, list[int]] = {}
    for stored in new:
        found.setdefault(stored.message.key, []).append(stored.record.seq)
    return found


def _touched(messages: Iterable[RecordMessage], lost: Iterable[acks.LostRange]) -> set[StreamKey]:
    # Also the sequences of duplicates: their device has not heard its acknowledgement.
    return {message.key for message in messages} | {item.key for item in lost}


def _refuse(message: RecordMessage) -> DeadLetter:
    return DeadLetter(message.topic, message.payload, UNKNOWN_DEVICE, message.recv_ms)


def _bury(connection: sa.Connection, site: str, letters: Sequence[DeadLetter]) -> None:
    if not letters:
        return
    statement = insert(connection, dead_letter)
    statement = statement.on_conflict_do_update(
        index_elements=[dead_letter.c.site, dead_letter.c.digest],
        set_={"count": dead_letter.c.count + 1, "recv_ms": statement.excluded.recv_ms},
    )
    rows = [
        {
            "site": site,
            "digest": hashlib.sha256(letter.topic.encode() + b"\0" + letter.payload).digest(),
            "topic": letter.topic,
            "payload": letter.payload,
            "reason": letter.reason,
            "count": 1,
            "first_recv_ms": letter.recv_ms,
            "recv_ms": letter.recv_ms,
        }
        for letter in letters
    ]
    connection.execute(statement, rows)
