"""Cumulative acknowledgement: for each sequence of records the highest seq with nothing missing below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from jikimi.fleet.store.batch import StreamKey
from jikimi.fleet.store.schema import ack, parked, record, restoration
from jikimi.fleet.store.schema import lost as lost_table
from jikimi.fleet.store.upsert import insert, overwriting, rows_for_update

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
    host_epoch_ms: int | None = None  # when its boot began by the host's clock, at the latest
    restored: bool = False  # from a backup, and not heard of since


def take(connection: sa.Connection, site: str, keys: Collection[StreamKey]) -> dict[StreamKey, Mark]:
    """The marks of `keys`, which are ours until the commit: of two writers at one sequence the second waits here.

    So the second sees all that the first has committed, and the two together leave no gap that is none.
    """
    rows = rows_for_update(connection, ack, site, keys, _first)
    return {StreamKey(row["device"], row["boot"], row["stream"]): _mark(row) for row in rows}


def _mark(row: Mapping[str, Any]) -> Mark:
    return Mark(row["upto_seq"], row["max_seq"], row["host_epoch_ms"], bool(row["restored"]))


def _first(key: tuple[Any, ...]) -> dict[str, Any]:
    return {**StreamKey(*key)._asdict(), "upto_seq": 0, "max_seq": 0}


def advance(
    connection: sa.Connection,
    site: str,
    before: Mapping[StreamKey, Mark],
    touched: Collection[StreamKey],
    new: Mapping[StreamKey, Sequence[int]],
    lost: Iterable[LostRange],
    host_epochs_ms: Mapping[StreamKey, int],
) -> dict[StreamKey, Mark]:
    """Move the marks of the `touched` sequences; `new` and `lost` are in their tables already.

    `before` are marks that were taken, `host_epochs_ms` when boots began as the new messages tell.
    Returns the mark of each touched sequence, moved or not.
    """
    before = {**before, **take(connection, site, [key for key in touched if key not in before])}
    lost_top = _tops(lost)
    after: dict[StreamKey, Mark] = {}
    for key in touched:
        old = before.get(key, Mark(0, 0))
        seqs = sorted(new.get(key, ()))
        highest = max(old.highest, seqs[-1] if seqs else 0, lost_top.get(key, 0))
        if seqs and seqs[0] > old.upto + 1 and _may_be_forgotten(connection, site, old, host_epochs_ms.get(key)):
            _give_up(connection, site, LostRange(key, old.upto + 1, seqs[0] - 1))
        upto = _contiguous(seqs, old.upto)
        # Only a gap, old or new, leaves something above the mark to look for.
        upto = upto if upto == highest else _walk(connection, site, key, upto)
        after[key] = Mark(upto, highest, _lower(old.host_epoch_ms, host_epochs_ms.get(key)), old.restored and not seqs)
    _save(connection, site, {key: mark for key, mark in after.items() if mark != before.get(key)})
    return after


def _may_be_forgotten(connection: sa.Connection, site: str, old: Mark, began_ms: int | None) -> bool:
    """Whether records below the first new one may be in neither the database nor the device.

    So it is after a restore: what was acknowledged after the backup is gone. A device sends the oldest it has first,
    so what lies below the first message of a sequence since then will not come; nor will what a boot wrote that began
    before the restore and is not in the backup at all.
    """
    if old.restored:
        return True
    if old.highest or began_ms is None:
        return False
    query = sa.select(sa.func.max(restoration.c.at_ms)).where(restoration.c.site == site)
    restored_ms: int | None = connection.execute(query).scalar()
    return restored_ms is not None and began_ms < restored_ms


def _give_up(connection: sa.Connection, site: str, gone: LostRange) -> None:
    row = {"site": site, **gone.key._asdict(), "first_seq": gone.first, "last_seq": gone.last}
    connection.execute(insert(connection, lost_table).on_conflict_do_nothing(), row)


def _lower(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


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
    return advance(connection, site, before, [key], {key: [seq]}, (), {})[key].upto


def _save(connection: sa.Connection, site: str, marks: Mapping[StreamKey, Mark]) -> None:
    if not marks:
        return
    statement = overwriting(connection, ack, "upto_seq", "max_seq", "host_epoch_ms", "restored")
    rows = [
        {
            "site": site,
            **key._asdict(),
            "upto_seq": mark.upto,
            "max_seq": mark.highest,
            "host_epoch_ms": mark.host_epoch_ms,
            "restored": mark.restored,
        }
        for key, mark in marks.items()
    ]
    connection.execute(statement, rows)
