"""What the broker sends, parted: PUBLISH packets for us, everything else for paho.

Nearly all that comes to the host are PUBLISH packets. paho asks its socket for three or four pieces of each, builds an
object, takes four locks and looks for callbacks; here a loop over what one read has brought does all of that work.
Connecting, subscribing, keeping alive and noticing the end stay with paho, which sees a stream without PUBLISH packets.
"""

from __future__ import annotations

import logging
import ssl
import time
from typing import Final, NamedTuple

_log = logging.getLogger(__name__)

_READ_BYTES: Final = 16 << 10  # what one TLS record holds at most
_PUBLISH: Final = 3  # in the upper four bits of a packet's first byte
_LENGTH_BYTES: Final = 4  # at most
_MID_BYTES: Final = 2


class Incoming(NamedTuple):
    """A message; `connection` and `mid` are what `acknowledge` needs, `recv_ms` is ms since 1970 UTC."""

    topic: str
    payload: bytes
    retain: bool
    recv_ms: int
    qos: int
    mid: int
    connection: int


class Splitter:
    """Parts the bytes of one `connection`, however they are cut into pieces.

    `messages` are the PUBLISH packets at QoS 0 and 1, `others` the bytes of all other packets and of what is no MQTT,
    unchanged and in order. Whoever uses them takes them out.
    """

    def __init__(self, connection: int) -> None:
        self.messages: list[Incoming] = []
        self.others = bytearray()
        self._connection = connection
        self._rest = b""  # the beginning of a packet that is not all there
        self._broken = False

    def feed(self, data: bytes, recv_ms: int) -> None:
        """Part `data`, which arrived at `recv_ms` and follows what was fed before."""
        data, at = self._rest + data, 0
        while not self._broken:
            start, end = self._body(data, at)
            if end > len(data):
                break
            message = self._message(data, at, start, end, recv_ms)
            if message is None:
                self.others += data[at:end]
            else:
                self.messages.append(message)
            at = end
        self._rest = data[at:]
        if self._broken:
            self.others += self._rest
            self._rest = b""

    def _body(self, data: bytes, at: int) -> tuple[int, int]:
        """Where the body of the packet at `at` starts and ends; the end is beyond `data` if it is not there yet."""
        size = shift = 0
        for start in range(at + 1, min(at + 1 + _LENGTH_BYTES, len(data))):
            size |= (data[start] & 0x7F) << shift
            if data[start] < 0x80:
                return start + 1, start + 1 + size
            shift += 7
        self._broken = shift == 7 * _LENGTH_BYTES  # longer than a length can be
        return at, len(data) + 1

    def _message(self, data: bytes, at: int, start: int, end: int, recv_ms: int) -> Incoming | None:
        """The packet at `at` if it is a PUBLISH that we take; paho finds out what is wrong with others."""
        flags = data[at]
        qos = flags >> 1 & 3
        if flags >> 4 != _PUBLISH or qos > 1:
            return None
        name = start + 2
        after = name + int.from_bytes(data[start:name], "big")
        payload = after + _MID_BYTES * qos
        if payload > end or after == name:
            return None
        mid = int.from_bytes(data[after:payload], "big")
        # Not every broker looks at what is in a topic; what is no UTF-8 is of no device, and kept as a dead letter.
        topic = str(data[name:after], "utf-8", "backslashreplace")
        return Incoming(topic, data[payload:end], bool(flags & 1), recv_ms, qos, mid, self._connection)


class Socket(ssl.SSLSocket):
    """Keeps PUBLISH packets to itself, for `take`, and gives paho the rest."""

    _splitter: Splitter
    _ended = False

    def begin(self, connection: int) -> None:
        """Part what comes from now on, which is all of `connection`."""
        self._splitter = Splitter(connection)

    def fetch(self, limit: int) -> bool:
        """Read what is there, up to some `limit` messages; whether there may be more."""
        while not self._ended and len(self._splitter.messages) < limit:
            try:
                data = super().recv(_READ_BYTES)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            except OSError as error:
                _log.warning("reading from the broker failed: %s", error)
                data = b""
            self._ended = not data
            self._splitter.feed(data, time.time_ns() // 1_000_000)
        return not self._ended

    def take(self) -> list[Incoming]:
        """The messages that were fetched since the last call."""
        found, self._splitter.messages = self._splitter.messages, []
        return found

    def pending(self) -> int:
        """Whether paho has something to read: bytes, or the end of the connection."""
        return len(self._splitter.others) or int(self._ended)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """For paho: what is no PUBLISH and was fetched; b"" at the end."""
        assert flags == 0
        others = self._splitter.others
        if not others and not self._ended:
            raise ssl.SSLWantReadError
        found = bytes(others[:buflen])
        del others[:buflen]
        return found
