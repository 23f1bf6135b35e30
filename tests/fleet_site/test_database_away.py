"""A database server that is away keeps a site waiting; it does not stop it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jikimi.fleet.errors import ServiceError, StoreAwayError, StoreError
from jikimi.fleet.services import Supervisor, broker_service, python_service, standard_services
from jikimi.fleet.services.child import QUICK_DEATHS
from jikimi.fleet.services.patience import patiently
from jikimi.fleet.services.ready import is_ready, waits_for
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, DatabaseSettings, WebSettings
from jikimi.fleet.store import Store
from tools import postgres

_DEADLINE_S = 60.0


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    if postgres.binaries() is None:
        pytest.skip(f"needs Debian's package {postgres.PACKAGE}")
    with postgres.Server() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, server: postgres.Server) -> Site:
    settings = Settings(
        broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0), database=DatabaseSettings(server.url())
    )
    return Site.init(tmp_path / "plant", settings=settings)


def _wait_until(condition: Callable[[], object]) -> None:
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < _DEADLINE_S, f"not within {_DEADLINE_S} s"
        time.sleep(0.02)


def test_a_site_started_while_its_database_is_away_says_so_waits_and_comes_up(site, server):
    server.stop()
    lines: list[str] = []
    services = [broker_service(site), python_service(site, "upkeep")]
    up = Supervisor(site, services, lines.append)
    starting = threading.Thread(target=up.start)
    starting.start()
    try:
        _wait_until(lambda: any(line.startswith("broker waits: the database") for line in lines))
        assert not any(one.ready for one in up.status())
        server.start()
        starting.join()
        assert all(one.ready and one.restarts == 0 for one in up.status())
    finally:
        up.stop()


def test_services_that_end_while_the_database_is_away_wait_for_it_and_all_come_back(site, server):
    lines: list[str] = []
    names = {"broker", "ingest", "upkeep", "web"}  # delivery needs no database to serve
    services = [service for service in standard_services(site) if service.name in names]
    with Supervisor(site, services, lines.append) as up:
        server.stop(crash=True)
        for one in up.status():
            assert one.pid is not None
            os.kill(one.pid, signal.SIGKILL)
        _wait_until(lambda: names <= {line.split(" waits: ")[0] for line in lines if " waits: the database" in line})
        server.start()
        _wait_until(lambda: all(one.ready for one in up.status()))
        assert all(one.restarts < QUICK_DEATHS for one in up.status())
        assert not up.wait(0)  # ServiceError, had it given up


def test_only_a_server_that_is_away_is_waited_for(site, server, tmp_path):
    server.stop()
    with pytest.raises(StoreAwayError, match="does not work"):
        Store.open(site.database_url, site.name)
    with pytest.raises(StoreError, match="does not work") as caught:
        Store.open(f"sqlite:///{tmp_path}/nowhere/at.db", site.name)
    assert not isinstance(caught.value, StoreAwayError)


def test_who_waits_is_not_ready_until_it_has_what_it_waits_for(site):
    found: list[str | None] = []

    def work() -> int:
        found.append(waits_for(site, "upkeep", os.getpid()))
        if len(found) < 2:
            raise StoreAwayError("gone")
        assert not is_ready(site, "upkeep", os.getpid())
        return 7

    assert patiently(site, "upkeep", work) == 7
    assert found == [None, "gone"]
    with pytest.raises(ServiceError):
        patiently(site, "upkeep", _fail)


def _fail() -> None:
    raise ServiceError("for good")
