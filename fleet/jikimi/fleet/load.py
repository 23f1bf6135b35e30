"""Load: many tags in one process, over mutual TLS, with the project's wire code and the device's side of the promise.

Each tag sends a few messages, waits until the site says that they are committed, and goes on; what nobody acknowledges
is sent again. The process shares the machine with the site, so the figures are a lower bound.
"""

from __future__ import annotations

import asyncio
import base64
import resource
import ssl
import struct
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jikimi.fleet import broker, registry
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.services import Supervisor, standard_services
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.fleet.store import Store
from jikimi.wire import kinds, messages, topics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jikimi.fleet.registry import DeviceFiles

_WINDOW = 8  # messages a tag sends before it waits for their acknowledgement
_RESEND_S = 5.0
_GIVE_UP_S = 60.0  # without any acknowledgement: what is still open then counts as lost
_CONNECTING = 50  # at a time
_CONNECT_S = 60.0
_CONNACK, _PUBLISH = 2, 3
_SUBACK = 9
_BOOT = 1


class Report(NamedTuple):
    """What a run found; latency from publish to the acknowledgement that follows the commit."""

    tags: int
    batch: int
    seconds: float
    messages_per_s: float
    events_per_s: float
    lost: int
    duplicates: int
    resent: int
    commit_latency_ms: dict[str, float]


def run(seconds: float, n_tags: int, batch: int, say: Callable[[str], None]) -> Report:
    """Load a site of its own, in a temporary directory, for `seconds`. ServiceError when it does not come up."""
    _raise_file_limit()
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
    with tempfile.TemporaryDirectory(prefix="jikimi-load-") as directory:
        site = Site.init(Path(directory) / "load", settings=settings)
        say(f"making keys for {n_tags} tags")
        files = [registry.add_device(site, "tag", f"Tag {number}", "hall") for number in range(n_tags)]
        with Supervisor(site, standard_services(site, web=False)), Store.open(site.database_url, site.name) as store:
            tags = [Tag(site.name, one.device, batch) for one in files]
            contexts = [tls_context(one, Path(directory)) for one in files]
            took_s = asyncio.run(_load(broker.host_address(site), tags, contexts, seconds, say))
            return _report(tags, batch, took_s, {row.device: row.stored for row in store.sequences()})


def tls_context(files: DeviceFiles, directory: Path) -> ssl.SSLContext:
    """The context of a device's connection; its key passes through a file in `directory`, as Python's TLS wants it."""
    pem = directory / f"{files.device}.pem"
    key = base64.encodebytes(files.key_der).decode()
    pem.touch(mode=0o600)
    pem.write_text(
        ssl.DER_cert_to_PEM_cert(files.cert_der) + f"-----BEGIN PRIVATE KEY-----\n{key}-----END PRIVATE KEY-----\n"
    )
    context = ssl.create_default_context(cadata=files.ca_der)
    context.load_cert_chain(pem)
    pem.unlink()
    return context


def connect_packet(client_id: str) -> bytes:
    """MQTT CONNECT with a clean session."""
    return _packet(0x10, b"\0\4MQTT\4\2\0\0" + _text(client_id))


def publish_packet(topic: str, mid: int, payload: bytes) -> bytes:
    """MQTT PUBLISH at QoS 1."""
    return _packet(0x32, _text(topic) + struct.pack("!H", mid) + payload)


def _subscribe_packet(topic: str) -> bytes:
    return _packet(0x82, b"\0\1" + _text(topic) + b"\0")


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text)) + text.encode()


def _packet(head: int, body: bytes) -> bytes:
    size, length = len(body), b""
    while True:
        size, low = divmod(size, 128)
        length += bytes((low | (0x80 if size else 0),))
        if not size:
            return bytes((head,)) + length + body


async def _read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readexactly(1))[0]
    size, shift = 0, 0
    while True:
        low = (await reader.readexactly(1))[0]
        size |= (low & 0x7F) << shift
        shift += 7
        if low < 0x80:
            return head >> 4, await reader.readexactly(size)


