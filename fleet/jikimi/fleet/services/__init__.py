"""The processes of a site and their supervisor.

    with Supervisor(site, standard_services(site)):
        ...

Contract for a service run as `python -m jikimi.fleet.NAME --site DIR`:

- it calls `mark_ready(site, NAME)` once it does its work (see `jikimi.fleet.services.ready`);
- SIGTERM asks it to finish within ten seconds, exit code 0; SIGINT never reaches it;
- it logs to stderr, which is SITE/log/NAME.log; it may be killed at any moment and started again;
- it connects to the broker at `broker.host_address(site)` with `broker.host_context(site)` under the client id
  `site.client_id("ingest")`, and connects again by itself when the broker restarts (the port stays the same).
"""

from __future__ import annotations

import importlib.util
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from jikimi.fleet import broker, registry
from jikimi.fleet.broker import mosquitto
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.services.child import Service
from jikimi.fleet.services.ready import is_ready, mark_ready, ready_path
from jikimi.fleet.services.supervisor import Status, Supervisor, refuse_running
from jikimi.fleet.site.ports import is_free

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jikimi.fleet.site import Site

__all__ = [
    "Service",
    "Status",
    "Supervisor",
    "broker_service",
    "ingest_service",
    "is_ready",
    "mark_ready",
    "mosquitto_service",
    "python_service",
    "ready_path",
    "refuse_running",
    "refuse_without_cluster_library",
    "standard_services",
    "web_service",
]


def standard_services(site: Site, *, web: bool = True, other_broker: bool = False) -> list[Service]:
    """Broker, ingest, delivery, upkeep and (unless `web` is false) the live page, in starting order.

    Of a cluster: the nodes and workers of this machine. With `other_broker` the broker is Mosquitto; ServiceError where
    that is not possible.
    """
    brokers = [broker_service(site, node) for node in broker.nodes_here(site)]
    if other_broker:
        brokers = [mosquitto_service(site)]
    workers = 1 if site.cluster is None else site.cluster.workers
    ingest = [ingest_service(site, number) for number in range(1, workers + 1)]
    rest = [replace(python_service(site, name), vital=False) for name in ("delivery", "upkeep")]
    if site.cluster is not None:
        rest.append(replace(python_service(site, "admission"), vital=False))
    return [*_together(brokers), *ingest, *rest, *([web_service(site)] if web else [])]


def broker_service(site: Site, node: broker.Node | None = None) -> Service:
    """nats-server, ready when its MQTT port completes a TLS handshake."""
    return Service(
        name="broker" if node is None else node.name,
        command=broker.command(site, node),
        is_ready=lambda _pid: broker.accepts_tls(site, node),
        start_context=partial(registry.broker_start, site, node),
    )


def mosquitto_service(site: Site) -> Service:
    """Mosquitto instead of nats-server."""

    def is_ready(_pid: int) -> bool:
        if not broker.accepts_tls(site):
            return False
        registry.apply(site)
        return True

    if site.cluster is not None:
        raise ServiceError(mosquitto.NO_CLUSTER)
    return Service(
        name="mosquitto",
        command=mosquitto.command(site),
        is_ready=is_ready,
        start_context=partial(registry.mosquitto_start, site),
    )


def ingest_service(site: Site, number: int = 1) -> Service:
    """The one ingest of a site, or worker `number` of a cluster on this machine. ServiceError: it could not work."""
    service = python_service(site, "ingest")
    if site.cluster is None:
        return service
    refuse_without_cluster_library()
    name = f"ingest-{number}"
    command = [*service.command, "--worker", str(number)]
    # Ready when the nodes have a majority: on one machine all workers, and what comes after them, wait for it at once.
    return replace(service, name=name, command=command, is_ready=partial(is_ready, site, name), awaited=False)


def refuse_without_cluster_library() -> None:
    """ServiceError, saying what to install, where workers could not share a broker of several nodes."""
    if importlib.util.find_spec("nats") is None:
        raise ServiceError("a broker of several nodes needs the module nats: pip install 'jikimi[cluster]'")


def _together(brokers: list[Service]) -> list[Service]:
    # A node of a cluster opens its MQTT port only when a majority of the nodes is there, so that none may wait for the
    # one before; the workers behind them wait for the cluster by themselves.
    if len(brokers) == 1:
        return brokers
    return [replace(service, is_ready=lambda _pid: True) for service in brokers]


def web_service(site: Site) -> Service:
    """The live page; a port that another program holds is named before it starts."""
    return replace(python_service(site, "web"), start_context=partial(_web_start, site), vital=False)


def python_service(site: Site, name: str) -> Service:
    """`python -m jikimi.fleet.NAME --site DIR`, ready when it says so."""
    return Service(
        name=name,
        command=[sys.executable, "-u", "-m", f"jikimi.fleet.{name}", "--site", str(site.path)],
        is_ready=partial(is_ready, site, name),
    )


@contextmanager
def _web_start(site: Site) -> Iterator[None]:
    host, port = site.settings.web.host, site.ports().web
    if not is_free(host, port):
        raise ServiceError(
            f"port {port} on {host} is taken by another program: stop it, set [web] port in "
            f"{site.path / 'site.toml'}, or go without the live page (--no-web)"
        )
    yield
