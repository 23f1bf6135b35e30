"""Rows of the data-use agreement; what they mean and whether they are genuine is `jikimi.fleet.agreement`'s to say."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from jikimi.fleet.store.rows import AgreementRow
from jikimi.fleet.store.schema import agreement


def rows(connection: sa.Connection, site: str) -> list[AgreementRow]:
    """All of them, in the order of their numbers."""
    columns = [agreement.c[name] for name in AgreementRow.__dataclass_fields__]
    query = sa.select(*columns).where(agreement.c.site == site).order_by(agreement.c.number)
    # PostgreSQL's driver may give views of memory.
    return [
        AgreementRow(row[0], bytes(row[1]), _bytes(row[2]), _bytes(row[3]), *row[4:])
        for row in connection.execute(query)
    ]


def put(connection: sa.Connection, site: str, row: AgreementRow) -> None:
    """Write a row in place of whatever has its number."""
    connection.execute(agreement.delete().where(agreement.c.site == site, agreement.c.number == row.number))
    connection.execute(agreement.insert().values({"site": site, **asdict(row)}))


def _bytes(found: bytes | None) -> bytes | None:
    return None if found is None else bytes(found)
