"""A cluster loses parts of itself under load: nothing is lost or doubled, each device's records keep their order."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa

from jikimi.fleet import broker, registry
from jikimi.fleet.load import Tag, account, drive, enrol
from jikimi.fleet.services import Supervisor, ingest_service
from jikimi.fleet.services.child import Child
from jikimi.fleet.site import Site
from jikimi.fleet.store import Store
from jikimi.fleet.store.schema import record
from tools import postgres

_TAGS, _BATCH = 12, 5
_DEADLINE_S = 60.0


def _wait_until(condition: Callable[[], object]) -> None:
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < _DEADLINE_S, f"not within {_DEADLINE_S} s: {condition}"
        time.sleep(0.02)


class _Load:
    """Tags that send in a thread of their own until `finish`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.tags: list[Tag] = enrol(site, _TAGS, _BATCH)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._run(),))
        self._thread.start()

    async def _run(self) -> None:
        self._took_s = await drive(self.tags, lambda: not self._stopping.is_set(), lambda _line: None)

    @property
    def acked(self) -> int:
        return sum(tag.acked for tag in self.tags)

    def goes_on(self) -> None:
        """Every tag has something acknowledged that was not when this was called."""
        before = {tag.device: tag.acked for tag in self.tags}
        _wait_until(lambda: all(tag.acked > before[tag.device] for tag in self.tags))

    def finish(self) -> tuple[int, int]:
        """Stop; (lost, doubled) by the tags' ledger."""
        self._stopping.set()
        self._thread.join()
        with Store.open(self.site.database_url, self.site.name) as store:
            stored = {row.device: row.stored for row in store.sequences()}
        report = account(self.tags, _BATCH, self._took_s, stored)
        return report.lost, report.duplicates


@pytest.fixture
def load(site, up):
    running = _Load(site)
    yield running
    running.finish()


def _pid(up: Supervisor, name: str) -> int:
    (pid,) = [status.pid for status in up.status() if status.name == name]
    assert pid is not None
    return pid


def _runs(up: Supervisor, name: str, *, other_than: int) -> bool:
    return any(one.name == name and one.ready and one.pid not in (None, other_than) for one in up.status())


def _inversions(site: Site) -> int:
    """Records that were stored after one of the same device that follows them."""
    before = sa.func.lag(record.c.seq).over(
        partition_by=(record.c.device, record.c.boot, record.c.stream), order_by=record.c.id
    )
    rows = sa.select(record.c.seq, before.label("before")).where(record.c.site == site.name).subquery()
    engine = sa.create_engine(site.database_url)
    with engine.connect() as connection:
        found = connection.execute(sa.select(sa.func.count()).where(rows.c.seq < rows.c.before)).scalar_one()
    engine.dispose()
    return int(found)


def _is_told_in_order(site: Site) -> bool:
    """Whether what readers get of each device is in the order in which it happened, with nothing missing between."""
    with Store.open(site.database_url, site.name) as store:
        sequences = store.sequences()
    sequence = (record.c.device, record.c.boot, record.c.stream)
    earlier = sa.func.lag(record.c.t_up_ms).over(partition_by=sequence, order_by=record.c.seq)
    rows = sa.select(record.c.t_up_ms, earlier.label("earlier")).where(record.c.site == site.name).subquery()
    engine = sa.create_engine(site.database_url)
    with engine.connect() as connection:
        back = connection.execute(sa.select(sa.func.count()).where(rows.c.t_up_ms <= rows.c.earlier)).scalar_one()
    engine.dispose()
    return back == 0 and all(row.upto == row.highest == row.stored for row in sequences)


def test_workers_share_the_devices_and_keep_their_order(site, up, load):
    load.goes_on()
    assert load.finish() == (0, 0)
    assert _inversions(site) == 0
    workers = [(site.log_dir / f"ingest-{number}.log").read_text() for number in (1, 2)]
    assert all("storing for site" in log for log in workers)


def test_a_node_a_worker_and_the_database_die_in_turn_and_nothing_is_lost_or_doubled(
    site, up, load, postgres_server: postgres.Server
):
    for name in ("broker-2", "ingest-1"):
        load.goes_on()
        pid = _pid(up, name)
        os.kill(pid, signal.SIGKILL)
        _wait_until(partial(_runs, up, name, other_than=pid))
    load.goes_on()
    postgres_server.stop(crash=True)
    before = load.acked
    postgres_server.start()
    load.goes_on()
    assert load.acked > before
    assert load.finish() == (0, 0)
    assert _is_told_in_order(site)


def _routes(site: Site, number: int) -> int:
    """Connections of a node (from 0) to other nodes."""
    return int(broker.monitor(site, "routez", broker.nodes(site)[number])["num_routes"])


def test_a_node_cut_off_from_the_others_loses_nothing_and_doubles_nothing(site, up, load, links):
    load.goes_on()
    links.isolate(0)
    # It is told of the others by nobody, and finds no way around the cut.
    _wait_until(lambda: _routes(site, 0) == 0)
    load.goes_on()  # its tags have found another node
    links.heal()
    _wait_until(lambda: all(_routes(site, number) > 0 for number in range(3)))
    load.goes_on()
    assert load.finish() == (0, 0)
    assert _is_told_in_order(site)


def test_a_frozen_node_holds_up_nobody(site, up, load):
    """It keeps its connections and answers nobody."""
    load.goes_on()
    pid = _pid(up, "broker-3")
    os.kill(pid, signal.SIGSTOP)
    try:
        load.goes_on()  # its tags have found another node
    finally:
        os.kill(pid, signal.SIGCONT)
    load.goes_on()
    assert load.finish() == (0, 0)
    assert _is_told_in_order(site)


def test_a_worker_added_under_load_takes_its_share_and_leaves_it_again(site, up, load):
    load.goes_on()
    third = Child(site, ingest_service(site, 3))
    third.start()
    _wait_until(third.check_ready)
    load.goes_on()
    third.stop()
    load.goes_on()
    assert load.finish() == (0, 0)
    assert _is_told_in_order(site)


def test_a_revoked_device_is_cut_off_at_every_node(site, up):
    tags = enrol(site, 3, 1)  # each knows another node first

    async def all_refused() -> None:
        for tag in tags:
            await tag.connect()
        for tag in tags:
            registry.revoke(site, tag.device)
        for tag in tags:
            await asyncio.wait_for(tag.ended(), 2.0)

    asyncio.run(all_refused())
    assert len(broker.nodes_here(site)) == 3
