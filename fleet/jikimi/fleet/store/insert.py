"""The store's inner loop: new records into their table.

Nearly every batch is all new. Then rows go to the driver as flat parameters, many rows to a statement, which takes half
the processor time of one statement a row; only a batch with repetitions asks the database which records were new.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import cbor2

from jikimi.fleet.store.batch import StreamKey
from jikimi.fleet.store.copy import copy_all, text
from jikimi.fleet.store.derive import Stored, has_consequences
from jikimi.fleet.store.schema import record
from jikimi.fleet.store.upsert import insert, is_shared
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

    from jikimi.fleet.store.batch import NewRecord, RecordMessage

_COLUMNS = [column.name for column in record.c if column.name != "id"]
_WIDTH = len(_COLUMNS)
# Rows of one statement: a power of two, so that few different ones have to be prepared. The driver lets other threads
# run while a statement does, so fewer statements mean less waiting for them.
_MOST_ROWS = 512


class Sender(NamedTuple):
    """What the registry knows of a device."""

    kind: str
    zone: str
    active: bool


class New(NamedTuple):
    """Records that the store did not have: their seqs, and those from which other tables follow."""

    n: int
    seqs: dict[StreamKey, list[int]]
    consequential: list[Stored]


def insert_records(
    connection: sa.Connection, site: str, messages: Sequence[RecordMessage], senders: Mapping[str, Sender]
) -> New:
    """Insert what is not there yet; each message's device is one of `senders`."""
    if not messages:
        return New(0, {}, [])
    if is_shared(connection):
        lines = (_lines(site, senders[message.key.device].zone, message) for message in messages)
        if copy_all(connection, record, _COLUMNS, lines):
            return _new([(message, message.records) for message in messages], senders)
    cells: list[Any] = []
    for message in messages:
        _add_rows(cells, site, senders[message.key.device].zone, message)
    if not is_shared(connection) and _insert_all(connection, cells):
        return _new([(message, message.records) for message in messages], senders)
    return _new(_insert_missing(connection, messages, cells), senders)


def _lines(site: str, zone: str, message: RecordMessage) -> str:
    """A message's rows for PostgreSQL's COPY; what all of them share is written once."""
    front = "".join(f"{text(value)}\t" for value in (site, *message.key))
    shared = (message.boot_epoch_ms, message.clock_quality, message.source.recv_ms, zone)
    back = "".join(f"\t{text(value)}" for value in shared) + "\t\\\\x"
    category, encode = kinds.category, cbor2.dumps
    return "".join(
        [
            f"{front}{seq}\t{kind}\t{category(kind)}\t{t_ms}{back}{encode(data).hex()}\n"
            for seq, kind, t_ms, data in message.records
        ]
    )


def _add_rows(cells: list[Any], site: str, zone: str, message: RecordMessage) -> None:
    """Append the columns of each record, in the order of `_COLUMNS`."""
    device, boot, stream = message.key
    epoch_ms, quality, recv_ms = message.boot_epoch_ms, message.clock_quality, message.source.recv_ms
    last: object = None
    body = b""
    for seq, kind, t_ms, data in message.records:
        if data is not last:
            # The body is in the order of the message, which is the one order the wire allows.
            last, body = data, cbor2.dumps(data)
        category = kinds.category(kind)
        cells += (site, device, boot, stream, seq, kind, category, t_ms, epoch_ms, quality, recv_ms, zone, body)


def _insert_all(connection: sa.Connection, cells: list[Any]) -> bool:
    """Insert all rows if none of them is there yet; else insert nothing and return False."""
    with connection.begin_nested() as attempt:
        inserted, start, left = 0, 0, len(cells) // _WIDTH
        while left:
            n_rows = min(_MOST_ROWS, 1 << (left.bit_length() - 1))
            end = start + n_rows * _WIDTH
            inserted += connection.exec_driver_sql(_text(n_rows), tuple(cells[start:end])).rowcount
            start, left = end, left - n_rows
        if inserted * _WIDTH == len(cells):
            return True
        attempt.rollback()
    return False


@functools.lru_cache
def _text(n_rows: int) -> str:
    row = f"({', '.join('?' * _WIDTH)})"
    columns = ", ".join(_COLUMNS)
    return f"INSERT INTO {record.name} ({columns}) VALUES {', '.join([row] * n_rows)} ON CONFLICT DO NOTHING"  # noqa: S608, no values


def _insert_missing(
    connection: sa.Connection, messages: Sequence[RecordMessage], cells: list[Any]
) -> list[tuple[RecordMessage, list[NewRecord]]]:
    """Insert those rows that are not there; each message with its records that were new."""
    offered: dict[tuple[Any, ...], dict[str, Any]] = {}
    for start in range(0, len(cells), _WIDTH):
        row = dict(zip(_COLUMNS, cells[start : start + _WIDTH], strict=True))
        offered.setdefault((row["device"], row["boot"], row["stream"], row["seq"]), row)
    columns = (record.c.device, record.c.boot, record.c.stream, record.c.seq)
    statement = insert(connection, record).on_conflict_do_nothing().returning(*columns)
    new = {tuple(row) for row in connection.execute(statement, list(offered.values()))}
    found = []
    for message in messages:
        mine = []
        for item in message.records:
            identity = (*message.key, item.seq)
            if identity in new:
                new.remove(identity)  # the first of several that were offered
                mine.append(item)
        found.append((message, mine))
    return found


def _new(found: Sequence[tuple[RecordMessage, Sequence[NewRecord]]], senders: Mapping[str, Sender]) -> New:
    seqs: dict[StreamKey, list[int]] = {}
    consequential = []
    count = 0
    for message, records in found:
        count += len(records)
        seqs.setdefault(message.key, []).extend([item.seq for item in records])
        if has_consequences(message.key.stream, {item.kind for item in records}):
            sender = senders[message.key.device]
            consequential += [Stored(message, item, sender.kind, sender.zone) for item in records]
    return New(count, seqs, consequential)
