"""MQTT 3.1.1 over asyncio streams: QoS 0 and 1, one connection, no reconnection.

Whatever goes wrong - refusal, silence, malformed bytes, a peer that goes away - is an OSError here; `link` is the layer
that tries again. Numbers in brackets are requirements and sections of the OASIS MQTT 3.1.1 specification.
"""

import asyncio
import errno
import struct

_CONNECT = 0x10
_CONNACK = 0x20
_PUBLISH = 0x30
_PUBACK = 0x40
_SUBSCRIBE = 0x82
_SUBACK = 0x90
_PINGREQ = 0xC0
_PINGRESP = 0xD0
_DISCONNECT = 0xE0

_EPIPE = 32  # MicroPython's errno does not name it

# The longest packet taken from the broker: 1 KiB of payload, a topic, and room. Longer ones are an error, not an
# allocation that fails somewhere else.
_LONGEST_PACKET = 1400
_REFUSALS = ("", "protocol version", "client id", "server unavailable", "user or password", "not authorised")


class Will:
    """What the broker publishes, retained, when this client goes away without a word."""

    def __init__(self, topic, payload, qos=1):
        self.topic = topic
        self.payload = payload
        self.qos = qos


class Client:
    """One connection. `open_stream()` is a coroutine function giving (reader, writer); `port` has the clock."""

    def __init__(self, port, open_stream, client_id, keepalive_s=30, will=None, timeout_ms=10_000):
        self._port = port
        self._open_stream = open_stream
        self._client_id = client_id
        self._keepalive_s = keepalive_s
        self._will = will
        self._timeout_ms = timeout_ms
        self._reader = None
        self._writer = None
        self._write_lock = asyncio.Lock()
        self._pid = 0
        self._waiting = {}
        self._failure = None

    async def connect(self):
        """Transport, CONNECT and CONNACK; OSError when refused or late."""
        self._reader, self._writer = await self._within(self._open_stream())
        try:
            await self._send(self._connect_packet())
            kind, body = await self._within(self._read_packet())
        except OSError as error:
            if error.errno not in (errno.ECONNRESET, _EPIPE):
                raise
            # TLS 1.3 says only now what the broker thinks of our certificate.
            raise OSError(errno.EACCES, "hung up on us: certificate ended or revoked?") from None
        if kind != _CONNACK or len(body) != 2:
            raise _malformed("no CONNACK")
        if body[1]:
            reason = _REFUSALS[body[1]] if body[1] < len(_REFUSALS) else str(body[1])
            raise OSError(errno.EACCES, "refused: " + reason)

    async def publish(self, topic, payload, qos=0, retain=False):
        """Send a message; with QoS 1, return when the broker has acknowledged it. OSError otherwise.

        The acknowledgement is heard by `run`, which must be running.
        """
        head = _string(topic)
        flags = _PUBLISH | qos << 1 | (1 if retain else 0)
        if qos == 0:
            await self._send(_packet(flags, head + payload))
            return
        pid = self._next_pid()
        await self._request(pid, _packet(flags, head + struct.pack(">H", pid) + payload))

    async def subscribe(self, topic, qos=0):
        """Subscribe and return when granted; OSError when refused. `run` must be running."""
        pid = self._next_pid()
        body = struct.pack(">H", pid) + _string(topic) + bytes([qos])
        code = await self._request(pid, _packet(_SUBSCRIBE, body))
        if code == 0x80:
            raise OSError(errno.EACCES, "subscription refused: " + topic)

    async def run(self, on_message):
        """Read until the connection ends, which is an OSError; `on_message(topic, payload)` for every message.

        After half the keep-alive of silence a PINGREQ goes out; as much silence again ends the connection [3.1.2.10].
        """
        try:
            while True:
                await self._one_packet(on_message)
        except OSError as error:
            self._fail(error)
            raise

    async def close(self):
        """Say goodbye when the transport still takes it, and let go. Never raises OSError."""
        if self._writer is None:
            return
        self._fail(OSError(errno.ECONNABORTED, "closed"))
        writer, self._writer = self._writer, None
        try:
            writer.write(bytes([_DISCONNECT, 0]))
            await self._port.wait_for_ms(writer.drain(), 500)
        except (OSError, ValueError, asyncio.TimeoutError):
            pass  # the peer is gone: then the last will is the right goodbye
        try:
            writer.close()
            await self._port.wait_for_ms(writer.wait_closed(), 500)
        except (OSError, ValueError, asyncio.TimeoutError):
            pass  # a transport that cannot even be closed properly is closed

    # ---- sending ----

    def _connect_packet(self):
        flags = 0x02  # clean session: what is owed to us is asked for again, by our own acknowledgements
        tail = _string(self._client_id)
        if self._will:
            flags |= 0x04 | self._will.qos << 3 | 0x20
            tail += _string(self._will.topic) + struct.pack(">H", len(self._will.payload)) + self._will.payload
        head = _string("MQTT") + bytes([4, flags]) + struct.pack(">H", self._keepalive_s)
        return _packet(_CONNECT, head + tail)

    def _next_pid(self):
        while True:
            self._pid = self._pid + 1 if self._pid < 65535 else 1
            if self._pid not in self._waiting:
                return self._pid

    async def _request(self, pid, packet):
        """Send and wait for the answer with this packet id: its code (0 for PUBACK)."""
        answer = _Answer()
        self._waiting[pid] = answer
        try:
            await self._send(packet)
            await self._within(answer.event.wait())
        finally:
            del self._waiting[pid]
        if self._failure:
            raise OSError(errno.ENOTCONN, "connection lost")
        return answer.code

    async def _send(self, packet):
        async with self._write_lock:
            if self._failure or self._writer is None:
                raise OSError(errno.ENOTCONN, "not connected")
            try:
                self._writer.write(packet)
            except ValueError as error:  # as in _within: MicroPython may write at once
                raise OSError(errno.EACCES, str(error)) from None
            await self._within(self._writer.drain())

    async def _within(self, awaitable):
        """Wait at most the time allowed for anything; all ways to fail become OSError."""
        try:
            return await self._port.wait_for_ms(awaitable, self._timeout_ms)
        except asyncio.TimeoutError:
            raise OSError(errno.ETIMEDOUT, "no answer") from None
        except EOFError:
            raise OSError(errno.ECONNRESET, "closed by the broker") from None
        except ValueError as error:  # MicroPython's word for a certificate that cannot be trusted, at the first byte
            raise OSError(errno.EACCES, str(error)) from None

    def _fail(self, error):
        self._failure = self._failure or error
        for answer in self._waiting.values():
            answer.event.set()

    # ---- receiving ----

    async def _one_packet(self, on_message):
        first = await self._first_byte()
        kind, body = await self._within(self._rest_of_packet(first))
        if kind & 0xF0 == _PUBLISH:
            await self._on_publish(kind, body, on_message)
        elif kind == _PUBACK and len(body) == 2:
            self._answer(body, 0)
        elif kind == _SUBACK and len(body) == 3 and body[2] in (0, 1, 2, 0x80):
            self._answer(body, body[2])
        elif kind != _PINGRESP or body:
            raise _malformed(f"packet {kind:#x} of {len(body)} bytes")

    async def _first_byte(self):
        half_ms = self._keepalive_s * 500
        for ping in (True, False):
            try:
                return (await self._port.wait_for_ms(self._reader.readexactly(1), half_ms))[0]
            except asyncio.TimeoutError:
                if ping:
                    await self._send(bytes([_PINGREQ, 0]))
            except EOFError:
                raise OSError(errno.ECONNRESET, "closed by the broker") from None
        raise OSError(errno.ETIMEDOUT, "broker is silent")

    async def _read_packet(self):
        return await self._rest_of_packet((await self._reader.readexactly(1))[0])

    async def _rest_of_packet(self, kind):
        length = 0
        for shift in (0, 7, 14, 21):  # [2.2.3]
            byte = (await self._reader.readexactly(1))[0]
            length |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
        else:
            raise _malformed("length")
        if length > _LONGEST_PACKET:
            raise _malformed(f"packet of {length} bytes")
        return kind, await self._reader.readexactly(length) if length else b""

    async def _on_publish(self, kind, body, on_message):
        qos = kind >> 1 & 3
        if qos > 1:  # 2 was never granted, 3 does not exist [MQTT-3.3.1-4]
            raise _malformed("QoS")
        start = 2 + _topic_length(body)
        payload_at = start + 2 * qos
        if len(body) < payload_at:
            raise _malformed("publish")
        on_message(_text(body[2:start]), body[payload_at:])
        if qos:
            await self._send(_packet(_PUBACK, body[start:payload_at]))

    def _answer(self, body, code):
        # An id nobody waits for is a late answer to a request that timed out, or a repeated one: harmless.
        answer = self._waiting.get(body[0] << 8 | body[1])
        if answer:
            answer.code = code
            answer.event.set()


class _Answer:
    def __init__(self):
        self.event = asyncio.Event()
        self.code = None


def _topic_length(body):
    if len(body) < 3:
        raise _malformed("publish")
    return body[0] << 8 | body[1]


def _packet(kind, body):
    length = len(body)
    head = bytearray([kind])
    while length > 127:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + body


def _string(text):
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _text(data):
    try:
        return str(data, "utf-8")
    except UnicodeError:  # a ValueError on both Pythons, and never allowed in a topic [MQTT-1.5.3-1]
        raise _malformed("topic") from None


def _malformed(what):
    return OSError(errno.EINVAL, "malformed: " + what)
