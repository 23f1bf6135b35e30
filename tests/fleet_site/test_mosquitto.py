"""A real Mosquitto with the generated configuration: who gets in, what they may do, and that a burst is kept."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from paho.mqtt.enums import CallbackAPIVersion

from jikimi.fleet import broker, registry
from jikimi.fleet.cli import cli
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.ingest.__main__ import greeting
from jikimi.fleet.mqtt import Session
from jikimi.fleet.registry import DeviceFiles
from jikimi.fleet.services import Supervisor, standard_services
from jikimi.fleet.site import Site, cluster
from jikimi.fleet.store import Store
from jikimi.wire import kinds, messages
from tests.fleet_site.conftest import Client

_PROGRAM = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
_BURST = 3_000  # by default Mosquitto keeps 100
_BOOT_MS = 1_795_489_500_000


@dataclass
class Mosquitto:
    """The running broker of a site; its configuration is written by the command."""

    site: Site
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def write(self) -> Path:
        result = CliRunner().invoke(cli, ["site", "mosquitto", "--site", str(self.site.path)])
        assert result.exit_code == 0, result.output
        return Path(result.stdout.strip())

    def start(self) -> None:
        assert _PROGRAM is not None
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([_PROGRAM, "-c", self.write()], stderr=log)

    def read_again(self) -> None:
        """As the command says it."""
        pid = int(self.write().with_name("mosquitto.pid").read_text())
        os.kill(pid, signal.SIGHUP)

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def mosquitto(site: Site, tag: DeviceFiles, tmp_path: Path, wait_until: Callable[..., float]) -> Iterator[Mosquitto]:
    if _PROGRAM is None:
        pytest.skip("needs Debian's package mosquitto")
    started = Mosquitto(site, tmp_path / "mosquitto.log")
    started.start()
    try:
        wait_until(lambda: broker.accepts_tls(site))
        yield started
    finally:
        started.stop()


def _topic(files: DeviceFiles, leaf: str) -> str:
    return f"jk/{files.site}/{files.device}/{leaf}"


def _refusal(site: Site, context: ssl.SSLContext) -> str:
    """What a client is told that connects with this context; empty when it is let in."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.tls_set_context(context)
    answers: list[int] = []
    client.on_connect = lambda _c, _u, _f, reason, _p: answers.append(reason.value)
    try:
        client.connect(*broker.host_address(site))
        while not answers and client.loop(1) == mqtt.MQTT_ERR_SUCCESS:
            pass
    except OSError as error:
        return str(error)
    client.disconnect()
    return "" if answers == [0] else f"closed {answers}"


