"""The site of a drill: a broker of several nodes, several workers, and their processes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jikimi.fleet import broker
from jikimi.fleet.services import Service, broker_service, ingest_service
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site import cluster as clusters
from jikimi.fleet.site.settings import BrokerSettings, DatabaseSettings, WebSettings

if TYPE_CHECKING:
    from pathlib import Path

_STORE_MB = 256  # of each node: hours of what a drill's tags send


def make_site(directory: Path, nodes: int, workers: int, database: str | None) -> Site:
    """A new site at `directory` (absent or empty) on loopback and free ports; `database` None: SQLite."""
    settings = Settings(
        broker=BrokerSettings(mqtt_port=0, store_max_mb=_STORE_MB),
        web=WebSettings(port=0),
        database=DatabaseSettings() if database is None else DatabaseSettings(database),
    )
    made = Site.init(directory, "drill", settings)
    clusters.save(made.path, clusters.on_this_machine(nodes, workers))
    site = Site.open(made.path)
    broker.issue_certificate(site)
    return site


def services(site: Site, workers: int, away_s: float) -> list[Service]:
    """The nodes, then the workers; one that was killed stays away for `away_s`, so that its absence can be seen."""
    nodes = [replace(broker_service(site, node), is_ready=lambda _pid: True) for node in broker.nodes_here(site)]
    ingest = [ingest_service(site, number + 1) for number in range(workers)]
    return [replace(service, away_s=away_s) for service in (*nodes, *ingest)]
