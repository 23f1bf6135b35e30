"""One MQTT connection, driven by its owner's thread: no thread of its own that could die unnoticed.

`receive` does all the work there is: it connects, and connects again after a loss, reads, writes and keeps the
connection alive. As long as nobody calls it nothing is read, so a slow owner slows the broker down instead of filling
memory. Messages are acknowledged only by `acknowledge`.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from jikimi.fleet.mqtt.stream import Incoming, Socket

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_log = logging.getLogger(__name__)

_KEEPALIVE_S = 60  # longer than the owner may be busy with a commit
_CONNECT_S = 5.0
_RETRY_S, _RETRY_MAX_S = 0.1, 2.0  # after a loss; doubles with each failure
_WRITE_S = 2.0  # for the broker to take what is written
_PUBACK = b"\x40\x02"  # in front of the message's id
_PUBLISH_0 = b"\x30"  # at QoS 0
_READ_LIMIT = 256  # messages taken in one go


@dataclass(frozen=True)
class Greeting:
    """What is said on each connection: subscriptions, own state (retained), and the state when the connection dies."""

    subscriptions: tuple[tuple[str, int], ...] = ()  # (topic filter, QoS)
    topic: str = ""
    birth: bytes = b""
    will: bytes = b""


@dataclass
class _Retry:
    """When to connect next, on the monotonic clock."""

    due_s: float = 0.0
    delay_s: float = field(default=_RETRY_S)

    def failed(self) -> None:
        self.due_s = time.monotonic() + self.delay_s
        self.delay_s = min(_RETRY_MAX_S, 2 * self.delay_s)

    def succeeded(self) -> None:
        self.due_s, self.delay_s = 0.0, _RETRY_S


class Session:
    """A connection under `client_id`; with `clean` false the broker keeps what arrives while it is away.

    `addresses` are those of the broker's nodes: when one does not answer, the next is tried.
    """

    def __init__(
        self,
        addresses: Sequence[tuple[str, int]],
        tls: ssl.SSLContext,
        client_id: str,
        *,
        clean: bool,
        greeting: Greeting | None = None,
    ) -> None:
        self.ready = False  # connected, and all subscriptions granted
        self.published: set[int] = set()  # ids of QoS 1 messages the broker has taken
        self._addresses = list(addresses)  # the first one is tried next
        self._greeting = greeting or Greeting()
        self._client = self._make_client(tls, client_id, clean)
        self._connection = 0
        self._more = False  # to read, decrypted already perhaps, so that select would not see it
        self._retry = _Retry()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)

    def receive(self, timeout_s: float) -> list[Incoming]:
        """Messages that are there, or that come first within `timeout_s`; [] also when `wake` was called.

        Loss of the connection is not an error: it is made again, with growing pauses.
        """
        sock = self._socket() or self._connect()
        if sock is None:
            self._sleep(min(timeout_s, self._retry.due_s - time.monotonic()))
            return []
        readers: list[Any] = [sock, self._wake_read]
        writers = [sock] if self._client.want_write() else []
        readable, writable, _ = select.select(readers, writers, [], 0 if self._more else max(0.0, timeout_s))
        if sock in readable or self._more:
            self._read(sock)
        if sock in writable:
            self._client.loop_write()
        self._drain_wake(readable)
        self._client.loop_misc()
        return sock.take()

    def wait(self, timeout_s: float) -> None:
        """Do nothing for `timeout_s`, or until `wake`; nothing is read."""
        self._sleep(timeout_s)

    def wake(self) -> None:
        """End a `receive` or `wait` in progress; may be called by a signal handler or another thread."""
        try:
            os.write(self._wake_write, b"x")
        except BlockingIOError:
            _log.debug("woken many times already")

    def acknowledge(self, messages: Iterable[Incoming]) -> None:
        """Tell the broker that these are taken care of; those of a lost connection it sends again by itself."""
        # All in one piece: paho would encrypt and send each four bytes on their own, which costs as much as storing.
        packets = b"".join(
            _PUBACK + message.mid.to_bytes(2, "big")
            for message in messages
            if message.connection == self._connection and message.qos == 1
        )
        self._send_now(packets)

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send these (topic, payload) at QoS 0, all in one piece; without a connection they are lost."""
        if self._client.is_connected():
            self._send_now(b"".join(_publish_packet(topic, payload) for topic, payload in messages))

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> int:
        """Queue a message and return its id. At QoS 0 it is lost when there is no connection."""
        return self._client.publish(topic, payload, qos, retain).mid

    def close(self, last_words: bytes | None = None) -> None:
        """Publish `last_words` as own state, write what is queued, disconnect properly (no last will). Idempotent."""
        if self._wake_read < 0:
            return
        if self._client.is_connected():
            if last_words is not None:
                self.publish(self._greeting.topic, last_words, retain=True)
            self._client.on_disconnect = None
            self._client.disconnect()
            self._write_queued()
        if (sock := self._socket()) is not None:
            sock.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
        self._wake_read = self._wake_write = -1

    def _make_client(self, tls: ssl.SSLContext, client_id: str, clean: bool) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=clean,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        tls.sslsocket_class = Socket
        client.tls_set_context(tls)
        client.connect_timeout = _CONNECT_S
        if self._greeting.will:
            client.will_set(self._greeting.topic, self._greeting.will, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = lambda _client, _data, mid, _reason, _properties: self.published.add(mid)
        client.on_socket_open = self._on_socket_open
        # With a handler paho queues what it has to write, instead of one system call for each acknowledgement.
        client.on_socket_register_write = lambda _client, _data, _sock: None
        return client

    def _connect(self) -> Socket | None:
        if time.monotonic() < self._retry.due_s:
            return None
        self._connection += 1
        self._more = False
        try:
            self._client.connect(*self._addresses[0], _KEEPALIVE_S)
        except OSError as error:
            self._retry.failed()
            _log.warning("no connection to the broker at %s port %d: %s", *self._addresses[0], error)
            self._addresses = self._addresses[1:] + self._addresses[:1]
        return self._socket()

    def _socket(self) -> Socket | None:
        sock = self._client.socket()
        assert sock is None or isinstance(sock, Socket)
        return sock

    def _read(self, sock: Socket) -> None:
        self._more = sock.fetch(_READ_LIMIT)
        while self._socket() is sock and sock.pending():
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return

    def _write_queued(self) -> bool:
        """Write what paho holds back, a started packet above all; False when that is not done in time."""
        deadline = time.monotonic() + _WRITE_S
        while (sock := self._socket()) is not None and self._client.want_write():
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([], [sock], [], left_s)[1]:
                return False
            self._client.loop_write()
        return True

    def _send_now(self, packets: bytes) -> None:
        sent = not packets or (
            self._write_queued() and (sock := self._socket()) is not None and _send_all(sock, packets)
        )
        if not sent and (sock := self._socket()) is not None:
            _hang_up(sock)

    def _sleep(self, timeout_s: float) -> None:
        self._drain_wake(select.select([self._wake_read], [], [], max(0.0, timeout_s))[0])

    def _drain_wake(self, readable: list[Any]) -> None:
        if self._wake_read in readable:
            os.read(self._wake_read, 4096)

    def _on_socket_open(self, _client: Client, _data: Any, sock: Any) -> None:
        sock.begin(self._connection)
        # Otherwise the second of two small packets waits for the broker's delayed TCP acknowledgement, 40 ms.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._retry.failed()
            _log.warning("the broker refuses the connection: %s", reason)
            return
        self._retry.succeeded()
        if self._greeting.birth:
            client.publish(self._greeting.topic, self._greeting.birth, qos=1, retain=True)
        if self._greeting.subscriptions:
            client.subscribe(list(self._greeting.subscriptions))
        else:
            self.ready = True

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        self.ready = not any(reason.is_failure for reason in reasons)
        if not self.ready:
            _log.error("the broker refuses a subscription: its configuration is not the one of this site")

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.ready = False
        self._retry.failed()
        _log.warning("the connection to the broker ended: %s", reason)


def _publish_packet(topic: str, payload: bytes) -> bytes:
    name = topic.encode()
    left = 2 + len(name) + len(payload)
    packet = bytearray(_PUBLISH_0)
    while left > 0x7F:
        packet.append(left & 0x7F | 0x80)
        left >>= 7
    packet.append(left)
    return bytes(packet + len(name).to_bytes(2, "big") + name + payload)


def _send_all(sock: ssl.SSLSocket, packets: bytes) -> bool:
    """Whether all bytes could be written, on a socket that does not block, before the patience ended."""
    left, deadline = memoryview(packets), time.monotonic() + _WRITE_S
    while left:
        try:
            left = left[sock.send(left) :]
        except ssl.SSLWantWriteError:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([], [sock], [], left_s)[1]:
                return False
        except OSError as error:
            _log.warning("the connection to the broker ended while acknowledging: %s", error)
            return False
    return True


def _hang_up(sock: ssl.SSLSocket) -> None:
    """Make the next `receive` find out that this connection is of no use, and connect again."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        _log.debug("the connection is gone already: %s", error)
