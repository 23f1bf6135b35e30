"""The order of storage as an index by time of receipt, which no insert has to pay for."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from jikimi.fleet.store.schema import record
from jikimi.fleet.store.upsert import is_shared


def by_id(connection: sa.Connection, site: str) -> sa.ColumnElement[bool]:
    """That a record is of `site`, in a query that goes by id.

    PostgreSQL has both in its primary key. SQLite would take the key of records, which begins with the site as well,
    and walk over all of them; a plus in front of the column keeps it from that.
    """
    column: sa.ColumnElement[str] = record.c.site
    if not is_shared(connection):
        column = UnaryExpression(column, operator=custom_op("+"), type_=record.c.site.type)
    return column == site


def first_received_since(connection: sa.Connection, site: str, ms: int) -> int:
    """The lowest id from which on records were received at `ms` or later, found by halving."""
    mine = by_id(connection, site)
    newest = sa.select(record.c.id).where(mine).order_by(record.c.id.desc()).limit(1)
    low, high = 0, (connection.execute(newest).scalar() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        query = sa.select(record.c.id, record.c.recv_ms).where(mine, record.c.id >= middle)
        found = connection.execute(query.order_by(record.c.id).limit(1)).one_or_none()
        if found is None or found.recv_ms >= ms:
            high = middle
        else:
            low = found.id + 1
    return low
