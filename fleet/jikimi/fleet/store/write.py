"""One commit: records, the tables derived from them, acknowledgements, device status and dead letters.

Whatever the order, repetition and grouping in which messages arrive, the tables end up the same: each statement here
is an insert that ignores what is there already, or a maximum, a minimum or a set union over new records alone.
"""

from __future__ import annotations

import hashlib
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from jikimi.fleet.store import acks, alarm_rows, derive, horizon, status
from jikimi.fleet.store.batch import DeadLetter, Outcome, RecordMessage, Source, StreamKey
from jikimi.fleet.store.host_alarms import UNREADABLE, end_alarm, raise_alarm
from jikimi.fleet.store.insert import Sender, insert_records
from jikimi.fleet.store.schema import dead_letter, device
from jikimi.fleet.store.upsert import insert
from jikimi.wire import topics

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from jikimi.fleet.store.batch import Batch
    from jikimi.fleet.store.rows import DeadLetterRow

UNKNOWN_DEVICE = "unknown-device"
_ACTIVE = "active"


def store_batch(connection: sa.Connection, site: str, batch: Batch) -> Outcome:
    """Write `batch` in the transaction of `connection`; nothing is committed here."""
    senders = _senders(connection, site, batch)
    active = {name for name, sender in senders.items() if sender.active}
    messages = [message for message in batch.messages if message.key.device in active]
    marks = acks.take(connection, site, {message.key for message in messages})
    if messages:
        horizon.announce(connection)
    new = insert_records(connection, site, messages, senders)
    lost = derive.update(connection, site, new.consequential)
    after = acks.advance(connection, site, marks, _touched(messages, lost), new.seqs, lost, _host_epochs_ms(messages))
    acknowledged = {key: mark.upto for key, mark in after.items()}
    gaps = {key: mark.highest for key, mark in after.items() if mark.upto < mark.highest}
    status.update(connection, site, [report for report in batch.statuses if report.device in senders], messages, active)
    letters = [*batch.dead_letters, *_from_unknown(batch, senders, active)]
    _bury(connection, site, letters)
    _show_refused_alarms(connection, site, letters)
    for letter in letters:
        if letter.key is not None and letter.seq is not None and letter.key.device in active:
            digest = _digest(letter.source)
            acknowledged[letter.key] = acks.park(connection, site, letter.key, letter.seq, digest)
    sent = sum(len(message.records) for message in messages)
    taken_on = alarm_rows.taken_on(connection, site, new.consequential)
    gaps = {key: highest for key, highest in gaps.items() if acknowledged[key] < highest}
    return Outcome(new.n, sent - new.n, len(letters), acknowledged, taken_on, gaps)


def _host_epochs_ms(messages: Iterable[RecordMessage]) -> dict[StreamKey, int]:
    """For each sequence when its boot began, at the latest: no record is received before it was written."""
    found: dict[StreamKey, int] = {}
    for message in messages:
        began_ms = message.source.recv_ms - message.records[-1].t_ms
        known_ms = found.get(message.key)
        if known_ms is None or began_ms < known_ms:
            found[message.key] = began_ms
    return found


def _show_refused_alarms(connection: sa.Connection, site: str, letters: Iterable[DeadLetter]) -> None:
    """A message of alarms that cannot be read may be a call for help: somebody must look."""
    prefix, suffix = f"{topics.PREFIX}/{site}/", f"/{topics.ALARM}"
    for source in {letter.source.topic: letter.source for letter in letters}.values():
        if source.topic.startswith(prefix) and source.topic.endswith(suffix):
            name = source.topic[len(prefix) : -len(suffix)]
            query = sa.select(device.c.zone).where(device.c.site == site, device.c.device == name)
            zone = connection.execute(query).scalar()
            if zone is not None:
                raise_alarm(connection, site, name, UNREADABLE, zone, source.recv_ms)


def _senders(connection: sa.Connection, site: str, batch: Batch) -> dict[str, Sender]:
    devices = {message.key.device for message in batch.messages} | {report.device for report in batch.statuses}
    devices |= {letter.key.device for letter in batch.dead_letters if letter.key is not None}
    if not devices:
        return {}
    # Asked in each transaction, so that a device added or revoked by another process counts at once.
    query = sa.select(device.c.device, device.c.kind, device.c.zone, device.c.state).where(
        device.c.site == site, device.c.device.in_(devices)
    )
    return {name: Sender(kind, zone, state == _ACTIVE) for name, kind, zone, state in connection.execute(query)}


def _from_unknown(batch: Batch, senders: Collection[str], active: Collection[str]) -> list[DeadLetter]:
    # A revoked device may still be reported lost, but has no say any more.
    messages = [message.source for message in batch.messages if message.key.device not in active]
    reports = [report.source for report in batch.statuses if report.device not in senders]
    return [DeadLetter(source, UNKNOWN_DEVICE) for source in (*messages, *reports)]


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
    # In one order, so that two writers with the same letters do not wait for each other.
    graves = sorted((_grave(site, letter) for letter in letters), key=itemgetter("digest"))
    connection.execute(statement, graves)


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


def forget(connection: sa.Connection, site: str, letter: DeadLetterRow, now_ms: int) -> None:
    """Remove a dead letter; with the last one of a device's alarms ends the alarm that they cannot be read."""
    connection.execute(
        dead_letter.delete().where(dead_letter.c.site == site, dead_letter.c.digest == bytes.fromhex(letter.id))
    )
    others = sa.exists().where(dead_letter.c.site == site, dead_letter.c.topic == letter.topic)
    levels = letter.topic.split("/")
    if levels[-1] == topics.ALARM and len(levels) == 4 and not connection.execute(sa.select(others)).scalar():
        end_alarm(connection, site, levels[2], UNREADABLE, now_ms, "read")
