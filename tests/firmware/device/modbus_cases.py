"""Reads registers over TCP and over a serial line (here a socket) and prints what came: `CASE… PORT TRANSPORT`.

A case is function:address:count; an answer its registers, or the error's text and code.
"""

# ruff: noqa: T201, PTH208 - MicroPython lacks pathlib; stdout is the result.

import asyncio
import json
import os
import socket
import sys

from jikimi.edge.modbus import ModbusError, Rtu, Tcp, crc16
from jikimi.edge.port import port

here = port()
TIMEOUT_MS = 2000  # a busy machine answers late


class SocketUart:
    """As machine.UART: bytes to and from a server that speaks serial frames over TCP."""

    def __init__(self, tcp_port):
        self._socket = socket.socket()
        self._socket.connect(socket.getaddrinfo("127.0.0.1", tcp_port)[0][-1])
        self._socket.setblocking(False)
        self._got = b""

    def any(self):
        try:
            self._got += self._socket.recv(256)
        except OSError:  # nothing has come yet
            return len(self._got)
        return len(self._got)

    def read(self):
        got, self._got = self._got, b""
        return got or None

    def write(self, data):
        self._socket.send(data)


async def ask(client, case):
    function, address, count = [int(part) for part in case.split(":")]
    try:
        return list(await client.read(function, address, count))
    except ModbusError as error:
        return [str(error.args[0]), error.code]


async def main(cases, tcp_port, transport):
    if transport == "tcp":
        client = Tcp("127.0.0.1", tcp_port, 1, here, TIMEOUT_MS)
    else:
        uart = SocketUart(tcp_port)
        uart._got = b"\x01\x03\x02\x00\x63\xf8\x6d"  # 99, a whole answer to an earlier request that comes too late
        client = Rtu(uart, 1, here, TIMEOUT_MS)
    found = []
    for case in cases:
        found.append(await ask(client, case))  # noqa: PERF401 - MicroPython has no asynchronous comprehension
    return found


async def left_open(tcp_port):
    """Connections that stand after eight requests without an answer."""
    client = Tcp("127.0.0.1", tcp_port, 1, here, 20)
    before = len(os.listdir("/proc/self/fd"))
    said = []
    for _ in range(8):
        said.append(await ask(client, "3:0:1"))  # noqa: PERF401 - as below
    return [said, len(os.listdir("/proc/self/fd")) - before]


if sys.argv[1] == "silent":
    print(json.dumps(asyncio.run(left_open(int(sys.argv[2])))))
elif sys.argv[1] == "crc":
    print(json.dumps([crc16(bytes.fromhex(text)) for text in sys.argv[2:]]))
else:
    print(json.dumps(asyncio.run(main(sys.argv[1:-2], int(sys.argv[-2]), sys.argv[-1]))))
