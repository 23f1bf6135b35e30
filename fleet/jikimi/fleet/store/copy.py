"""PostgreSQL's COPY: rows in one stream, without a statement for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def text(value: object) -> str:
    """A value as COPY's text format has it."""
    if value is None:
        return "\\N"
    return value.translate(_ESCAPES) if isinstance(value, str) else str(value)


def copy_all(connection: sa.Connection, table: sa.Table, columns: Sequence[str], lines: Iterable[str]) -> bool:
    """Insert all rows if none breaks a unique key; else none, and return False. A line is `text` between tabs."""
    import psycopg  # an optional dependency, which is there when PostgreSQL is used

    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"
    raw = connection.connection
    with connection.begin_nested() as attempt:
        try:
            with raw.cursor().copy(statement) as copy:
                copy.write("".join(lines))
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
