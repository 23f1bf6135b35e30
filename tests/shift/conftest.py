"""A whole tag at a whole site: the real firmware on a virtual board, a real broker, the real ingest and database."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from jikimi.fleet import broker, registry
from jikimi.fleet.mqtt import publish_once
from jikimi.fleet.services import Supervisor, standard_services
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.fleet.store import Store
from jikimi.fleet.virtual import VirtualBoard, World, image
from jikimi.fleet.virtual.interpreter import HEAP_BYTES
from jikimi.fleet.virtual.wiring import BUTTON_PIN
from jikimi.wire import host as wire
from jikimi.wire import messages, topics
from tools import virtual_tag

PATIENCE_S = 30.0
_AGAIN_S = 1.0


def until(condition: Callable[[], Any], what: str, timeout_s: float = PATIENCE_S) -> Any:
    """The first true value of `condition()`; fails the test, saying `what` was awaited, after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s in vain: {what}"
        time.sleep(0.02)
    return found


class Ear:
    """Hears every message that devices publish, as bytes."""

    def __init__(self, site: Site) -> None:
        self.heard: list[tuple[str, str, bytes]] = []  # device, leaf, payload
        self._granted = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=site.client_id("ingest") + "-ear")
        self._client.tls_set_context(broker.host_context(site))
        self._client.on_connect = lambda client, *_: client.subscribe([(t, 1) for t in self._topics(site)])
        self._client.on_subscribe = lambda *_: self._granted.set()
        self._client.on_message = self._message
        self._client.connect(*broker.host_address(site))
        self._client.loop_start()
        assert self._granted.wait(PATIENCE_S)

    @staticmethod
    def _topics(site: Site) -> list[str]:
        return [f"{topics.PREFIX}/{site.name}/+/{leaf}" for leaf in topics.UP]

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        _, device, leaf = topics.split_topic(message.topic)
        self.heard.append((device, leaf, bytes(message.payload)))

    def decoded(self, device: str, leaf: str, since: int = 0) -> list[Any]:
        """Messages of a device on a leaf, after the first `since` of all."""
        return [wire.decode(leaf, data) for who, where, data in self.heard[since:] if (who, where) == (device, leaf)]

    def close(self) -> None:
        """Hear no more."""
        self._client.disconnect()
        self._client.loop_stop()


class Tag:
    """One tag of the plant; `board` is its virtual board."""

    def __init__(self, plant: Plant, board: VirtualBoard) -> None:
        self.plant, self.board, self.device = plant, board, board.name

    @property
    def adverts(self) -> int:
        """How many it has sent."""
        return self.plant.world.do(lambda: self.plant.world.air.station(self.device).sent)

    def said(self, leaf: str, since: int = 0) -> list[Any]:
        """Its decoded messages on a leaf."""
        return self.plant.ear.decoded(self.device, leaf, since)

    def records(self, since: int = 0) -> list[int]:
        """Kinds of the records in its messages, repetitions included."""
        batches = self.said(topics.ALARM, since) + self.said(topics.EVENT, since)
        return [record.kind for batch in batches for record in batch.records]

    def wait_line(self, pattern: str, since: int = 0) -> None:
        """Wait for a console line after `since` that matches."""
        self.board.wait_for(pattern, PATIENCE_S, since)

    def press(self, seconds: float) -> None:
        """Press the button, and return when it has been let go for as long as a person takes to press it again."""
        world = self.plant.world
        world.press(self.device, seconds)
        until(lambda: world.do(lambda: world.hardware(self.device).level(BUTTON_PIN)), "the button let go")
        released_s = world.now()
        until(lambda: world.now() > released_s + _AGAIN_S, "time between two presses")

    def order(self, operation: int, arguments: dict[int, object]) -> None:
        """A command of the site."""
        topic = topics.topic(self.plant.site.name, self.device, topics.COMMAND)
        publish_once(self.plant.site, topic, messages.encode_command(operation, arguments, secrets.randbits(32)))


class Plant:
    """The site, its services, its database and a world for its boards."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
        self.site = Site.init(folder / "site", "plant", settings)
        self.world = World()
        self._folder = folder
        self._boards: list[VirtualBoard] = []

    def __enter__(self) -> Plant:
        self._services = Supervisor(self.site, standard_services(self.site, web=False))
        self._services.start()
        self.world.__enter__()
        self.store = Store.open(self.site.database_url, self.site.name)
        self.ear = Ear(self.site)
        return self

    def __exit__(self, *_: object) -> None:
        self.ear.close()
        self.store.close()
        for board in self._boards:
            board.close()
        self.world.__exit__(None, None, None)
        self._services.stop()

    def add_tag(
        self, *, online: bool = True, heap_bytes: int = HEAP_BYTES, code: image.Image | None = None, **settings: Any
    ) -> Tag:
        """A provisioned tag, switched on and connected.

        `settings` are changes of its configuration, `code` takes the place of files of its application.
        """
        files = registry.add_device(self.site, "tag", f"Tag {len(self._boards) + 1}", "hall")
        config = virtual_tag.configuration(files, **{"vitals_s": 1, **settings})
        flash = self._folder / files.device
        tls = image.Tls(files.ca_der, files.cert_der, files.key_der)
        image.write_image(image.device_image(config, tls) | (code or {}), flash)
        board = VirtualBoard(files.device, flash, self.world, heap_bytes=heap_bytes)
        self._boards.append(board)
        tag = Tag(self, board)
        if online:
            board.start()
            tag.wait_line("^jk link up ")
        return tag


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with Plant(tmp_path_factory.mktemp("plant")) as plant:
        yield plant
