"""A device as ingest sees it: it sends its records again until it hears that they are stored."""

from __future__ import annotations

import base64
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from jikimi.fleet import broker
from jikimi.fleet.registry import DeviceFiles
from jikimi.fleet.site import Site
from jikimi.wire import kinds, messages, topics

DEADLINE_S = 60.0
_RESEND_S = 1.0
_PER_MESSAGE = 5


def wait_until(condition: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
    """Poll until the condition holds; fail after the deadline."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < deadline_s, f"not within {deadline_s} s: {condition}"
        time.sleep(0.01)


class Device:
    """A paho client with a device's certificate and a journal of near misses, boot 1."""

    def __init__(self, site: Site, files: DeviceFiles, directory: Path) -> None:
        self.acked = 0
        self.heard: list[tuple[str, bytes]] = []
        self._site = site
        self._id = files.device
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=files.device)
        self._client.tls_set_context(_context(files, directory))
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe([(self.topic("ack"), 0), (self.topic("cmd"), 1)])
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect(*broker.host_address(site))
        self._client.loop_start()
        assert self._subscribed.wait(DEADLINE_S)

    def topic(self, leaf: str) -> str:
        return topics.topic(self._site.name, self._id, leaf)

    def publish(self, leaf: str, payload: bytes, *, retain: bool = False) -> None:
        """Send once, at the leaf's QoS."""
        self._client.publish(self.topic(leaf), payload, topics.QOS[leaf], retain)

    def send(self, first: int, last: int, ephemeral: bytes = b"12345678") -> None:
        """Send the near misses `first` to `last` once."""
        boot_ms = 1_795_489_500_000
        data: dict[int, object] = {kinds.LEVEL: 1, kinds.EPHEMERAL: ephemeral, kinds.PERIOD: boot_ms // 900_000}
        for start in range(first, last + 1, _PER_MESSAGE):
            seqs = range(start, min(start + _PER_MESSAGE, last + 1))
            records = [(seq, kinds.NEAR_MISS, seq, data) for seq in seqs]
            self.publish("ev", messages.encode_records(1, kinds.STREAM_EVENT, records, boot_ms, 2))

    def send_until_acked(self, last: int) -> None:
        """Send all that is not acknowledged, again and again, until it is."""
        deadline = time.monotonic() + DEADLINE_S
        while self.acked < last:
            assert time.monotonic() < deadline, f"acknowledged up to {self.acked} of {last}"
            before = self.acked
            self.send(before + 1, last)
            pause = time.monotonic() + _RESEND_S
            while self.acked < last and time.monotonic() < pause:
                time.sleep(0.01)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        payload = bytes(message.payload)
        if message.topic != self.topic("ack"):
            self.heard.append((message.topic, payload))
            return
        boot, stream, upto = messages.decode_ack(payload)
        if (boot, stream) == (1, kinds.STREAM_EVENT):
            self.acked = max(self.acked, upto)


def _context(files: DeviceFiles, directory: Path) -> ssl.SSLContext:
    pem = directory / f"{files.device}.pem"
    key = base64.encodebytes(files.key_der).decode()
    pem.write_text(
        ssl.DER_cert_to_PEM_cert(files.cert_der) + f"-----BEGIN PRIVATE KEY-----\n{key}-----END PRIVATE KEY-----\n"
    )
    context = ssl.create_default_context(cadata=files.ca_der)
    context.load_cert_chain(pem)
    return context
