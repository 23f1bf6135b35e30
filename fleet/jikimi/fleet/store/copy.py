"""PostgreSQL's COPY: rows in one stream, without a statement for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Sequence

_TYPES = {sa.String: "varchar", sa.BigInteger: "int8", sa.Integer: "int4", sa.LargeBinary: "bytea"}


def copy_all(connection: sa.Connection, table: sa.Table, columns: Sequence[str], cells: list[Any]) -> bool:
    """Insert all rows, `cells` in the order of `columns`, if none breaks a unique key; else none, and return False."""
    import psycopg  # an optional dependency, which is there when PostgreSQL is used

    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    raw = connection.connection
    with connection.begin_nested() as attempt:
        try:
            with raw.cursor().copy(statement) as copy:
                copy.set_types([_TYPES[type(table.c[name].type)] for name in columns])
                for start in range(0, len(cells), len(columns)):
                    copy.write_row(cells[start : start + len(columns)])
        except psycopg.errors.UniqueViolation:
            attempt.rollback()
            return False
        except psycopg.Error as error:
            raise _as_sqlalchemys(connection, statement, error, psycopg.Error) from error
    return True


def _as_sqlalchemys(connection: sa.Connection, statement: str, error: Exception, base: type[Exception]) -> Exception:
    raw: Any = connection.connection.dbapi_connection
    dead = bool(raw is None or raw.closed)
    if dead:
        connection.invalidate(error)
    return sa.exc.DBAPIError.instance(statement, None, error, base, connection_invalidated=dead)
