"""The peer of `bench_ingest`: what one writes in an afternoon, a paho subscriber with one SQLite commit per message.

Same broker, same TLS, same messages. `python -m tools.bench_plain SITE DATABASE` is the subscriber;
`measure` runs it against the senders of `bench_ingest`. It stores the payload as it came and decodes nothing.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from jikimi.fleet import broker, registry
from jikimi.fleet.services import Supervisor, broker_service
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from tools import bench_ingest

_DEADLINE_S = 300.0
_ROOT = Path(__file__).resolve().parent.parent


def subscribe(site: Site, database: Path) -> None:
    """Store every message until killed."""
    host, port = broker.host_address(site)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, site.client_id("ingest"), clean_session=False)
    tls = site.tls_dir
    client.tls_set(str(tls / "ca.pem"), str(tls / "ingest.pem"), str(tls / "ingest.key.pem"))
    connection = sqlite3.connect(database, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE message (topic TEXT, payload BLOB)")
    connection.commit()

    def on_message(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        connection.execute("INSERT INTO message VALUES (?, ?)", (message.topic, message.payload))
        connection.commit()

    client.on_message = on_message

    def on_connect(*_: Any) -> None:
        client.subscribe(f"jk/{site.name}/+/ev", 1)

    def on_subscribe(*_: Any) -> None:
        database.with_suffix(".ready").touch()

    client.on_connect, client.on_subscribe = on_connect, on_subscribe
    client.connect(host, port)
    client.loop_forever()


def measure(directory: Path, n_messages: int, batch: int, n_devices: int) -> dict[str, float]:
    """Messages a second from the first publish to the last commit."""
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
    site = Site.init(directory / "bench", settings=settings)
    devices = registry.add_devices(site, "tag", [f"Tag {number}" for number in range(n_devices)], "hall")
    database = directory / "plain.db"
    with Supervisor(site, [broker_service(site)]):
        subscriber = subprocess.Popen(
            [sys.executable, "-m", "tools.bench_plain", str(site.path), str(database)], cwd=_ROOT
        )
        try:
            wait(database.with_suffix(".ready").exists)
            took_s = send(site, devices, directory, database, n_messages, batch)
        finally:
            subscriber.kill()
            subscriber.wait()
    return {"messages_per_s": round(n_messages / took_s), "events_per_s": round(n_messages * batch / took_s)}


def send(site: Site, devices: list[Any], directory: Path, database: Path, n_messages: int, batch: int) -> float:
    senders = [bench_ingest.Sender(site, files, directory) for files in devices]
    payloads = bench_ingest.make_payloads(n_messages // len(devices), batch)
    child = os.fork()
    if child == 0:
        bench_ingest.send_all(senders, payloads)
        os._exit(0)
    start = time.monotonic()
    with closing(sqlite3.connect(database)) as reader:
        wait(lambda: reader.execute("SELECT count(*) FROM message").fetchone()[0] >= n_messages)
    took_s = time.monotonic() - start
    os.waitpid(child, 0)
    for sender in senders:
        sender.sock.close()
    return took_s


def wait(condition: Any) -> None:
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < _DEADLINE_S, "the plain subscriber did not get there"
        time.sleep(0.02)


if __name__ == "__main__":
    subscribe(Site.open(sys.argv[1]), Path(sys.argv[2]))
