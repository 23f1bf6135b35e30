"""A site whose broker has three nodes, with PostgreSQL behind several ingest workers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jikimi.fleet import broker
from jikimi.fleet.services import Supervisor, standard_services
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site import cluster as clusters
from jikimi.fleet.site.settings import BrokerSettings, DatabaseSettings, WebSettings
from tools import postgres
from tools.links import Links


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    if postgres.binaries() is None:
        pytest.skip(f"needs Debian's package {postgres.PACKAGE}")
    with postgres.Server() as server:
        yield server


@pytest.fixture(scope="module")
def links() -> Iterator[Links]:
    """The network between the three nodes."""
    with Links(clusters.on_this_machine(3)) as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, postgres_server: postgres.Server, links: Links) -> Site:
    settings = Settings(
        broker=BrokerSettings(mqtt_port=0),
        web=WebSettings(port=0),
        database=DatabaseSettings(postgres_server.url()),
    )
    one = Site.init(tmp_path_factory.mktemp("cluster") / "plant", settings=settings)
    clusters.save(one.path, links.cluster)
    site = Site.open(one.path)
    broker.issue_certificate(site)
    return site


@pytest.fixture(scope="module")
def up(site: Site) -> Iterator[Supervisor]:
    with Supervisor(site, standard_services(site, web=False)) as supervisor:
        yield supervisor
