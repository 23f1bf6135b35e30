"""A store of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jikimi.fleet.store import Store
from tests.fleet_ingest.build import add_devices, open_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Of a database with the tags t1 and t2 in zone hall and the node n1 in zone dock."""
    address = f"sqlite:///{tmp_path / 'store.db'}"
    open_store(address).close()
    add_devices(address, t1=("tag", "hall"), t2=("tag", "hall"), n1=("node", "dock"))
    return address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Open on that database."""
    with open_store(url) as opened:
        yield opened
