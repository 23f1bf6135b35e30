"""A site on free ports, its real broker under the real supervisor, and clients with real certificates."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from jikimi.fleet import broker, registry
from jikimi.fleet.registry import DeviceFiles
from jikimi.fleet.services import Supervisor, broker_service
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings

DEADLINE_S = 60.0
ON_FREE_PORTS = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))


def wait_until(condition: Callable[[], object], deadline_s: float = DEADLINE_S) -> float:
    """Poll until the condition holds and say how long that took; fail after the deadline."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < deadline_s, f"not within {deadline_s} s: {condition}"
        time.sleep(0.005)
    return time.monotonic() - start


def device_context(files: DeviceFiles, directory: Path, *, certificate: bool = True) -> ssl.SSLContext:
    """TLS as the device does it, from the same DER bytes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=files.ca_der)
    if certificate:
        pem = directory / f"{files.device}.pem"
        key = base64.encodebytes(files.key_der).decode()
        pem.write_text(
            ssl.DER_cert_to_PEM_cert(files.cert_der) + f"-----BEGIN PRIVATE KEY-----\n{key}-----END PRIVATE KEY-----\n"
        )
        context.load_cert_chain(pem)
    return context


@dataclass
class Client:
    """A paho client that notes what happens to it."""

    client: mqtt.Client
    connects: list[str] = field(default_factory=list)
    losses: int = 0
    messages: list[tuple[str, bytes, bool]] = field(default_factory=list)
    granted: dict[int, int] = field(default_factory=dict)
    published: set[int] = field(default_factory=set)

    def listen(self) -> None:
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self.connects.append(str(reason))
        self.client.on_disconnect = lambda *_: self._lost()
        self.client.on_message = lambda _c, _u, m: self.messages.append((m.topic, bytes(m.payload), m.retain))
        self.client.on_subscribe = lambda _c, _u, mid, reasons, _p: self.granted.update({mid: reasons[0].value})
        self.client.on_publish = lambda _c, _u, mid, _r, _p: self.published.add(mid)

    def _lost(self) -> None:
        self.losses += 1

    def subscribe(self, topic: str, qos: int = 1) -> bool:
        """Whether the broker grants the subscription."""
        mid = self.client.subscribe(topic, qos)[1]
        assert mid is not None
        wait_until(lambda: mid in self.granted)
        return self.granted[mid] < 0x80

    def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> None:
        """Publish and wait for the broker's PUBACK."""
        mid = self.client.publish(topic, payload, qos, retain).mid
        wait_until(lambda: mid in self.published)

    def payloads(self, topic: str) -> list[bytes]:
        return [payload for name, payload, _ in self.messages if name == topic]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.init(tmp_path / "A 공장", "site-a", ON_FREE_PORTS)  # nobody names folders for brokers


@pytest.fixture
def other_site(tmp_path: Path) -> Site:
    return Site.init(tmp_path / "site-b", settings=ON_FREE_PORTS)


@pytest.fixture
def up(site: Site) -> Iterator[Supervisor]:
    with Supervisor(site, [broker_service(site)]) as supervisor:
        yield supervisor


@pytest.fixture
def tag(site: Site) -> DeviceFiles:
    return registry.add_device(site, "tag", "Tag 1", "floor")


@pytest.fixture
def connect(site: Site, tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Connect a device (its files), or ingest (no files), to this site's broker and wait for the answer."""
    opened: list[Client] = []

    def do(
        files: DeviceFiles | None = None, *, clean: bool = True, manual_ack: bool = False, inflight: int = 20
    ) -> Client:
        context = device_context(files, tmp_path) if files else broker.host_context(site)
        name = files.device if files else site.client_id("ingest")
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean, manual_ack=manual_ack)
        client.tls_set_context(context)
        client.reconnect_delay_set(1, 1)
        client.max_inflight_messages_set(inflight)
        noted = Client(client)
        noted.listen()
        opened.append(noted)
        client.connect(*broker.host_address(site))
        client.loop_start()
        wait_until(lambda: noted.connects)
        return noted

    yield do
    for client in opened:
        client.close()


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., float]:
    return wait_until


@pytest.fixture(name="device_context")
def _device_context() -> Callable[..., ssl.SSLContext]:
    return device_context


@pytest.fixture
def settings() -> Settings:
    return ON_FREE_PORTS
