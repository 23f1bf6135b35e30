"""Reading the database without trusting it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import pytest
import sqlalchemy as sa

from jikimi.fleet.demo.ledger import Key
from jikimi.fleet.demo.stored import Stored, read, stored_keys
from jikimi.fleet.store import schema
from jikimi.wire import kinds


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'site.db'}"


@pytest.fixture
def database(url: str) -> Iterator[sa.Engine]:
    """The schema with the record table's key taken away, as nothing else lets a duplicate in."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    schema.metadata.create_all(engine)
    loose = sa.Table("record", sa.MetaData(), *(_plain(column) for column in schema.record.columns))
    with engine.begin() as connection:
        schema.record.drop(connection)
        loose.create(connection)
    yield engine
    engine.dispose()


def _plain(column: sa.Column[Any]) -> sa.Column[Any]:
    return sa.Column(column.name, column.type, primary_key=column.primary_key)


def _row(seq: int, kind: int = kinds.NEAR_MISS, site: str = "s", epoch: int | None = 1000) -> dict[str, object]:
    return {
        "site": site,
        "device": "da",
        "boot": 1,
        "stream": 1,
        "seq": seq,
        "kind": kind,
        "category": "proximity",
        "t_up_ms": 5,
        "boot_epoch_ms": epoch,
        "clock_quality": 2,
        "recv_ms": 7777,
        "zone": "aisle",
        "body": cbor2.dumps({1: 2}),
    }


def _store(database: sa.Engine, *rows: dict[str, object]) -> None:
    with database.begin() as connection:
        connection.execute(schema.record.insert(), list(rows))


def test_records_come_back_with_their_keys_times_and_data(database: sa.Engine, url: str) -> None:
    _store(database, _row(1), _row(2, epoch=None), _row(1, site="other"))
    stored = read(url, "s")
    assert stored.keys == {Key("da", 1, 1, 1), Key("da", 1, 1, 2)} == stored_keys(url, "s")
    assert [record.epoch_ms for record in stored.records] == [1005, 7777]
    assert stored.records[0].data == {1: 2}
    assert stored.duplicates == 0


def test_rows_beyond_one_per_key_are_duplicates(database: sa.Engine, url: str) -> None:
    _store(database, _row(1), _row(1), _row(1), _row(2))
    assert read(url, "s").duplicates == 2


def test_a_near_miss_counted_twice_in_the_aggregate_is_a_duplicate(database: sa.Engine, url: str) -> None:
    _store(database, _row(1), _row(2))
    cell = {"site": "s", "zone": "aisle", "machine": "dm", "hour_ms": 0, "danger_count": 0}
    with database.begin() as connection:
        connection.execute(schema.near_miss_hour.insert().values(count=3, **cell))
    assert read(url, "s").duplicates == 1


def test_an_empty_site_has_nothing_stored(database: sa.Engine, url: str) -> None:
    assert read(url, "s") == Stored((), 0)
