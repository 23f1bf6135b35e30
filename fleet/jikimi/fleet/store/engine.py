"""Database engines with the guarantees the store is built on.

SQLite: write-ahead log (readers never wait for the writer) with synchronous=FULL, so that a commit is on the disk
before anything is acknowledged; a writer takes the write lock at the start of its transaction, so that two processes
queue up instead of failing half way.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

_BUSY_S = 30  # how long to wait for another process's write transaction
_WRITES = "jikimi_writes"


def make_engine(url: str) -> sa.Engine:
    """An engine for `url`; connections are made on use."""
    options: dict[str, Any] = {"connect_args": {"timeout": _BUSY_S}}
    engine = sa.create_engine(url, **(options if url.startswith("sqlite") else {}))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def writer(engine: sa.Engine) -> sa.Engine:
    """The same engine, whose transactions write."""
    return engine.execution_options(**{_WRITES: True})


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where the driver guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
