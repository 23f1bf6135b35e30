"""A scripted MQTT broker: answers as told, byte by byte, and remembers what it was told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

CONNACK = b"\x20\x02\x00\x00"
Answer = Callable[[bytes], list[bytes]]


class ScriptedBroker:
    """Serves one connection. `answers` maps a packet type (high nibble) to bytes to send for a packet's body."""

    def __init__(self, answers: dict[int, Answer], hang_up_after: int | None = None) -> None:
        self.packets: list[bytes] = []
        self._answers = answers
        self._hang_up_after = hang_up_after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """End; the client has gone by now."""
        self._listener.close()
        self._thread.join(60)

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(10)
            while True:
                packet = _packet(connection)
                if packet is None or packet[0] & 0xF0 == 0xE0:
                    return
                self.packets.append(packet)
                for piece in self._answers.get(packet[0] & 0xF0, lambda _body: [])(packet):
                    connection.sendall(piece)
                if len(self.packets) == self._hang_up_after:
                    return


def _packet(connection: socket.socket) -> bytes | None:
    try:
        head = connection.recv(2)
        if len(head) < 2:
            return None
        body = b""
        while len(body) < head[1]:
            more = connection.recv(head[1] - len(body))
            if not more:
                return None
            body += more
    except ConnectionResetError:
        return None
    return head + body


def polite() -> dict[int, Answer]:
    """What a good broker answers to CONNECT, PUBLISH, SUBSCRIBE and PINGREQ."""
    return {
        0x10: lambda _: [CONNACK],
        0x30: lambda packet: [b"\x40\x02" + puback_id(packet)] if packet[0] & 6 else [],
        0x80: lambda packet: [b"\x90\x03" + packet[2:4] + b"\x00"],
        0xC0: lambda _: [b"\xd0\x00"],
    }


def puback_id(packet: bytes) -> bytes:
    """Packet identifier of a PUBLISH with QoS 1."""
    at = 4 + (packet[2] << 8 | packet[3])
    return packet[at : at + 2]


def publish(topic: str, payload: bytes, qos: int = 0) -> bytes:
    """A PUBLISH from the broker."""
    name = topic.encode()
    body = bytes([0, len(name)]) + name + (b"\x00\x07" if qos else b"") + payload
    return bytes([0x30 | qos << 1, len(body)]) + body
