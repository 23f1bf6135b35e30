"""The little MQTT 3.1.1 that a tag of the load needs, and its TLS."""

from __future__ import annotations

import base64
import ssl
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from jikimi.fleet.registry import DeviceFiles

CONNACK: Final = 2
PUBLISH: Final = 3
SUBACK: Final = 9


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


def subscribe_packet(topic: str) -> bytes:
    """MQTT SUBSCRIBE at QoS 0, under the id 1."""
    return _packet(0x82, b"\0\1" + _text(topic) + b"\0")


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Type and body of the next packet; EOFError when the connection ends before it is whole."""
    head = (await reader.readexactly(1))[0]
    size, shift = 0, 0
    while True:
        low = (await reader.readexactly(1))[0]
        size |= (low & 0x7F) << shift
        shift += 7
        if low < 0x80:
            return head >> 4, await reader.readexactly(size)


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text)) + text.encode()


def _packet(head: int, body: bytes) -> bytes:
    size, length = len(body), b""
    while True:
        size, low = divmod(size, 128)
        length += bytes((low | (0x80 if size else 0),))
        if not size:
            return bytes((head,)) + length + body
