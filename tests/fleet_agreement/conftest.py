"""A site without an agreement, in SQLite and in PostgreSQL, and a key for each party."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jikimi.fleet.agreement import example
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import DatabaseSettings, SiteSettings, render
from tests.fleet_ingest.build import SITE
from tests.fleet_ingest.conftest import empty_url, postgres_server

__all__ = ["empty_url", "postgres_server"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """On SQLite."""
    return Site.init(tmp_path / SITE, settings=Settings(site=SiteSettings(SITE)))


@pytest.fixture
def any_site(site: Site, empty_url: str) -> Site:
    """On the test's database, of either kind."""
    (site.path / "site.toml").write_text(render(replace(site.settings, database=DatabaseSettings(empty_url))))
    return Site.open(site.path)


@pytest.fixture(scope="session")
def keys() -> example.Keys:
    return example.keys()
