"""One connection of a board to the world: frames in, chips touched, replies out."""

from __future__ import annotations

import asyncio
import errno
import struct
from typing import TYPE_CHECKING, cast

from jikimi.fleet.virtual import link
from jikimi.fleet.virtual.calls import Calls

if TYPE_CHECKING:
    from jikimi.fleet.virtual.hardware import Hardware
    from jikimi.fleet.virtual.world import World

_OUTPUT_MAX_BYTES = 16 * 1024


class Session(asyncio.Protocol):
    """A connection; before its HELLO it may do nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._buffer = bytearray()
        self._name = ""
        self._channel = -1
        self._board: Hardware
        self._calls: Calls
        self._transport: asyncio.Transport

    # asyncio.Protocol.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A board's process has connected."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The process has ended or closed it."""
        sessions = self._world.sessions.get(self._name, [])
        if self in sessions:
            sessions.remove(self)
        if self._channel >= link.CHANNEL_UART:
            sinks = self._board.uart_sinks
            if sinks.get(self._channel - link.CHANNEL_UART) == self._send_raw:
                del sinks[self._channel - link.CHANNEL_UART]

    def data_received(self, data: bytes) -> None:
        """Bytes from the board."""
        if self._channel >= link.CHANNEL_UART:
            self._board.uart_in(self._channel - link.CHANNEL_UART, data)
            return
        self._buffer += data
        while len(self._buffer) >= link.REQUEST.size and not self._transport.is_closing():
            op, seq, arg, length = link.REQUEST.unpack_from(self._buffer)
            end = link.REQUEST.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[link.REQUEST.size : end])
            del self._buffer[:end]
            self._handle(op, seq, arg, payload)

    def close(self) -> None:
        """End the connection."""
        self._transport.abort()

    # Frames.

    def _handle(self, op: int, seq: int, arg: int, payload: bytes) -> None:
        if self._channel < 0 and op != link.HELLO:
            self.close()
            return
        code, reply = 0, b""
        try:
            reply = self._hello(arg, payload) if op == link.HELLO else self._calls.handle(op, arg, payload)
        except OSError as error:
            code = error.errno or errno.EIO
        except (struct.error, IndexError):
            code = errno.EINVAL  # a payload that does not fit its op
        if op > link.ONE_WAY and not self._transport.is_closing():
            self._transport.write(link.REPLY.pack(seq, code, len(reply)) + reply)

    def _hello(self, arg: int, payload: bytes) -> bytes:
        self._name, self._channel = payload.decode(), arg
        self._board = self._world.hardware(self._name)
        self._calls = Calls(self._world, self._name, self._board)
        self._world.sessions.setdefault(self._name, []).append(self)
        if arg >= link.CHANNEL_UART:
            self._board.uart_sinks[arg - link.CHANNEL_UART] = self._send_raw
        elif arg == link.CHANNEL_EVENTS:
            self._board.pin_listener = self._pin_changed
        return b""

    # To the board. What it does not fetch is lost beyond a buffer's worth.

    def _send_raw(self, data: bytes) -> None:
        full = self._transport.get_write_buffer_size() > _OUTPUT_MAX_BYTES
        if not self._transport.is_closing() and not full:
            self._transport.write(data)

    def send_event(self, kind: int, payload: bytes) -> None:
        """An event, if this is the connection for events."""
        if self._channel == link.CHANNEL_EVENTS:
            self._send_raw(bytes([kind, len(payload)]) + payload)

    def _pin_changed(self, pin: int, level: int) -> None:
        self.send_event(link.EVENT_PIN, bytes([pin, level]))
