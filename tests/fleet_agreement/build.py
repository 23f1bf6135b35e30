"""Short ways to agree on something, and to tamper with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from jikimi.fleet.agreement import desk, example
from jikimi.fleet.agreement.chain import Link
from jikimi.fleet.agreement.terms import PARTIES, Terms
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.site import Site
from jikimi.fleet.store import schema


def agree(site: Site, keys: example.Keys, terms: Terms, *parties: str) -> Link:
    """Propose terms and sign them for `parties`, or for as many as it takes."""
    link = desk.propose(site, terms)
    for party in parties or PARTIES:
        if link.in_force_ms is None:
            link = desk.sign_as(site, party, keys[party])
    return link


def days(terms: Terms, **changes: int) -> tuple[tuple[str, int], ...]:
    """The rules of retention with some changed."""
    return tuple(sorted({**dict(terms.retention_days), **changes}.items()))


@contextmanager
def tampering(site: Site) -> Iterator[sa.Connection]:
    """What whoever owns the database can do to it."""
    with transaction(site) as connection:
        yield connection


def change(site: Site, table: str, number: int, /, **values: Any) -> None:
    """Change a row behind everybody's back."""
    found = schema.metadata.tables[table]
    with tampering(site) as connection:
        connection.execute(found.update().where(found.c.number == number).values(values))


def remove(site: Site, table: str, number: int) -> None:
    """Take a row out behind everybody's back."""
    found = schema.metadata.tables[table]
    with tampering(site) as connection:
        connection.execute(found.delete().where(found.c.number == number))
