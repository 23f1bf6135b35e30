"""The computer's side of an online board: a site, its real broker, and a listener to everything boards say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from jikimi.fleet import broker, registry
from jikimi.fleet.registry import DeviceFiles
from jikimi.fleet.services import Supervisor, broker_service
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.wire import WireError, topics
from jikimi.wire import host as wire

LOOPBACK = "127.0.0.1"
Heard = tuple[str, str, Any]  # device, leaf, decoded message


class Host:
    """Messages of all boards, decoded, in the order they came."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._heard: list[Heard] = []
        self._changed = threading.Condition()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=site.client_id("ingest"))
        self._client.tls_set_context(broker.host_context(site))
        self._client.on_connect = self._connected
        self._client.on_message = self._message

    def start(self) -> None:
        """Connect."""
        self._client.connect(*broker.host_address(self.site))
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def endpoint(self, host: str) -> dict[str, Any]:
        """The broker as a board at `host`'s other end reaches it."""
        return {"host": host, "port": self.site.endpoint().port, "server_name": host}

    def add_device(self, kind: str, name: str) -> DeviceFiles:
        """A new identity."""
        return registry.add_device(self.site, kind, name, "bench", "forklift" if kind == "node" else None)

    def retire(self, device: str) -> None:
        """Shut an identity out for good; its name is free again."""
        registry.retire(self.site, device)

    def wait_for_birth(self, device: str, timeout_s: float, status: str = "online") -> wire.Birth:
        """The device's birth, or its last will with `status` "lost"."""
        birth = self.wait_for(device, topics.STATE, lambda message: message.status == status, timeout_s)
        assert isinstance(birth, wire.Birth)
        return birth

    def wait_for(self, device: str, leaf: str, wanted: Callable[[Any], bool], timeout_s: float) -> Any:
        """The first message of a device on a leaf that `wanted` accepts; TimeoutError after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                for who, where, message in self._heard:
                    if (who, where) == (device, leaf) and not isinstance(message, WireError) and wanted(message):
                        return message
                if not self._changed.wait(deadline - time.monotonic()):
                    heard = [(where, message) for who, where, message in self._heard if who == device]
                    raise TimeoutError(f"{device} did not say it on {leaf} in {timeout_s:g} s, but {heard}")

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        for leaf in topics.UP:
            client.subscribe(f"{topics.PREFIX}/{self.site.name}/+/{leaf}", topics.QOS[leaf])

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        _, device, leaf = topics.split_topic(message.topic)
        try:
            heard: object = wire.decode(leaf, bytes(message.payload))
        except WireError as error:
            heard = error  # nothing a test waits for; what it waits for in vain is told together with this
        with self._changed:
            self._heard.append((device, leaf, heard))
            self._changed.notify_all()


@contextmanager
def running_host(folder: Path, reached_at: str) -> Iterator[Host]:
    """A site in `folder` whose broker boards reach at the address `reached_at`."""
    listen = LOOPBACK if reached_at == LOOPBACK else "0.0.0.0"
    names = () if reached_at == LOOPBACK else (reached_at,)
    settings = Settings(broker=BrokerSettings(host=listen, mqtt_port=0, names=names), web=WebSettings(port=0))
    site = Site.init(folder, "bench", settings)
    with Supervisor(site, [broker_service(site)]):
        host = Host(site)
        host.start()
        try:
            yield host
        finally:
            host.stop()
