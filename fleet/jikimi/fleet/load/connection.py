"""One MQTT connection over TLS, as small as thousands in one process must be.

asyncio's own TLS sets 256 KiB aside for each connection, and the process keeps them when the connections are gone:
1.3 GB with 5,000 tags. Python's TLS without a socket needs what is under way and no more.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from typing import TYPE_CHECKING, Final

from jikimi.fleet.errors import ServiceError
from jikimi.fleet.load.packets import (
    CONNACK,
    DISCONNECT_PACKET,
    PUBLISH,
    SUBACK,
    connect_packet,
    subscribe_packet,
    take_packets,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK: Final = 16_384  # bytes: the most a TLS record holds


class Connection(asyncio.Protocol):
    """From `connect` on, until `ended` is done; it then holds why (OSError, EOFError).

    `on_publish(body)` gets each PUBLISH that comes down at QoS 0: topic and payload as MQTT has them.
    """

    def __init__(self, context: ssl.SSLContext, host: str, on_publish: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._news: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()  # None: the connection has ended
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._shaken: asyncio.Future[None] = loop.create_future()
        self._received = bytearray()
        self._on_publish = on_publish
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def connect(
        cls,
        address: tuple[str, int],
        context: ssl.SSLContext,
        client_id: str,
        topic: str,
        on_publish: Callable[[bytes], None],
        will: tuple[str, bytes] | None = None,
    ) -> Connection:
        """Connected to the broker at `address` and subscribed to `topic`.

        OSError, EOFError: it cannot be reached, or hangs up. ServiceError: it refuses. The caller limits the time.
        """
        connection = cls(context, address[0], on_publish)
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: connection, *address)
            await connection._shaken
            connection.write(connect_packet(client_id, will))
            await connection._expect(client_id, CONNACK, b"\0\0")
            connection.write(subscribe_packet(topic))
            await connection._expect(client_id, SUBACK, b"\0\1\0")
        except BaseException:
            connection.abort()
            raise
        return connection

    def write(self, packets: bytes) -> None:
        """Send MQTT packets; nothing happens when the connection has ended."""
        if not self.ended.done():
            self._guarded(partial(self._send, packets))

    def abort(self) -> None:
        """Lose the connection, as a radio does. Idempotent."""
        self._end(ConnectionAbortedError("the connection was cut"))

    def disconnect(self) -> None:
        """Hang up as MQTT does it, so that the broker forgets the will."""
        self.write(DISCONNECT_PACKET)
        if self._transport is not None:
            self._transport.close()

    # ---- called by the event loop ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP is there: begin with TLS."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._guarded(self._shake)

    def data_received(self, data: bytes) -> None:
        """Bytes of TLS."""
        self._incoming.write(data)
        self._guarded(self._read if self._shaken.done() else self._shake)

    def eof_received(self) -> None:
        """The broker has hung up."""
        self._end(EOFError("the broker hung up"))

    def connection_lost(self, exc: Exception | None) -> None:
        """TCP is gone."""
        self._end(exc or EOFError("the connection ended"))

    # ---- inside ----

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self._flush()  # the alert that says why
            self._end(error)

    def _shake(self) -> None:
        self._tls.do_handshake()
        self._flush()
        if not self._shaken.done():
            self._shaken.set_result(None)
        self._read()  # what came with the last step of the handshake

    def _send(self, packets: bytes) -> None:
        self._tls.write(packets)
        self._flush()

    def _read(self) -> None:
        while not self.ended.done():
            chunk = self._tls.read(_CHUNK)
            if not chunk:
                self._end(EOFError("the broker hung up"))
                return
            self._received += chunk
            for packet in take_packets(self._received):
                self._take(*packet)

    def _take(self, kind: int, body: bytes) -> None:
        if kind == PUBLISH:
            self._on_publish(body)
        elif kind in (CONNACK, SUBACK):
            self._news.put_nowait((kind, body))

    async def _expect(self, client_id: str, wanted: int, body: bytes) -> None:
        packet = await self._news.get()
        if packet is None:
            self.ended.result()
        if packet != (wanted, body):
            raise ServiceError(f"the broker refuses the tag {client_id}")

    def _flush(self) -> None:
        if self._transport is not None and self._outgoing.pending:
            self._transport.write(self._outgoing.read())

    def _end(self, reason: Exception) -> None:
        if self.ended.done():
            return
        if self._transport is not None:
            self._transport.abort()
        self._news.put_nowait(None)
        for future in (self._shaken, self.ended):
            if not future.done():
                future.set_exception(reason)
                future.exception()  # taken note of: not everybody who may ask does
