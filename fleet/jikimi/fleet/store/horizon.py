"""Order of storage under several writers.

Ids are given out when rows are inserted, and rows are seen when they are committed: with two writers a lower id may
appear after a higher one, and a reader that goes by the last id it saw would miss it. So in PostgreSQL each writer
announces, before it takes ids, above which id they will be, by an advisory lock that ends with its transaction; a
reader goes no further than the lowest announcement. In SQLite there is one writer at a time, and nothing to announce.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from jikimi.fleet.store.upsert import is_shared

_TAG: Final = 0x6A6B  # in the upper 16 bits of our locks' keys; the id is in the lower 48
_LAST = "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM record_id_seq"
_ANNOUNCE = sa.text(f"SELECT pg_advisory_xact_lock_shared(({_TAG}::bigint << 48) | ({_LAST}))")
_LAST_GIVEN = sa.text(_LAST)
_LOWEST = sa.text(f"""
    SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = {_TAG}
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")  # noqa: S608, constants


def announce(connection: sa.Connection) -> None:
    """Say, before the first record is inserted, that this transaction will take ids."""
    if is_shared(connection):
        connection.execute(_ANNOUNCE)


def settled(connection: sa.Connection) -> int | None:
    """The id up to which everything is visible to the next statement, for good; None: there is no limit.

    The last id given out is asked for before the announcements: who announces later, or ends in between, has taken
    ids above it, or has made its rows visible.
    """
    if not is_shared(connection):
        return None
    last: int = connection.execute(_LAST_GIVEN).scalar_one()
    lowest: int | None = connection.execute(_LOWEST).scalar()
    return last if lowest is None else min(last, lowest)