class Tag:
    """A tag that warns all the time: a new warning every 10 ms of its own clock, each with another distance."""

    def __init__(self, site: str, device: str, batch: int) -> None:
        self.device = device
        self.sent = 0  # records
        self.acked = 0  # records up to this seq are on the site's disk
        self.resent = 0  # messages
        self.latencies_s: list[float] = []
        self._batch = batch
        self._topic = topics.topic(site, device, topics.EVENT)
        self._ack_topic = topics.topic(site, device, topics.ACK)
        self._boot_ms = time.time_ns() // 1_000_000
        self._open: list[tuple[int, float, bytes]] = []  # last seq, time of sending, packet
        self._moved = asyncio.Event()
        self._moved_s = 0.0
        self._mid = 0

    async def connect(self, address: tuple[str, int], tls: ssl.SSLContext) -> None:
        """Connect and hear acknowledgements from now on. ServiceError when the broker refuses."""
        self._reader, self._writer = await asyncio.open_connection(*address, ssl=tls)
        self._writer.write(connect_packet(self.device))
        await self._expect(_CONNACK, b"\0\0")
        self._writer.write(_subscribe_packet(self._ack_topic))
        await self._expect(_SUBACK, b"\0\1\0")
        self._listening = asyncio.create_task(self._listen())

    async def send_until(self, deadline_s: float) -> None:
        """Send until that moment (monotonic), then until everything is acknowledged or nothing is for a minute."""
        while time.monotonic() < deadline_s and not self._open:
            self._send_new()
            await self._until_acked()

    async def close(self) -> None:
        """Hang up."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        self._writer.transport.abort()

    def _send_new(self) -> None:
        for _ in range(_WINDOW):
            first, self.sent = self.sent + 1, self.sent + self._batch
            records = [(seq, kinds.WARNING, seq * 10, _warning(seq)) for seq in range(first, self.sent + 1)]
            payload = messages.encode_records(_BOOT, kinds.STREAM_EVENT, records, self._boot_ms, kinds.CLOCK_SET)
            self._mid = self._mid % 0xFFFF + 1
            self._open.append((self.sent, time.monotonic(), publish_packet(self._topic, self._mid, payload)))
        self._writer.write(b"".join(packet for _, _, packet in self._open))

    async def _until_acked(self) -> None:
        self._moved_s = time.monotonic()
        while self._open and time.monotonic() - self._moved_s < _GIVE_UP_S:
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), _RESEND_S)
            except TimeoutError:
                if self._listening.done():
                    raise ServiceError("the broker closed a connection: see its log") from None
                self.resent += len(self._open)
                self._writer.write(b"".join(packet for _, _, packet in self._open))

    async def _expect(self, wanted: int, body: bytes) -> None:
        if await _read_packet(self._reader) != (wanted, body):
            raise ServiceError(f"the broker refuses the tag {self.device}")

    async def _listen(self) -> None:
        while True:
            kind, body = await _read_packet(self._reader)
            if kind == _PUBLISH:
                _, _, upto = messages.decode_ack(body[2 + len(self._ack_topic) :])
                self._hear(upto)

    def _hear(self, upto: int) -> None:
        now_s = time.monotonic()
        self.acked = max(self.acked, upto)
        self.latencies_s += [now_s - sent_s for seq, sent_s, _ in self._open if seq <= self.acked]
        self._open = [entry for entry in self._open if entry[0] > self.acked]
        self._moved_s = now_s
        self._moved.set()


def _warning(seq: int) -> dict[int, object]:
    distance_mm = 400 + seq * 7919 % 4600
    return {kinds.LEVEL: 1 + seq % 2, kinds.SOURCE: 1, kinds.DISTANCE_MM: distance_mm, kinds.MACHINE: b"load"}


async def _load(
    address: tuple[str, int],
    tags: Sequence[Tag],
    contexts: Sequence[ssl.SSLContext],
    seconds: float,
    say: Callable[[str], None],
) -> float:
    gate = asyncio.Semaphore(_CONNECTING)

    async def connect(tag: Tag, tls: ssl.SSLContext) -> None:
        async with gate, asyncio.timeout(_CONNECT_S):
            await tag.connect(address, tls)

    async with asyncio.TaskGroup() as connecting:
        for tag, tls in zip(tags, contexts, strict=True):
            connecting.create_task(connect(tag, tls))
    say(f"{len(tags)} tags are connected, sending for {seconds:g} s")
    start_s = time.monotonic()
    async with asyncio.TaskGroup() as sending:
        for tag in tags:
            sending.create_task(tag.send_until(start_s + seconds))
    took_s = time.monotonic() - start_s
    for tag in tags:
        await tag.close()
    return took_s


def _report(tags: Sequence[Tag], batch: int, took_s: float, stored: dict[str, int]) -> Report:
    events = sum(tag.acked for tag in tags)
    latencies_s = sorted(latency for tag in tags for latency in tag.latencies_s)
    over = [stored.get(tag.device, 0) - tag.sent for tag in tags]
    return Report(
        tags=len(tags),
        batch=batch,
        seconds=round(took_s, 2),
        messages_per_s=round(events / batch / took_s),
        events_per_s=round(events / took_s),
        lost=sum(-n for n in over if n < 0),
        duplicates=sum(n for n in over if n > 0),
        resent=sum(tag.resent for tag in tags),
        commit_latency_ms={
            name: round(1000 * latencies_s[int(share * (len(latencies_s) - 1))], 1)
            for name, share in (("p50", 0.5), ("p99", 0.99))
        },
    )


def _raise_file_limit() -> None:
    # Each tag is an open file here and one in the broker, which inherits the limit.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
