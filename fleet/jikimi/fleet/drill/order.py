"""Whether the database tells what each device recorded in the order in which it happened, asked row by row."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from jikimi.fleet.store.schema import record


class Order(NamedTuple):
    """Of all records of a site."""

    kept: bool  # each device's records, read by their place, tell a later moment each, with none missing between
    late: int  # came after one that follows them, and are in their place


def read(database_url: str, site: str) -> Order:
    """The order of everything stored for the site."""
    sequence = (record.c.device, record.c.boot, record.c.stream)

    def before(column: sa.Column[int], by: sa.Column[int]) -> sa.Label[int]:
        return sa.func.lag(column).over(partition_by=sequence, order_by=by).label(f"{column.name}_before_by_{by.name}")

    came, stood, happened = (
        before(record.c.seq, record.c.id),
        before(record.c.seq, record.c.seq),
        before(record.c.t_up_ms, record.c.seq),
    )
    mine = record.c.site == site
    rows = sa.select(record.c.seq, record.c.t_up_ms, came, stood, happened).where(mine).subquery()
    late = rows.c.seq < rows.c[came.name]
    wrong = (rows.c.seq != sa.func.coalesce(rows.c[stood.name], 0) + 1) | (rows.c.t_up_ms <= rows.c[happened.name])
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            n_wrong, n_late = (
                connection.execute(sa.select(sa.func.count()).select_from(rows).where(which)).scalar_one()
                for which in (wrong, late)
            )
    finally:
        engine.dispose()
    return Order(n_wrong == 0, n_late)
