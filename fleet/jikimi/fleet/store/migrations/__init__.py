"""The schema's versions: a database made by any earlier version is brought up to date when it is opened.

A new database is made from `jikimi.fleet.store.schema` at once; a test holds that both ways lead to the same tables.
The modules in `versions` are alembic's; their numbers follow each other without gaps or branches.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from jikimi.fleet.errors import StoreError
from jikimi.fleet.store.engine import writer
from jikimi.fleet.store.schema import metadata

__all__ = ["bring_up_to_date", "known"]

_HERE = Path(__file__).parent
_NUMBER = re.compile(r"r(\d{4})_\w+\.py")
_BASELINE: Final = "0001"  # the tables of databases from before there were migrations
_LOCK: Final = 0x6A6B_0001  # of PostgreSQL's advisory locks; in SQLite the write lock does it

# As alembic makes it, so that its own command works on our databases too.
_VERSION = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def known() -> list[str]:
    """Numbers of all versions, the newest last."""
    names = (_NUMBER.fullmatch(path.name) for path in (_HERE / "versions").iterdir())
    return sorted(match[1] for match in names if match)


def bring_up_to_date(engine: sa.Engine) -> None:
    """Make or change the tables as this version needs them; one process at a time, all or nothing.

    StoreError when a later version of Jikimi has been here. Errors of the database come out as they are.
    """
    versions = known()
    with engine.connect() as connection:
        if _found(connection) == versions[-1]:
            return
    with writer(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        _migrate(connection, versions)


def _migrate(connection: sa.Connection, versions: list[str]) -> None:
    found = _found(connection)
    if found is None and not sa.inspect(connection).has_table("device"):
        metadata.create_all(connection)
        _stamp(connection, versions[-1])
        return
    if found is None:
        found = _BASELINE
        _stamp(connection, found)
    if found not in versions:
        raise StoreError(
            f"the database is of a later Jikimi (its schema is {found}, this one knows {versions[-1]}): "
            "update Jikimi, or restore a backup made before that update"
        )
    if found != versions[-1]:
        _upgrade(connection)


def _found(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    return connection.execute(sa.select(_VERSION.c.version_num)).scalar()


def _stamp(connection: sa.Connection, version: str) -> None:
    _VERSION.create(connection)
    connection.execute(_VERSION.insert().values(version_num=version))


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command, config  # slow import, needed once in a database's version

    settings = config.Config()
    settings.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
