"""What SQLite and PostgreSQL do in different words: INSERT … ON CONFLICT, and rows held until the commit."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


def is_shared(connection: sa.Connection) -> bool:
    """Whether other writers may be at work now: PostgreSQL, while SQLite lets one in at a time."""
    return connection.dialect.name == "postgresql"


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An insert into `table` with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return insert_into(table, is_shared(connection))


# Statements that each commit needs are made once: to make one takes longer than to execute it.
@functools.cache
def insert_into(table: sa.Table, shared: bool) -> Any:
    """The same, for PostgreSQL (`shared`) or SQLite; only the one in use is imported, as every command waits for it."""
    if shared:
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def overwriting(connection: sa.Connection, table: sa.Table, *names: str) -> Any:
    """An insert into `table` that gives a row which is there already the new values of the columns `names`."""
    return _overwriting(table, is_shared(connection), names)


@functools.cache
def _overwriting(table: sa.Table, shared: bool, names: tuple[str, ...]) -> Any:
    statement = insert_into(table, shared)
    changed = {name: statement.excluded[name] for name in names}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed)


def rows_for_update(
    connection: sa.Connection,
    table: sa.Table,
    site: str,
    keys: Collection[tuple[Any, ...]],
    first: Callable[[tuple[Any, ...]], dict[str, Any]],
) -> list[dict[str, Any]]:
    """The rows of `keys` (the primary key without `site`), which no other writer changes before our commit.

    Where others write too, a row that is missing is made as `first` says, or there would be nothing to hold; rows are
    taken in the order of their keys, so that two writers never wait for each other.
    """
    if not keys:
        return []
    columns = [column for column in table.primary_key.columns if column.name != "site"]
    mine = (table.c.site == site) & sa.tuple_(*columns).in_([tuple(key) for key in keys])
    query = sa.select(table).where(mine).order_by(*columns).with_for_update()
    rows = [dict(row) for row in connection.execute(query).mappings()]
    if len(rows) < len(keys) and is_shared(connection):
        have = {tuple(row[column.name] for column in columns) for row in rows}
        made = [{"site": site, **first(key)} for key in sorted(keys) if tuple(key) not in have]
        connection.execute(insert(connection, table).on_conflict_do_nothing(), made)
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return rows
