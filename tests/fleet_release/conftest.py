"""A signing key of 32 signatures, made once: growing one takes longer than what most tests look at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jikimi.fleet.signing import SigningKey


@pytest.fixture(scope="session")
def grown_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory: Path = tmp_path_factory.mktemp("keys") / "grown"
    SigningKey.create(directory, 5)
    return directory


@pytest.fixture
def key(grown_key: Path, tmp_path: Path) -> SigningKey:
    """A copy, as no real key may ever be copied."""
    shutil.copytree(grown_key, tmp_path / "key")
    return SigningKey.open(tmp_path / "key")
