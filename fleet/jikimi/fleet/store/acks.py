"""Cumulative acknowledgement: for each sequence of records the highest seq with nothing missing below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from jikimi.fleet.store.batch import StreamKey
from jikimi.fleet.store.schema import ack, parked, record
from jikimi.fleet.store.schema import lost as lost_table
from jikimi.fleet.store.upsert import insert, rows_for_update

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

# Rows fetched at a time while walking over records stored above a former gap.
_WALK = 256


class LostRange(NamedTuple):
    """Records `first` to `last` (both included) of a sequence, which their device overwrote before they were sent."""

    key: StreamKey
    first: int
    last: int


class Mark(NamedTuple):
    """Of one sequence: everything up to `upto` is accounted for, and the `highest` of all is."""

    upto: int
    highest: int


def take(connection: sa.Connection, site: str, keys: Collection[StreamKey]) -> dict[StreamKey, Mark]:
    """The marks of `keys`, which are ours until the commit: of two writers at one sequence the second waits here.

    So the second sees all that the first has committed, and the two together leave no gap that is none.
    """
    rows = rows_for_update(connection, ack, site, keys, _first)
    return {StreamKey(row["device"], row["boot"], row["stream"]): Mark(row["upto_seq"], row["max_seq"]) for row in rows}


def _first(key: tuple[Any, ...]) -> dict[str, Any]:
    return {**StreamKey(*key)._asdict(), "upto_seq": 0, "max_seq": 0}


def advance(
    connection: sa.Connection,
    site: str,
    before: Mapping[StreamKey, Mark],
    touched: Collection[StreamKey],
    new: Mapping[StreamKey, Sequence[int]],
    lost: Iterable[LostRange],
) -> dict[StreamKey, Mark]:
    """Move the marks of the `touched` sequences; `new` and `lost` are in their tables already.

    `before` are marks that were taken. Returns the mark of each touched sequence, moved or not.
    """
    before = {**before, **take(connection, site, [key for key in touched if key not in before])}
    lost_top = _tops(lost)
    after: dict[StreamKey, Mark] = {}
    for key in touched:
        old = before.get(key, Mark(0, 0))
        seqs = sorted(new.get(key, ()))
        highest = max(old.highest, seqs[-1] if seqs else 0, lost_top.get(key, 0))
        upto = _contiguous(seqs, old.upto)
        # Only a gap, old or new, leaves something above the mark to look for.
        after[key] = Mark(upto if upto == highest else _walk(connection, site, key, upto), highest)
    _save(connection, site, {key: mark for key, mark in after.items() if mark != before.get(key)})
    return after


def _tops(lost: Iterable[LostRange]) -> dict[StreamKey, int]:
    tops: dict[StreamKey, int] = {}
    for item in lost:
        tops[item.key] = max(item.last, tops.get(item.key, 0))
    return tops


def _contiguous(seqs: Iterable[int], upto: int) -> int:
    for seq in seqs:
        if seq == upto + 1:
            upto = seq
        elif seq > upto:
            break
    return upto


def _walk(connection: sa.Connection, site: str, key: StreamKey, upto: int) -> int:
    """The mark after everything stored or declared lost next to `upto`."""
    while True:
        moved = _contiguous(_stored_above(connection, site, key, upto), upto)
        moved = max(
            moved, _lost_through(connection, site, key, moved + 1), _parked_at(connection, site, key, moved + 1)
        )
        if moved == upto:
            return upto
        upto = moved


def _stored_above(connection: sa.Connection, site: str, key: StreamKey, upto: int) -> Iterable[int]:
    query = (
        sa.select(record.c.seq)
        .where(
            record.c.site == site,
            record.c.device == key.device,
            record.c.boot == key.boot,
            record.c.stream == key.stream,
            record.c.seq > upto,
        )
        .order_by(record.c.seq)
        .limit(_WALK)
    )
    return connection.execute(query).scalars()


def _lost_through(connection: sa.Connection, site: str, key: StreamKey, seq: int) -> int:
    """End of the longest declared range that covers `seq`; 0: none does."""
    query = sa.select(sa.func.max(lost_table.c.last_seq)).where(
        lost_table.c.site == site,
        lost_table.c.device == key.device,
        lost_table.c.boot == key.boot,
        lost_table.c.stream == key.stream,
        lost_table.c.first_seq <= seq,
        lost_table.c.last_seq >= seq,
    )
    return connection.execute(query).scalar() or 0


def _parked_at(connection: sa.Connection, site: str, key: StreamKey, seq: int) -> int:
    """`seq` if that record is parked in a dead letter, else 0."""
    this = {"site": site, **key._asdict(), "seq": seq}
    query = sa.select(parked.c.seq).where(*(parked.c[name] == value for name, value in this.items()))
    return connection.execute(query).scalar() or 0


def park(connection: sa.Connection, site: str, key: StreamKey, seq: int, digest: bytes) -> int:
    """Take `seq` as parked in the dead letter with `digest` if it is the record its sequence waits for.

    Returns the mark of the sequence, moved or not.
    """
    before = take(connection, site, [key])
    upto = before.get(key, Mark(0, 0)).upto
    if seq != upto + 1:
        return upto
    row = {"site": site, **key._asdict(), "seq": seq, "digest": digest}
    connection.execute(insert(connection, parked).on_conflict_do_nothing(), row)
    return advance(connection, site, before, [key], {key: [seq]}, ())[key].upto


def _save(connection: sa.Connection, site: str, marks: Mapping[StreamKey, Mark]) -> None:
    if not marks:
        return
    statement = insert(connection, ack)
    moved = {"upto_seq": statement.excluded.upto_seq, "max_seq": statement.excluded.max_seq}
    statement = statement.on_conflict_do_update(index_elements=list(ack.primary_key.columns), set_=moved)
    rows = [
        {"site": site, **key._asdict(), "upto_seq": mark.upto, "max_seq": mark.highest} for key, mark in marks.items()
    ]
    connection.execute(statement, rows)
