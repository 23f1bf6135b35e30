"""One tag of the load: its records, its connection, and what it has heard of them."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Final

from jikimi.fleet.errors import ServiceError
from jikimi.fleet.load.connection import Connection
from jikimi.fleet.load.packets import publish_packet
from jikimi.wire import kinds, messages, topics

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

_WINDOW = 8  # messages a tag sends before it waits for their acknowledgement
_RESEND_S = 5.0
_SILENCE_S = 11.0  # without an acknowledgement a connection is given up, and the next node tried
_RETRY_S = 0.5
_CONNECT_S: Final = 30.0  # when thousands connect at once
_RECONNECT_S: Final = 5.0  # where there is another node to try
GIVE_UP_S: Final = 60.0  # without any acknowledgement: what is still open then counts as lost
BOOT: Final = 1


class Tag:
    """A tag that warns all the time: a new warning every 10 ms of its own clock, each with another distance."""

    def __init__(
        self, site: str, device: str, batch: int, addresses: Sequence[tuple[str, int]], tls: ssl.SSLContext
    ) -> None:
        self.device = device
        self.sent = 0  # records
        self.acked = 0  # records up to this seq are on the site's disk
        self.resent = 0  # messages
        self.losses = 0  # connections
        self.last_payload = b""
        self.latencies_s: list[float] = []
        self._batch = batch
        self._addresses = list(addresses)
        self._tls = tls
        self._topic = topics.topic(site, device, topics.EVENT)
        self._ack_topic = topics.topic(site, device, topics.ACK)
        self._boot_ms = time.time_ns() // 1_000_000
        self._open: list[tuple[int, float, bytes]] = []  # last seq, time of sending, packet
        self._news = asyncio.Event()
        self._heard_s = 0.0
        self._mid = 0
        self._connection: Connection | None = None

    async def connect(self) -> None:
        """Connect and hear acknowledgements from now on. OSError, EOFError, TimeoutError, ServiceError: not so."""
        patience_s = _RECONNECT_S if self.losses and len(self._addresses) > 1 else _CONNECT_S
        async with asyncio.timeout(patience_s):
            self._connection = await Connection.connect(
                self._addresses[0], self._tls, self.device, self._ack_topic, self._on_publish
            )
        self._connection.ended.add_done_callback(lambda _: self._news.set())

    async def connect_somewhere(self) -> None:
        """Connect to any node; a cluster that looks for its majority refuses for a while. Raises as `connect`."""
        until_s = time.monotonic() + _CONNECT_S
        while True:
            try:
                return await self.connect()
            except (OSError, EOFError, TimeoutError, ServiceError):
                if len(self._addresses) == 1 or time.monotonic() > until_s:
                    raise
            self._leave_node()
            await asyncio.sleep(_RETRY_S)

    async def ended(self) -> None:
        """Wait until the connection ends."""
        if self._connection is not None:
            await asyncio.wait([self._connection.ended])

    async def send_while(self, going_on: Callable[[], bool]) -> None:
        """Send as long as that holds, then until everything is acknowledged or nothing is for a minute."""
        self._heard_s = time.monotonic()
        while True:
            try:
                if self._connection is None:
                    await self.connect()
                await self._work(going_on)
            except (OSError, EOFError, TimeoutError, ServiceError):
                # ServiceError: a node that lost the others refuses; another one, or the same one later, does not.
                self.losses += 1
                self._leave_node()
                if self._has_given_up():
                    return
                await asyncio.sleep(_RETRY_S * (0.5 + random.random()))
            else:
                return

    def close(self) -> None:
        """Hang up. Idempotent."""
        self.cut()
        self._connection = None

    def cut(self) -> None:
        """Lose the connection, as a radio does."""
        if self._connection is not None:
            self._connection.abort()

    def shift_clock(self, by_ms: int) -> None:
        """From now on take this boot to have begun at another time."""
        self._boot_ms = max(0, self._boot_ms + by_ms)

    def say(self, topic: str, payload: bytes) -> None:
        """Publish whatever, as a broken or hostile device would."""
        if self._connection is not None:
            self._mid = self._mid % 0xFFFF + 1
            self._connection.write(publish_packet(topic, self._mid, payload))

    def _leave_node(self) -> None:
        self.close()
        self._addresses = self._addresses[1:] + self._addresses[:1]

    async def _work(self, going_on: Callable[[], bool]) -> None:
        self._write_open()  # what was sent on another connection
        self.resent += len(self._open)
        while self._open or going_on():
            if not self._open:
                self._make_new()
                self._write_open()
            await self._until_acked()
            if self._has_given_up():
                return

    def _has_given_up(self) -> bool:
        return bool(self._open) and time.monotonic() - self._heard_s > GIVE_UP_S

    def _make_new(self) -> None:
        self._heard_s = time.monotonic()
        for _ in range(_WINDOW):
            first, self.sent = self.sent + 1, self.sent + self._batch
            records = [(seq, kinds.WARNING, seq * 10, _warning(seq)) for seq in range(first, self.sent + 1)]
            payload = messages.encode_records(BOOT, kinds.STREAM_EVENT, records, self._boot_ms, kinds.CLOCK_SET)
            self._mid = self._mid % 0xFFFF + 1
            self.last_payload = payload
            self._open.append((self.sent, time.monotonic(), publish_packet(self._topic, self._mid, payload)))

    def _write_open(self) -> None:
        assert self._connection is not None
        self._connection.write(b"".join(packet for _, _, packet in self._open))

    async def _until_acked(self) -> None:
        assert self._connection is not None
        began_s = time.monotonic()
        while self._open:
            self._news.clear()
            if self._connection.ended.done():
                self._connection.ended.result()  # raises why
            try:
                await asyncio.wait_for(self._news.wait(), _RESEND_S)
            except TimeoutError:
                if time.monotonic() - max(began_s, self._heard_s) > _SILENCE_S:
                    raise
                self.resent += len(self._open)
                self._write_open()

    def _on_publish(self, body: bytes) -> None:
        _, _, upto = messages.decode_ack(body[2 + len(self._ack_topic) :])
        self._hear(upto)

    def _hear(self, upto: int) -> None:
        now_s = time.monotonic()
        self.acked = max(self.acked, upto)
        self.latencies_s += [now_s - sent_s for seq, sent_s, _ in self._open if seq <= self.acked]
        self._open = [entry for entry in self._open if entry[0] > self.acked]
        self._heard_s = now_s
        self._news.set()


def _warning(seq: int) -> dict[int, object]:
    distance_mm = 400 + seq * 7919 % 4600
    return {kinds.LEVEL: 1 + seq % 2, kinds.SOURCE: 1, kinds.DISTANCE_MM: distance_mm, kinds.MACHINE: b"load"}
