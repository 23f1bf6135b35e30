"""A worker's connection to a clustered broker; to ingest it looks like an MQTT connection.

Driven by its owner's thread, as `jikimi.fleet.mqtt.Session` is: nothing happens while nobody calls. While a worker is
stuck, its key in the bucket fades and the others take its partitions.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Final

import nats
from nats.errors import Error as NatsError

from jikimi.fleet.broker.config import replicas
from jikimi.fleet.jetstream import streams
from jikimi.fleet.jetstream.pull import Pull
from jikimi.fleet.mqtt import Incoming

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine, Iterable, Sequence

    from nats.aio.client import Client
    from nats.aio.msg import Msg

_log = logging.getLogger(__name__)

_CONNECT_S: Final = 2.0
_SILENCE_S: Final = 6.0  # a node that has not answered for so long is left for another one
_LOOK_S: Final = 1.0  # how often a worker says that it is there, and looks who else is
_READ_LIMIT: Final = 512  # messages taken in one go
_HOLD: Final = 2 * _READ_LIMIT  # with so many waiting here, no more are asked for
_FLUSH_S: Final = 5


class Session:
    """Messages of `site` from the partitions that fall to `worker`, a name no other worker has.

    `servers` are URLs of the broker's own protocol; `tls_name` is what their certificate must carry.
    """

    def __init__(
        self, servers: Sequence[str], tls: ssl.SSLContext, tls_name: str, site: str, worker: str, partitions: int
    ) -> None:
        self.ready = False
        self._servers, self._tls, self._tls_name = list(servers), tls, tls_name
        self._site, self._worker, self._partitions = site, worker, partitions
        self._loop = asyncio.new_event_loop()
        self._woken = asyncio.Event()
        self._inbox: deque[Incoming] = deque()
        self._replies: dict[int, str] = {}  # where each message that was not acknowledged yet is acknowledged
        self._taken = 0
        self._pulls: dict[tuple[str, int], Pull] = {}
        self._client: Client | None = None
        self._tending: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()  # connections given up
        self._answered_s = time.monotonic()

    @property
    def share(self) -> set[int]:
        """The partitions that are read here."""
        return {partition for _, partition in self._pulls}

    def receive(self, timeout_s: float) -> list[Incoming]:
        """Messages that are there, or that come first within `timeout_s`; [] also when `wake` was called."""
        self._do(self._until_something(timeout_s))
        return [self._inbox.popleft() for _ in range(min(len(self._inbox), _READ_LIMIT))]

    def wait(self, timeout_s: float) -> None:
        """Take nothing for `timeout_s`, or until `wake`; the worker is still there for the others."""
        self._do(self._sleep(timeout_s))

    def wake(self) -> None:
        """End a `receive` or `wait` in progress; may be called by a signal handler or another thread."""
        self._loop.call_soon_threadsafe(self._woken.set)

    def acknowledge(self, messages: Iterable[Incoming]) -> None:
        """Tell the broker that it can forget these; those whose word is lost come again."""
        replies = [reply for message in messages if (reply := self._replies.pop(message.mid, None))]
        self._do(self._send([(reply, b"+ACK") for reply in replies]))

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send these (topic, payload) at QoS 0, to MQTT clients of every node."""
        self._do(self._send([(topic.replace("/", "."), payload) for topic, payload in messages]))

    def close(self) -> None:
        """Say what is still to be said, and leave the partitions to the others at once. Idempotent."""
        if self._loop.is_closed():
            return
        self._loop.run_until_complete(self._leave())
        self._loop.close()

    def _do(self, work: Coroutine[None, None, None]) -> None:
        self._loop.run_until_complete(work)
        if self._tending is not None and self._tending.done():
            self._tending.result()  # what it could not handle ends the service

    async def _until_something(self, timeout_s: float) -> None:
        if self._tending is None:
            self._tending = asyncio.create_task(self._tend())
        await self._ask()
        if self._inbox:
            await asyncio.sleep(0)  # the connection has its turn
        else:
            await self._sleep(timeout_s)

    async def _sleep(self, timeout_s: float) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), max(0.0, timeout_s))
        except TimeoutError:
            return
        finally:
            self._woken.clear()

    async def _ask(self) -> None:
        if self._client is not None and self._client.is_connected and len(self._inbox) < _HOLD:
            for pull in self._pulls.values():
                await pull.ask()

    async def _send(self, messages: Iterable[tuple[str, bytes]]) -> None:
        if self._client is None or not self._client.is_connected:
            return  # at QoS 0 it is lost, and what was not acknowledged comes again
        for subject, payload in messages:
            await self._client.publish(subject, payload)
        await asyncio.sleep(0)

    async def _tend(self) -> None:
        """Connect, then keep the share of this worker in line with who is there, for ever."""
        while True:
            try:
                if self._client is None:
                    await self._connect()
                await self._look()
                self.ready, self._answered_s = True, time.monotonic()
            except (NatsError, OSError, TimeoutError) as error:
                _log.warning("the broker does not answer as it should, trying again: %s", error or type(error).__name__)
                if self._client is not None and time.monotonic() - self._answered_s > _SILENCE_S:
                    self._abandon(self._client)
            await asyncio.sleep(_LOOK_S)

    def _abandon(self, client: Client) -> None:
        """Go to another node. The library would first wait half a minute for the silent one to end its TLS in order."""
        self._client = None
        self._pulls.clear()
        self._servers = self._servers[1:] + self._servers[:1]
        ending = asyncio.create_task(client.close())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _connect(self) -> None:
        client = await nats.connect(
            servers=self._servers,
            tls=self._tls,
            tls_hostname=self._tls_name,
            connect_timeout=_CONNECT_S,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_CONNECT_S / 4,
            reconnected_cb=self._on_reconnected,
            error_cb=_on_error,
        )
        jetstream = client.jetstream(timeout=_CONNECT_S)
        try:
            await streams.ensure(jetstream, self._site, self._partitions, replicas(len(self._servers)))
        except BaseException:
            await client.close()
            raise
        self._client, self._answered_s = client, time.monotonic()

    async def _look(self) -> None:
        assert self._client is not None
        jetstream = self._client.jetstream(timeout=_CONNECT_S)
        await (await jetstream.key_value(streams.WORKERS)).put(self._worker, b"")
        subject = f"$KV.{streams.WORKERS}."
        info = await jetstream.stream_info(f"KV_{streams.WORKERS}", subjects_filter=subject + ">")
        present = [name.removeprefix(subject) for name in info.state.subjects or {}]
        await self._read(streams.share(self._worker, present, self._partitions))

    async def _read(self, partitions: set[int]) -> None:
        assert self._client is not None
        wanted = {(stream, partition) for stream in streams.LEAVES for partition in partitions}
        for key in self._pulls.keys() - wanted:
            await self._pulls.pop(key).close()
        for key in wanted - self._pulls.keys():
            pull = Pull(self._client, *key, self._on_message)
            await pull.open()
            self._pulls[key] = pull
        await self._ask()

    def _on_message(self, message: Msg) -> None:
        # jk.SITE.PARTITION.DEVICE.LEAF, as the stream has rewritten it
        prefix, site, _, device, leaf = message.subject.split(".")
        self._taken += 1
        self._replies[self._taken] = message.reply
        recv_ms = time.time_ns() // 1_000_000
        topic = "/".join((prefix, site, device, leaf))
        self._inbox.append(
            Incoming(topic, message.data, retain=False, recv_ms=recv_ms, qos=1, mid=self._taken, connection=0)
        )
        self._woken.set()

    async def _on_reconnected(self) -> None:
        _log.warning("connected to the broker again")
        for pull in self._pulls.values():
            pull.forget()
        await self._ask()

    async def _leave(self) -> None:
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)
        if self._client is None:
            return
        try:
            bucket = await self._client.jetstream(timeout=_CONNECT_S).key_value(streams.WORKERS)
            await bucket.delete(self._worker)
            await self._client.flush(_FLUSH_S)
        except (NatsError, OSError, TimeoutError) as error:
            _log.warning("left without a word: %s", error or type(error).__name__)
        await self._client.close()
        for ending in self._ending:
            ending.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)


async def _on_error(error: Exception) -> None:
    _log.warning("broker: %s", error or type(error).__name__)
