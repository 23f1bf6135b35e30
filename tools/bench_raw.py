"""The limit of `bench_ingest`: mosquitto_sub (Debian's mosquitto-clients), writing raw payloads to a file.

Same broker, same TLS, same messages and QoS. It decodes nothing, stores nothing durably, and acknowledges at once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from jikimi.fleet import broker, registry
from jikimi.fleet.services import Supervisor, broker_service
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from tools import bench_ingest

PROGRAM = "mosquitto_sub"
_DEADLINE_S = 300.0


def available() -> bool:
    """Whether the program is installed."""
    return shutil.which(PROGRAM) is not None


def measure(directory: Path, n_messages: int, batch: int, n_devices: int) -> dict[str, float]:
    """Messages a second from the first publish until the last one is in the file."""
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
    site = Site.init(directory / "bench", settings=settings)
    devices = registry.add_devices(site, "tag", [f"Tag {number}" for number in range(n_devices)], "hall")
    payloads = bench_ingest.make_payloads(n_messages // n_devices, batch)
    n_messages = len(payloads) * n_devices
    with Supervisor(site, [broker_service(site)]), (directory / "raw").open("wb") as file:
        subscriber = subprocess.Popen(_command(site, n_messages), stdout=file)
        try:
            _wait_subscribed(site, subscriber)
            took_s = _send(site, devices, directory, payloads, subscriber)
        finally:
            subscriber.kill()
            subscriber.wait()
    expected = sum(map(len, payloads)) * n_devices
    assert (directory / "raw").stat().st_size == expected, "something is missing"
    return {"messages_per_s": round(n_messages / took_s), "events_per_s": round(n_messages * batch / took_s)}


def _command(site: Site, n_messages: int) -> list[str]:
    host, port = broker.host_address(site)
    tls = site.tls_dir
    files = ["--cafile", str(tls / "ca.pem"), "--cert", str(tls / "ingest.pem"), "--key", str(tls / "ingest.key.pem")]
    where = ["-h", host, "-p", str(port), "-V", "mqttv311", "-i", site.client_id("ingest")]
    return [PROGRAM, *where, *files, "-q", "1", "-t", f"jk/{site.name}/+/ev", "-N", "-C", str(n_messages)]


def _wait_subscribed(site: Site, subscriber: subprocess.Popen[bytes]) -> None:
    start = time.monotonic()
    while broker.monitor(site, "subsz")["num_subscriptions"] == 0 or not broker.monitor(site, "jsz")["consumers"]:
        assert subscriber.poll() is None, "mosquitto_sub ended"
        assert time.monotonic() - start < _DEADLINE_S, "mosquitto_sub does not subscribe"
        time.sleep(0.05)


def _send(
    site: Site,
    devices: list[registry.DeviceFiles],
    directory: Path,
    payloads: list[bytes],
    subscriber: subprocess.Popen[bytes],
) -> float:
    senders = [bench_ingest.Sender(site, files, directory) for files in devices]
    child = os.fork()
    if child == 0:
        bench_ingest.send_all(senders, payloads)
        os._exit(0)
    start = time.monotonic()
    assert subscriber.wait(_DEADLINE_S) == 0, "mosquitto_sub failed"
    took_s = time.monotonic() - start
    os.waitpid(child, 0)
    for sender in senders:
        sender.sock.close()
    return took_s
