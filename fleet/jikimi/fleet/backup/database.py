"""The database's part of a backup: SQLite's online backup, PostgreSQL's pg_dump and pg_restore."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from jikimi.fleet.errors import StoreError
from jikimi.fleet.store.engine import make_engine, writer
from jikimi.fleet.store.migrations import bring_up_to_date
from jikimi.fleet.store.schema import ack, restoration

if TYPE_CHECKING:
    from jikimi.fleet.site import Site

_NAMES: Final = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
_DEBIAN: Final = Path("/usr/lib/postgresql")


def engine_of(url: str) -> str:
    """Return sqlite or postgresql."""
    return sa.make_url(url).get_backend_name()


def name(site: Site) -> str:
    """What the dump of this site's database is called in a backup."""
    return _NAMES[engine_of(site.database_url)]


def dumped(directory: Path) -> str | None:
    """The engine of the dump in an unpacked backup; None: there is no dump."""
    return next((engine for engine, file in _NAMES.items() if (directory / file).is_file()), None)


def files(site: Site) -> set[Path]:
    """The files a running database has, which mean nothing on their own."""
    if engine_of(site.database_url) != "sqlite":
        return set()
    main = _sqlite_path(site)
    return {main.with_name(main.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")}


def dump(site: Site, target: Path) -> None:
    """Write the database, as of one moment, to `target`; writers go on meanwhile. StoreError."""
    if engine_of(site.database_url) == "postgresql":
        _run("pg_dump", site.database_url, "--format=custom", "--no-owner", f"--file={target}")
        return
    try:
        with closing(sqlite3.connect(_sqlite_path(site))) as source, closing(sqlite3.connect(target)) as copy:
            # In one step: page by page it would begin again whenever ingest commits.
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE").close()
    except sqlite3.Error as error:
        raise StoreError(f"the database cannot be read: {error}") from error


def load(site: Site, directory: Path) -> None:
    """Make the site's database from the dump in `directory`, and remove the dump. StoreError."""
    had, wanted = dumped(directory), engine_of(site.database_url)
    if had is None or had != wanted:
        raise StoreError(f"the backup is of {had}, and cannot be restored into {wanted}")
    source = directory / _NAMES[had]
    if had == "sqlite":
        target = _sqlite_path(site)
        if target.exists():
            raise StoreError(f"{target} is there already: move it away, or name another with --database")
        shutil.move(source, target)
        return
    _refuse_used(site.database_url)
    _run("pg_restore", site.database_url, "--no-owner", "--exit-on-error", "--single-transaction", str(source))
    source.unlink()


def note_restored(site: Site, now_ms: int) -> None:
    """Bring the database up to date, and note that devices may have forgotten what it does not have."""
    engine = make_engine(site.database_url)
    try:
        bring_up_to_date(engine)
        with writer(engine).begin() as connection:
            connection.execute(restoration.insert().values(site=site.name, at_ms=now_ms))
            connection.execute(ack.update().where(ack.c.site == site.name).values(restored=True))
    except sa.exc.DBAPIError as error:
        raise StoreError(f"the restored database does not work: {error.orig}") from error
    finally:
        engine.dispose()


def _sqlite_path(site: Site) -> Path:
    return Path(sa.make_url(site.database_url).database or "")


def _refuse_used(url: str) -> None:
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            used = sa.inspect(connection).get_table_names()
    except sa.exc.DBAPIError as error:
        raise StoreError(f"the database {engine.url} does not work: {error.orig}") from error
    finally:
        engine.dispose()
    if used:
        raise StoreError(f"the database {engine.url} is not empty: make a new one, and name it with --database")


def _run(program: str, url: str, *arguments: str) -> None:
    """A program of PostgreSQL on a database; what it complains about comes out as StoreError."""
    address = sa.make_url(url)
    query = {key: value for key, value in address.query.items() if isinstance(value, str)}
    given = {"host": address.host or query.get("host"), "port": address.port and str(address.port)}
    given |= {"username": address.username, "dbname": address.database}
    command = [_program(program), *(f"--{key}={value}" for key, value in given.items() if value), *arguments]
    secret = {"PGPASSWORD": str(address.password)} if address.password else {}
    done = subprocess.run(command, env={**os.environ, **secret}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StoreError(f"{program}: {done.stderr.strip()}")


def _program(name: str) -> str:
    """The newest of it on this machine: an older one refuses the dump of a newer server."""
    found = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parent.parent.name))
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise StoreError(f"{name} is not on this machine: install the clients of PostgreSQL (postgresql-client)")
    return program
