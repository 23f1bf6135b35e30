"""The order of storage as an index by time of receipt, which no insert has to pay for."""

from __future__ import annotations

import sqlalchemy as sa

from jikimi.fleet.store.schema import record


def first_received_since(connection: sa.Connection, site: str, ms: int) -> int:
    """The lowest id from which on records were received at `ms` or later, found by halving."""
    low, high = (
        0,
        (connection.execute(sa.select(sa.func.max(record.c.id)).where(record.c.site == site)).scalar() or 0) + 1,
    )
    while low < high:
        middle = (low + high) // 2
        query = sa.select(record.c.id, record.c.recv_ms).where(record.c.site == site, record.c.id >= middle)
        found = connection.execute(query.order_by(record.c.id).limit(1)).one_or_none()
        if found is None or found.recv_ms >= ms:
            high = middle
        else:
            low = found.id + 1
    return low
