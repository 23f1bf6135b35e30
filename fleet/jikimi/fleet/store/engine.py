"""Database engines with the guarantees the store is built on.

SQLite: write-ahead log (readers never wait for the writer) with synchronous=FULL, so that a commit is on the disk
before anything is acknowledged; a writer takes the write lock at the start of its transaction, so that two processes
queue up instead of failing half way.

PostgreSQL (driver psycopg, extra `postgresql`): the same by its defaults; a commit waits for the disk whatever the
server's own setting, and a writer that hangs in a transaction is cut off, because others wait for what it holds.
"""

from __future__ import annotations

import logging
import random
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa

from jikimi.fleet.errors import StoreAwayError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
_IN_VAIN: Final = ("40001", "40P01")  # serialization failure, deadlock
_ATTEMPTS: Final = 4
_PAUSE_S: Final = 0.05
_WAL_PAUSE_S: Final = 0.01
_BUSY_S = 30  # how long to wait for another process's write transaction
# SQLite's cache of each connection. It fills with the database, so this is what a process with one busy connection
# grows by; 2 to 32 MiB made no difference that could be measured, with 1,000 and 5,000 devices writing in turn.
CACHE_KIB: Final = 8_192
_CONNECT_S = 10
_IDLE_S = 60  # of a transaction in which nothing is asked
_WRITES = "jikimi_writes"


def make_engine(url: str) -> sa.Engine:
    """An engine for `url`; connections are made on use. StoreError when we cannot use such a database."""
    try:
        engine = _engine(sa.make_url(url))
    except ModuleNotFoundError as error:
        raise StoreError(f"PostgreSQL needs the module {error.name}: pip install 'jikimi[postgresql]'") from error
    except sa.exc.ArgumentError as error:
        raise StoreError(f"[database] url: {error}") from error
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _engine(url: sa.URL) -> sa.Engine:
    backend = url.get_backend_name()
    if backend == "sqlite":
        return sa.create_engine(url, connect_args={"timeout": _BUSY_S})
    if backend != "postgresql":
        raise StoreError(f"[database] url: {backend} is not supported, SQLite and PostgreSQL are")
    settings = f"-c synchronous_commit=on -c idle_in_transaction_session_timeout={_IDLE_S}s"
    # What the URL says for itself comes last and wins.
    asked = " ".join(url.normalized_query.get("options", ()))
    url = url.set(drivername="postgresql+psycopg").difference_update_query(["options"])
    options = {"connect_timeout": _CONNECT_S, "options": f"{settings} {asked}".rstrip()}
    # Each statement sees what was committed before it: what `acks` and `horizon` are built on. A connection is tried
    # before it is used again, so that a server that was restarted meanwhile costs nobody an error.
    return sa.create_engine(url, isolation_level="READ COMMITTED", pool_pre_ping=True, connect_args=options)


def failure(engine: sa.Engine, error: sa.exc.DBAPIError) -> StoreError:
    """What to raise for `error`: a server that is away is waited for, a file that does not work is looked at."""
    text = f"the database {engine.url} does not work ({error.orig}): check [database] url"
    away = engine.dialect.name == "postgresql" and isinstance(error, sa.exc.OperationalError)
    return StoreAwayError(text) if away else StoreError(text)


def writer(engine: sa.Engine) -> sa.Engine:
    """The same engine, whose transactions write."""
    return engine.execution_options(**{_WRITES: True})


def again_if_in_vain(engine: sa.Engine, work: Callable[[sa.Connection], _Result]) -> _Result:
    """`work` in a writing transaction, again where the database took it back by no fault of the work's.

    That is a deadlock, a serialization failure, or a connection that turned out to be dead; what was committed just
    before the connection broke is then done twice, so `work` must be idempotent.
    """
    for attempt in range(1, _ATTEMPTS):
        try:
            with writer(engine).begin() as connection:
                return work(connection)
        except sa.exc.DBAPIError as error:
            if not (error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _IN_VAIN):
                raise
            _log.info("the database took a transaction back, trying again: %s", error.orig)
            # At once, it would take again what the other one of a deadlock is waiting for.
            time.sleep(random.uniform(0.5, 1.0) * attempt * _PAUSE_S)
    with writer(engine).begin() as connection:
        return work(connection)


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where the driver guesses
    _write_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", f"cache_size=-{CACHE_KIB}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _write_ahead(connection: Any) -> None:
    """Use the write-ahead log. SQLite waits for other connections everywhere but here, so this waits itself.

    Only the first connection to a new file has something to change; others that come at that moment find it locked.
    """
    deadline = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(random.uniform(0.5, 1.0) * _WAL_PAUSE_S)


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
