"""How fast events get from devices into the database: broker, ingest, SQLite and mutual TLS, all real.

    python -m tools.bench_ingest [--messages N] [--batch N] [--devices N] [--postgresql]

Devices publish N messages of a batch each at QoS 1, as fast as the broker takes them, from one other process; the
clock runs from the first publish to the moment everything is committed, and the result must be complete and without
duplicates. The publishing process shares the machine with broker and ingest, so the figure is a lower bound.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from jikimi.fleet import broker, load, registry
from jikimi.fleet.registry import DeviceFiles
from jikimi.fleet.services import Supervisor, broker_service, python_service
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, DatabaseSettings, WebSettings
from jikimi.fleet.store import Store
from jikimi.fleet.store.engine import make_engine
from jikimi.fleet.store.schema import ack
from jikimi.wire import kinds, messages, topics
from tools import postgres

_DEADLINE_S = 300.0
_CHUNK = 64  # messages written to a connection at a time


def main() -> int:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=20, help="events in a message")
    parser.add_argument("--devices", type=int, default=20)
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite, a server of its own")
    options = parser.parse_args()
    way = measure_postgresql if options.postgresql else measure
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(way(Path(directory), options.messages, options.batch, options.devices)))
    return 0


def measure_postgresql(directory: Path, n_messages: int, batch: int, n_devices: int) -> dict[str, float]:
    """Run the whole way once with a PostgreSQL server on this machine, its settings as Debian's."""
    with postgres.Server(durable=True) as server:
        return measure(directory, n_messages, batch, n_devices, server.url())


def measure(
    directory: Path, n_messages: int, batch: int, n_devices: int, url: str = DatabaseSettings.url
) -> dict[str, float]:
    """Run the whole way once."""
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0), database=DatabaseSettings(url))
    site = Site.init(directory / "bench", settings=settings)
    devices = registry.add_devices(site, "tag", [f"Tag {number}" for number in range(n_devices)], "hall")
    each = n_messages // n_devices
    with (
        Supervisor(site, [broker_service(site), python_service(site, "ingest")]) as supervisor,
        Store.open(site.database_url, site.name) as store,
    ):
        senders = [Sender(site, files, directory) for files in devices]
        payloads = make_payloads(each, batch)
        pids = {status.name: status.pid for status in supervisor.status() if status.pid}
        before_s = {name: cpu_s(pid) for name, pid in pids.items()}
        child = os.fork()
        if child == 0:
            send_all(senders, payloads)
            os._exit(0)
        start = time.monotonic()
        wait_until_stored(site.database_url, each * n_devices * batch, start)
        took_s = time.monotonic() - start
        os.waitpid(child, 0)
        cpu = {f"{name}_cpu_s": round(cpu_s(pid) - before_s[name], 2) for name, pid in pids.items()}
        rows = store.sequences()
        for sender in senders:
            sender.sock.close()
    assert all(row.stored == row.upto == each * batch and row.missing == 0 for row in rows), "something is missing"
    n_events = each * n_devices * batch
    rates = {"events_per_s": round(n_events / took_s), "messages_per_s": round(each * n_devices / took_s)}
    return {"events": n_events, "batch": batch, "devices": n_devices, "seconds": round(took_s, 2), **rates, **cpu}


def cpu_s(pid: int) -> float:
    """Processor time of a process so far: unlike the clock on the wall it hardly depends on who else is working."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def make_payloads(n_messages: int, batch: int) -> list[bytes]:
    """Messages of one boot, `batch` counts of bends each, no two neighbours alike, without gaps."""
    now_ms = time.time_ns() // 1_000_000
    found = []
    for first in range(1, n_messages * batch + 1, batch):
        records = [(seq, kinds.BENDS, seq * 10, _bends(seq)) for seq in range(first, first + batch)]
        found.append(messages.encode_records(1, kinds.STREAM_EVENT, records, now_ms, kinds.CLOCK_SET))
    return found


def _bends(seq: int) -> dict[int, object]:
    return {kinds.COUNT: 1 + seq % 9, kinds.WINDOW_MS: 60_000}


def wait_until_stored(url: str, n_events: int, start: float) -> None:
    """Poll the marks of all sequences, a row for each device; records that come again do not move them."""
    engine = make_engine(url)
    marks = sa.select(sa.func.coalesce(sa.func.sum(ack.c.upto_seq), 0))
    upto = 0
    while upto < n_events:
        assert time.monotonic() - start < _DEADLINE_S, f"only {upto} of {n_events} events arrived"
        time.sleep(0.02)
        with engine.connect() as connection:
            upto = connection.execute(marks).scalar_one()
    engine.dispose()


class Sender:
    """The least an MQTT client can be: connects with a device's certificate, publishes, ignores the PUBACKs' order."""

    def __init__(self, site: Site, files: DeviceFiles, directory: Path) -> None:
        self._topic = topics.topic(site.name, files.device, topics.EVENT)
        address = broker.host_address(site)
        self.sock = load.tls_context(files, directory).wrap_socket(
            socket.create_connection(address), server_hostname=address[0]
        )
        self.sock.sendall(load.connect_packet(files.device))
        assert self.sock.recv(4) == b"\x20\2\0\0"
        self._mid = 0

    def send(self, payloads: list[bytes]) -> None:
        """Publish them at QoS 1, and wait for as many PUBACKs."""
        self.sock.sendall(b"".join(map(self._packet, payloads)))
        left = 4 * len(payloads)
        while left:
            left -= len(self.sock.recv(left))

    def _packet(self, payload: bytes) -> bytes:
        self._mid = self._mid % 0xFFFF + 1
        return load.publish_packet(self._topic, self._mid, payload)


def send_all(senders: list[Sender], payloads: list[bytes]) -> None:
    """The same messages from each device, a chunk at a time in turn."""
    for start in range(0, len(payloads), _CHUNK):
        for sender in senders:
            sender.send(payloads[start : start + _CHUNK])


if __name__ == "__main__":
    sys.exit(main())