def _again(site: Site, tag: DeviceFiles, board: str) -> DeviceFiles:
    """The device of that board with a new key, active, as provisioning makes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    enrolment = registry.enrol(site, board, registry.Description("tag", "Tag 7", "floor"), point)
    registry.activate(site, enrolment.device)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    changed = {"device": enrolment.device, "cert_der": enrolment.cert_der, "key_der": der}
    return DeviceFiles(**{**vars(tag), **changed})


def test_what_a_device_publishes_in_its_own_topics_reaches_ingest(mosquitto, tag, connect, wait_until):
    ingest, device = connect(), connect(tag)
    leaves = ("st", "al", "ev", "vt", "get")
    assert ingest.subscribe("jk/site-a/+/+")
    for leaf in leaves:
        device.publish(_topic(tag, leaf), leaf.encode())
    wait_until(lambda: len(ingest.messages) == len(leaves))
    assert ingest.messages == [(_topic(tag, leaf), leaf.encode(), False) for leaf in leaves]


@pytest.mark.parametrize(
    "topic",
    ["jk/site-a/{other}/al", "jk/site-a/{own}/cmd", "jk/site-a/{own}/ack", "jk/site-a/host/st", "jk/site-b/{own}/al"],
)
def test_what_a_device_publishes_elsewhere_arrives_nowhere(mosquitto, site, tag, connect, wait_until, topic):
    other = registry.add_device(site, "tag", "Tag 2", "floor")
    ingest, device = connect(), connect(tag)
    assert ingest.subscribe("jk/#")
    device.publish(topic.format(own=tag.device, other=other.device), b"forged")
    device.publish(_topic(tag, "al"), b"after it")
    wait_until(lambda: ingest.payloads(_topic(tag, "al")))
    assert [payload for _, payload, _ in ingest.messages] == [b"after it"]


def test_a_device_hears_only_what_is_for_it(mosquitto, site, tag, connect, wait_until):
    other = registry.add_device(site, "tag", "Tag 2", "floor")
    ingest, device = connect(), connect(tag)
    device.subscribe("#")
    for topic in (f"jk/site-a/{other.device}/cmd", f"jk/site-a/{tag.device}/zz"):
        ingest.publish(topic, b"not for it")
    own = [_topic(tag, "ack"), _topic(tag, "cmd"), _topic(tag, "put"), "jk/site-a/host/st"]
    for topic in own:
        ingest.publish(topic, b"for it")
    wait_until(lambda: len(device.messages) >= len(own))
    assert device.messages == [(topic, b"for it", False) for topic in own]


def test_without_a_certificate_of_this_site_nobody_gets_in(mosquitto, site, tag, other_site, device_context, tmp_path):
    foreign = registry.add_device(other_site, "tag", "Tag 1", "floor")
    stranger = DeviceFiles(**{**vars(foreign), "ca_der": tag.ca_der})
    assert _refusal(site, device_context(tag, tmp_path)) == ""
    assert _refusal(site, device_context(stranger, tmp_path))
    assert _refusal(site, device_context(tag, tmp_path, certificate=False))


def test_a_revoked_device_is_refused_without_anything_else_to_do(
    mosquitto, site, tag, device_context, tmp_path, wait_until
):
    other = registry.add_device(site, "tag", "Tag 2", "floor")
    contexts = [device_context(files, tmp_path) for files in (tag, other)]
    assert [_refusal(site, context) for context in contexts] == ["", ""]
    for revoked, context in zip((tag, other), contexts, strict=True):  # a second list is heeded as the first one
        registry.revoke(site, revoked.device)
        wait_until(lambda context=context: _refusal(site, context))
    assert all(_refusal(site, context) for context in contexts)
    assert broker.accepts_tls(site)


def test_a_revoked_device_that_stays_connected_is_not_heard(mosquitto, site, tag, connect, wait_until):
    ingest, device = connect(), connect(tag)
    other = registry.add_device(site, "tag", "Tag 2", "floor")
    assert ingest.subscribe("jk/site-a/+/al")
    registry.revoke(site, tag.device)
    mosquitto.read_again()
    _wait_for_reading(mosquitto, wait_until)
    newcomer = connect(other)
    device.client.publish(_topic(tag, "al"), b"revoked", 0)
    newcomer.publish(_topic(other, "al"), b"admitted")
    wait_until(lambda: ingest.messages)
    assert ingest.messages == [(_topic(other, "al"), b"admitted", False)]


def _wait_for_reading(mosquitto: Mosquitto, wait_until: Callable[..., float]) -> None:
    wait_until(lambda: b"Reloading config" in mosquitto.log.read_bytes())


def test_the_earlier_key_of_a_device_is_shut_out_and_its_new_one_is_heard(mosquitto, site, tag, connect, wait_until):
    first = _again(site, tag, "board-7")
    second = _again(site, tag, "board-7")
    assert first.device == second.device
    mosquitto.read_again()
    _wait_for_reading(mosquitto, wait_until)
    ingest = connect()
    assert ingest.subscribe("jk/site-a/+/al")
    old = connect(first)
    old.publish(_topic(first, "al"), b"old key")
    old.close()
    connect(second).publish(_topic(second, "al"), b"new key")
    wait_until(lambda: ingest.messages)
    assert ingest.messages == [(_topic(second, "al"), b"new key", False)]


def _publish_all(device: Client, topic: str, payloads: list[bytes], wait_until: Callable[..., float]) -> None:
    """At QoS 1, as fast as it goes, until the broker has acknowledged each."""
    mids = [device.client.publish(topic, payload, 1).mid for payload in payloads]
    wait_until(lambda: device.published.issuperset(mids))


def test_a_burst_while_ingest_is_away_waits_for_it_also_over_a_restart(mosquitto, site, tag, connect, wait_until):
    def session() -> Session:
        return Session(
            broker.addresses(site), broker.host_context(site), "burst", clean=False, greeting=greeting(site.name)
        )

    away = session()
    wait_until(lambda: away.receive(0.1) is not None and away.ready)
    away.close()
    device = connect(tag, inflight=_BURST)
    _publish_all(device, _topic(tag, "ev"), [b"%d" % number for number in range(_BURST)], wait_until)
    device.close()
    mosquitto.stop()
    mosquitto.start()
    wait_until(lambda: broker.accepts_tls(site))
    back = session()
    heard: list[int] = []

    def all_heard() -> bool:
        while taken := back.receive(0.1):
            back.acknowledge(taken)
            heard.extend(int(message.payload) for message in taken if message.topic == _topic(tag, "ev"))
        return len(heard) >= _BURST

    wait_until(all_heard)
    back.close()
    assert sorted(heard) == list(range(_BURST))


def _record(seq: int) -> bytes:
    data = {kinds.LEVEL: kinds.LEVEL_WARN, kinds.EPHEMERAL: b"12345678", kinds.PERIOD: _BOOT_MS // 900_000}
    return messages.encode_records(1, kinds.STREAM_EVENT, [(seq, kinds.NEAR_MISS, seq, data)], _BOOT_MS, 2)


@contextmanager
def _ingest(site: Site, wait_until: Callable[..., float]) -> Iterator[None]:
    log = site.log_dir / "ingest.log"
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", "jikimi.fleet.ingest", "--site", site.path], stderr=file)
    try:
        wait_until(lambda: b"storing for site" in log.read_bytes() or process.poll() is not None)
        yield
    finally:
        process.terminate()
        assert process.wait(30) == 0, log.read_text()


def test_the_real_ingest_stores_a_burst_through_mosquitto_and_loses_nothing(mosquitto, site, tag, connect, wait_until):
    with _ingest(site, wait_until):
        records = [_record(seq) for seq in range(1, _BURST + 1)]
        _publish_all(connect(tag, inflight=_BURST), _topic(tag, "ev"), records, wait_until)
        with Store.open(site.database_url, site.name) as store:
            wait_until(lambda: [row.upto for row in store.sequences()] == [_BURST])
            (row,) = store.sequences()
            assert (row.stored, row.lost, row.missing) == (_BURST, 0, 0)


def _stored(site: Site) -> dict[str, int]:
    with Store.open(site.database_url, site.name) as store:
        return {row.device: row.upto for row in store.sequences()}


def test_a_whole_site_runs_with_mosquitto_and_heeds_each_change(
    site, tag, connect, device_context, tmp_path, wait_until
):
    if _PROGRAM is None:
        pytest.skip("needs Debian's package mosquitto")
    services = standard_services(site, web=False, other_broker=True)
    with Supervisor(site, services) as up:
        assert [service.name for service in up.status()] == ["mosquitto", "ingest", "delivery", "upkeep"]
        newcomer = registry.add_device(site, "tag", "Tag 2", "floor")
        for files in (tag, newcomer):
            connect(files).publish(_topic(files, "ev"), _record(1))
        wait_until(lambda: _stored(site) == {tag.device: 1, newcomer.device: 1})
        registry.revoke(site, newcomer.device)
        wait_until(lambda: _refusal(site, device_context(newcomer, tmp_path)))
        assert _refusal(site, device_context(tag, tmp_path)) == ""


def test_a_mosquitto_that_is_not_installed_is_named(site, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(ServiceError, match="package mosquitto"):
        standard_services(site, other_broker=True)


def test_a_cluster_is_not_for_mosquitto(site, tmp_path):
    cluster.save(site.path, cluster.on_this_machine(3, cluster.WORKERS, cluster.PARTITIONS))
    with pytest.raises(ServiceError, match="no cluster"):
        registry.write_mosquitto(Site.open(site.path), tmp_path)
    with pytest.raises(ServiceError, match="no cluster"):
        standard_services(Site.open(site.path), other_broker=True)
