"""The service: real processes, real broker, mutual TLS, and kill -9."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from jikimi.fleet import broker, registry
from jikimi.fleet.cli import cli
from jikimi.fleet.ingest.__main__ import main
from jikimi.fleet.mqtt import Greeting, Incoming, Session
from jikimi.fleet.services import Supervisor, broker_service, python_service
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, DatabaseSettings, WebSettings, render
from jikimi.fleet.store import Store
from jikimi.wire import kinds, messages
from tests.fleet_ingest.device import DEADLINE_S, Device, wait_until

ON_FREE_PORTS = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
RECORDS = 1500


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.init(tmp_path / "works", settings=ON_FREE_PORTS)


@pytest.fixture
def node(site: Site) -> registry.DeviceFiles:
    return registry.add_device(site, "node", "Forklift 1", "dock", "forklift")


@pytest.fixture
def up(site: Site, node: registry.DeviceFiles) -> Iterator[Supervisor]:
    with Supervisor(site, [broker_service(site), python_service(site, "ingest")]) as supervisor:
        yield supervisor


@pytest.fixture
def broker_only(site: Site) -> Iterator[Supervisor]:
    with Supervisor(site, [broker_service(site)]) as supervisor:
        yield supervisor


@pytest.fixture
def device(site: Site, tmp_path: Path) -> Iterator[Callable[[registry.DeviceFiles], Device]]:
    opened: list[Device] = []

    def connect(files: registry.DeviceFiles) -> Device:
        opened.append(Device(site, files, tmp_path))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


@pytest.fixture
def site_store(site: Site) -> Iterator[Store]:
    with Store.open(site.database_url, site.name) as store:
        yield store


def kill(supervisor: Supervisor, name: str) -> None:
    """kill -9, and wait until the service runs again."""
    before = next(one for one in supervisor.status() if one.name == name)
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    restarts = before.restarts
    wait_until(lambda: any(one.name == name and one.restarts > restarts and one.ready for one in supervisor.status()))


def stored(store: Store) -> int:
    return sum(row.stored for row in store.sequences())


def assert_complete(store: Store, last: int) -> None:
    (row,) = store.sequences()
    assert (row.stored, row.lost, row.missing, row.upto) == (last, 0, 0, last)
    # A batch applied twice would show here.
    assert sum(cell.count for cell in store.near_miss_cells()) == last


@pytest.mark.parametrize("victim", ["ingest", "broker"])
def test_kill_9_in_the_middle_of_traffic_loses_nothing_and_doubles_nothing(up, node, device, site_store, victim):
    sender = device(node)
    for last in (400, 800, 1200):
        before = stored(site_store)
        sender.send(last - 399, last)
        wait_until(lambda before=before: stored(site_store) > before)  # type: ignore[misc]
        kill(up, victim)
    sender.send_until_acked(RECORDS)
    assert_complete(site_store, RECORDS)


@pytest.mark.parametrize("victim", ["ingest", "database"])
def test_with_postgresql_neither_a_killed_ingest_nor_a_crash_of_the_database_loses_or_doubles(
    tmp_path, postgres_server, victim
):
    settings = replace(ON_FREE_PORTS, database=DatabaseSettings(postgres_server.schema_url()))
    site = Site.init(tmp_path / "works", settings=settings)
    files = registry.add_device(site, "node", "Forklift 1", "dock", "forklift")
    with (
        Supervisor(site, [broker_service(site), python_service(site, "ingest")]) as supervisor,
        Store.open(site.database_url, site.name) as store,
    ):
        sender = Device(site, files, tmp_path)
        try:
            for last in (400, 800):
                sender.send(last - 399, last)
                wait_until(lambda last=last: stored(store) > last - 400)  # type: ignore[misc]
                if victim == "ingest":
                    kill(supervisor, victim)
                else:
                    postgres_server.stop(crash=True)
                    postgres_server.start()
            sender.send_until_acked(RECORDS)
        finally:
            sender.close()
        assert_complete(store, RECORDS)
        assert next(one for one in supervisor.status() if one.name == "ingest").restarts == 2 * (victim == "ingest")


def resident_kib(pid: int) -> int:
    """Memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def test_while_the_database_stalls_messages_stay_with_the_broker_and_memory_stays_flat(
    site, up, node, device, site_store
):
    sender = device(node)
    sender.send_until_acked(100)
    pid = next(one.pid for one in up.status() if one.name == "ingest")
    with closing(sqlite3.connect(site.path / "jikimi.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        sender.send(101, 5_000)
        wait_until(lambda: broker.monitor(site, "jsz")["messages"] >= 900)
        before_kib = resident_kib(pid)
        sender.send(5_001, 25_000)
        wait_until(lambda: broker.monitor(site, "jsz")["messages"] >= 4_800)
        assert resident_kib(pid) - before_kib < 8_192
        assert sender.acked == 100
        holder.execute("COMMIT")
    sender.send_until_acked(25_000)
    assert_complete(site_store, 25_000)


@contextmanager
def ingest(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """The service run by hand."""
    command = [sys.executable, "-m", "jikimi.fleet.ingest", "--site", str(site.path)]
    (site.run_dir / "ingest.ready").unlink(missing_ok=True)
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until((site.run_dir / "ingest.ready").exists)
            yield process
        finally:
            process.kill()


def stop(process: subprocess.Popen[bytes]) -> int:
    """Ask it to stop; its exit code."""
    process.terminate()
    return process.wait(60)


def test_what_arrives_while_ingest_is_away_is_stored_when_it_is_back(site, broker_only, node, device, site_store):
    with ingest(site) as process:
        assert stop(process) == 0
    sender = device(node)
    sender.send(1, 300)
    wait_until(lambda: broker.monitor(site, "jsz")["messages"] >= 60)
    with ingest(site) as process:
        wait_until(lambda: sender.acked == 300)
        assert stop(process) == 0
    assert_complete(site_store, 300)


def test_the_hosts_state_says_online_then_docked_when_stopped_and_lost_when_killed(site, broker_only):
    with ingest(site) as process:
        assert host_status(site) == "online"
        assert stop(process) == 0
    assert host_status(site) == "docked"
    with ingest(site) as process:
        process.kill()
        wait_until(lambda: host_status(site) == "lost")


def host_status(site: Site) -> str:
    """The retained state of the host."""
    greeting = Greeting(((f"jk/{site.name}/host/st", 1),))
    session = Session(broker.addresses(site), broker.host_context(site), "reader", clean=True, greeting=greeting)
    found: list[Incoming] = []
    try:
        while not found:
            found = session.receive(DEADLINE_S)
    finally:
        session.close()
    return str(messages.decode_state(found[0].payload)["status"])


def test_an_acknowledged_alarm_is_told_to_its_tag(site, up, node, device, site_store):
    tag = registry.add_device(site, "tag", "Tag 1", "dock")
    wearer = device(tag)
    wearer.publish("al", messages.encode_records(1, kinds.STREAM_ALARM, [(1, kinds.SOS, 5, {})], 1000, 2))
    wait_until(lambda: site_store.open_alarms())
    (alarm,) = site_store.open_alarms()
    result = CliRunner().invoke(cli, ["alarm", "ack", alarm.id, "--by", "first-aider", "--site", str(site.path)])
    assert result.exit_code == 0, result.output
    wait_until(lambda: wearer.heard)
    ((topic, payload),) = wearer.heard
    operation, arguments, _, _ = messages.decode_command(payload)
    assert topic == wearer.topic("cmd")
    assert (operation, arguments) == (messages.CMD_ALARM_SEEN, {messages.ARG_BOOT: 1, messages.ARG_SEQ: 1})
    listed = CliRunner().invoke(cli, ["alarm", "list", "--json", "--site", str(site.path)])
    ((row),) = json.loads(listed.stdout)
    assert (row["state"], row["acknowledged_by"], row["kind"]) == ("acknowledged", "first-aider", "sos")


def test_malformed_foreign_and_later_messages_end_as_dead_letters_and_the_flow_goes_on(up, node, device, site_store):
    sender = device(node)
    sender.publish("ev", b"\xff\xff")
    sender.publish("ev", b"\0" * 2000)
    sender.publish("st", b"\xa1\x00\x18\x63", retain=True)
    sender.send(1, 5)
    wait_until(lambda: sender.acked == 5 and len(site_store.dead_letters()) == 3)
    reasons = {row.payload[:2]: row.reason for row in site_store.dead_letters()}
    assert reasons[b"\0\0"] == "size"
    assert reasons[b"\xa1\0"] == "version"


def test_a_database_that_cannot_be_opened_ends_the_service_with_exit_code_1(site):
    broken = replace(site.settings, database=DatabaseSettings("sqlite:////proc/none/jikimi.db"))
    (site.path / "site.toml").write_text(render(broken))
    assert main(["--site", str(site.path)]) == 1
