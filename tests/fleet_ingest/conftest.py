"""A store of its own for each test, in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jikimi.fleet.store import Store
from tests.fleet_ingest.build import add_devices, open_store
from tools import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """One for all tests of this process."""
    if postgres.binaries() is None:
        pytest.skip(f"needs Debian's package {postgres.PACKAGE}")
    with postgres.Server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database without any tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server: postgres.Server = request.getfixturevalue("postgres_server")
    return server.schema_url()


@pytest.fixture
def url(empty_url: str) -> str:
    """Of a database with the tags t1 and t2 in zone hall and the node n1 in zone dock."""
    open_store(empty_url).close()
    add_devices(empty_url, t1=("tag", "hall"), t2=("tag", "hall"), n1=("node", "dock"))
    return empty_url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Open on that database."""
    with open_store(url) as opened:
        yield opened
