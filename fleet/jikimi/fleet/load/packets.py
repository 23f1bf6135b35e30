"""The little MQTT 3.1.1 that a tag of the load needs, and its TLS."""

from __future__ import annotations

import base64
import ssl
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jikimi.fleet.registry import DeviceFiles

CONNACK: Final = 2
PUBLISH: Final = 3
SUBACK: Final = 9
DISCONNECT_PACKET: Final = b"\xe0\0"


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


def connect_packet(client_id: str, will: tuple[str, bytes] | None = None) -> bytes:
    """MQTT CONNECT with a clean session; `will` is topic and payload, published retained and at QoS 1."""
    flags, last = (0x02, b"") if will is None else (0x2E, _text(will[0]) + _bytes(will[1]))
    return _packet(0x10, b"\0\4MQTT\4" + bytes((flags, 0, 0)) + _text(client_id) + last)


def publish_packet(topic: str, mid: int, payload: bytes, *, retain: bool = False) -> bytes:
    """MQTT PUBLISH at QoS 1."""
    return _packet(0x33 if retain else 0x32, _text(topic) + struct.pack("!H", mid) + payload)


def unconfirmed_packet(topic: str, payload: bytes) -> bytes:
    """MQTT PUBLISH at QoS 0."""
    return _packet(0x30, _text(topic) + payload)


def subscribe_packet(topic: str) -> bytes:
    """MQTT SUBSCRIBE at QoS 0, under the id 1."""
    return _packet(0x82, b"\0\1" + _text(topic) + b"\0")


def take_packets(received: bytearray) -> Iterator[tuple[int, bytes]]:
    """Type and body of each packet that is whole, taken out of `received`."""
    while (head := _head(received)) is not None:
        start, end = head
        if len(received) < end:
            return
        packet = received[0] >> 4, bytes(received[start:end])
        del received[:end]
        yield packet


def _head(received: bytearray) -> tuple[int, int] | None:
    """Where the body of the first packet begins and ends; None: its length has not come yet."""
    size = 0
    for place in range(1, len(received)):
        low = received[place]
        size |= (low & 0x7F) << 7 * (place - 1)
        if low < 0x80:
            return place + 1, place + 1 + size
    return None


def _text(text: str) -> bytes:
    return _bytes(text.encode())


def _bytes(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data


def _packet(head: int, body: bytes) -> bytes:
    size, length = len(body), b""
    while True:
        size, low = divmod(size, 128)
        length += bytes((low | (0x80 if size else 0),))
        if not size:
            return bytes((head,)) + length + body
