"""The store's inner loop: new records into their table.

Nearly every batch is all new. Then rows go to the driver as flat parameters, many rows to a statement, which takes half
the processor time of one statement a row; only for a batch with repetitions the database is asked what it has, in one
question for each sequence, because repetitions come when everything is slow already.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import cbor2
import sqlalchemy as sa

from jikimi.fleet.errors import StoreError
from jikimi.fleet.store.batch import StreamKey
from jikimi.fleet.store.copy import copy_all, text
from jikimi.fleet.store.derive import Stored, has_consequences
from jikimi.fleet.store.schema import record
from jikimi.fleet.store.upsert import is_shared
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jikimi.fleet.store.batch import RecordMessage

_COLUMNS = [column.name for column in record.c if column.name != "id"]
_WIDTH = len(_COLUMNS)
# Rows of one statement: a power of two, so that few different ones have to be prepared. The driver lets other threads
# run while a statement does, so fewer statements mean less waiting for them.
_MOST_ROWS = 512
_APART = 64  # seqs; closer ones are looked for together


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
    """Insert what is not there yet; each message's device is one of `senders`, each sequence is ours (`acks.take`)."""
    if not messages:
        return New(0, {}, [])
    if not _insert_all(connection, site, messages, senders):
        messages = _without_known(connection, site, messages)
        if not _insert_all(connection, site, messages, senders):
            raise StoreError("records appear in sequences that are locked: another program writes to this database")
    return _new(messages, senders)


def _insert_all(
    connection: sa.Connection, site: str, messages: Sequence[RecordMessage], senders: Mapping[str, Sender]
) -> bool:
    """Insert all records if none of them is there yet; else insert nothing and return False."""
    if is_shared(connection):
        lines = (_lines(site, senders[message.key.device].zone, message) for message in messages)
        return copy_all(connection, record, _COLUMNS, lines)
    cells: list[Any] = []
    for message in messages:
        _add_rows(cells, site, senders[message.key.device].zone, message)
    return _insert_cells(connection, cells)


def _without_known(connection: sa.Connection, site: str, messages: Sequence[RecordMessage]) -> list[RecordMessage]:
    """The same messages without records that are stored, or that one before them has."""
    offered: dict[StreamKey, list[int]] = {}
    for message in messages:
        offered.setdefault(message.key, []).extend([item.seq for item in message.records])
    known = {key: _known(connection, site, key, seqs) for key, seqs in offered.items()}
    found = []
    for message in messages:
        mine, have = [], known[message.key]
        for item in message.records:
            if item.seq not in have:
                have.add(item.seq)
                mine.append(item)
        found.append(message._replace(records=tuple(mine)))
    return found


def _known(connection: sa.Connection, site: str, key: StreamKey, seqs: Sequence[int]) -> set[int]:
    """Which of `seqs` are stored, and perhaps some between them."""
    this = {"site": site, **key._asdict()}
    mine = sa.and_(*(record.c[name] == value for name, value in this.items()))
    found: set[int] = set()
    for first, last in _runs(sorted(seqs)):
        found.update(
            connection.execute(sa.select(record.c.seq).where(mine, record.c.seq.between(first, last))).scalars()
        )
    return found


def _runs(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Ranges that cover the ascending `seqs`; a range ends where many numbers are left out."""
    runs: list[tuple[int, int]] = []
    for seq in seqs:
        if runs and seq - runs[-1][1] <= _APART:
            runs[-1] = (runs[-1][0], seq)
        else:
            runs.append((seq, seq))
    return runs


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


def _insert_cells(connection: sa.Connection, cells: list[Any]) -> bool:
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


def _new(messages: Sequence[RecordMessage], senders: Mapping[str, Sender]) -> New:
    seqs: dict[StreamKey, list[int]] = {}
    consequential: list[Stored] = []
    for message in messages:
        records = message.records
        seqs.setdefault(message.key, []).extend([item.seq for item in records])
        if has_consequences(message.key.stream, {item.kind for item in records}):
            sender = senders[message.key.device]
            consequential += [Stored(message, item, sender.kind, sender.zone) for item in records]
    return New(sum(len(message.records) for message in messages), seqs, consequential)
