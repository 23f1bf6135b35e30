"""A private system bus with a fake BlueZ on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.fake_bluez import FakeBluez, system_bus


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with system_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        yield address


@pytest.fixture
def bluez(bus: str) -> Iterator[FakeBluez]:
    fake = FakeBluez(bus)
    yield fake
    fake.close()
