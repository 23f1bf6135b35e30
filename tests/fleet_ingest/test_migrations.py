"""Databases of earlier versions, of later ones, and of several processes at once."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from alembic import command, config, script
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from jikimi.fleet.errors import StoreError
from jikimi.fleet.store import Batch, migrations, schema
from jikimi.fleet.store.engine import make_engine, writer
from jikimi.wire import kinds
from tests.fleet_ingest.build import add_devices, events, message, open_store, tables

HERE = str(migrations._HERE)


def to_version(url: str, version: str, *, stamped: bool = True) -> None:
    """Make the tables of `version`; not `stamped`: as before there were migrations."""
    engine = make_engine(url)
    with writer(engine).begin() as connection:
        settings = config.Config()
        settings.set_main_option("script_location", HERE)
        settings.attributes["connection"] = connection
        command.upgrade(settings, version)
        if not stamped:
            connection.exec_driver_sql("DROP TABLE alembic_version")
    engine.dispose()


def version_of(url: str) -> str | None:
    engine = make_engine(url)
    with engine.connect() as connection:
        found = migrations._found(connection)
    engine.dispose()
    return found


def set_version(url: str, version: str) -> None:
    engine = make_engine(url)
    with writer(engine).begin() as connection:
        connection.execute(migrations._VERSION.update().values(version_num=version))
    engine.dispose()


def test_versions_follow_each_other_without_gaps_or_branches():
    numbers = migrations.known()
    assert numbers == [f"{n:04}" for n in range(1, len(numbers) + 1)]
    walked = list(script.ScriptDirectory(HERE).walk_revisions())
    assert [one.revision for one in reversed(walked)] == numbers
    assert [one.down_revision for one in reversed(walked)] == [None, *numbers[:-1]]


def test_a_new_database_is_of_the_newest_version(url):
    assert version_of(url) == migrations.known()[-1]


def test_all_versions_in_turn_make_the_tables_of_the_schema(empty_url):
    to_version(empty_url, "head")
    engine = make_engine(empty_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    engine.dispose()


@pytest.mark.parametrize("way", ["at once", "version by version"])
@pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)
def test_every_table_can_be_sharded_by_site(empty_url, way):
    if way == "at once":
        open_store(empty_url).close()
    else:
        to_version(empty_url, "head")
    engine = make_engine(empty_url)
    inspector = sa.inspect(engine)
    keys = {name: inspector.get_pk_constraint(name)["constrained_columns"] for name in schema.metadata.tables}
    assert {name: key for name, key in keys.items() if "site" not in key} == {}
    engine.dispose()


def test_a_database_of_before_there_were_versions_is_brought_up_to_date_with_its_data(empty_url):
    to_version(empty_url, "0001", stamped=False)
    add_devices(empty_url, t1=("tag", "hall"))
    engine = make_engine(empty_url)
    row = dict.fromkeys(("site", "device"), "x") | {"boot": 1, "stream": 1, "seq": 4, "kind": 18, "category": "c"}
    row |= {"t_up_ms": 1, "clock_quality": 0, "recv_ms": 2, "zone": "z", "body": b"\xa0", "boot_epoch_ms": None}
    with writer(engine).begin() as connection:
        columns, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        connection.execute(sa.text(f"INSERT INTO record ({columns}) VALUES ({marks})"), row)
    engine.dispose()
    with open_store(empty_url) as store:
        assert store.store_batch(Batch(messages=(events("t1", 1, 2),))).stored == 2
    assert version_of(empty_url) == migrations.known()[-1]
    assert ("x", "x", 1, 1, 4) in [found[:5] for found in tables(empty_url)["record"]]


@pytest.mark.parametrize("version", migrations.known())
def test_a_database_of_each_version_can_be_opened_and_written(empty_url, version):
    to_version(empty_url, version)
    add_devices(empty_url, t1=("tag", "hall"))
    with open_store(empty_url) as store:
        store.store_batch(Batch(messages=(message("t1", kinds.STREAM_ALARM, (1, kinds.SOS, {})),)))
        assert [row.id for row in store.open_alarms()] == ["t1.1.1"]


def test_a_database_of_a_later_version_is_refused_and_left_as_it_is(url):
    set_version(url, "9999")
    before = tables(url)
    with pytest.raises(StoreError, match=r"later Jikimi .*9999.*update"):
        open_store(url)
    assert tables(url) == before
    assert version_of(url) == "9999"


def test_a_change_that_fails_leaves_the_database_as_it_was(empty_url, monkeypatch):
    to_version(empty_url, "0001", stamped=False)

    def broken(*_: object) -> None:
        raise sa.exc.OperationalError("x", {}, Exception("disk"))

    monkeypatch.setattr(migrations, "_upgrade", broken)
    with pytest.raises(StoreError, match="disk"):
        open_store(empty_url)
    monkeypatch.undo()
    assert version_of(empty_url) is None
    open_store(empty_url).close()


@pytest.mark.parametrize("start", [None, "0001"])
def test_many_who_open_an_old_database_at_once_change_it_once(empty_url, start):
    if start is not None:
        to_version(empty_url, start)
    failures: list[Exception] = []
    barrier = threading.Barrier(4)

    def opened() -> None:
        barrier.wait()
        try:
            open_store(empty_url).close()
        except Exception as error:  # noqa: BLE001, whatever it is must fail the test
            failures.append(error)

    threads = [threading.Thread(target=opened) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert version_of(empty_url) == migrations.known()[-1]
