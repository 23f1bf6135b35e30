"""A Modbus device to talk to: pymodbus's server, an independent implementation; `spoil` changes what it sends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

HOLDING = [0, 1500, 65_536 - 800, 65_535, *range(100, 250)]
INPUT = [7, 8, 9]
Spoil = Callable[[bytes], bytes]


def _device() -> SimDevice:
    bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    holding = [SimData(0, values=list(HOLDING), datatype=DataType.REGISTERS)]
    inputs = [SimData(0, values=list(INPUT), datatype=DataType.REGISTERS)]
    return SimDevice(1, simdata=(bits, bits, holding, inputs))


@contextmanager
def modbus_device(framer: FramerType, spoil: Spoil = bytes) -> Iterator[int]:
    """The TCP port of a device of unit 1; with the RTU framer it speaks serial frames there."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    async def start() -> ModbusTcpServer:
        server = ModbusTcpServer(
            _device(),
            framer=framer,
            address=("127.0.0.1", 0),
            trace_packet=lambda sending, data: spoil(data) if sending else data,
        )
        await server.serve_forever(background=True)
        return server

    server = run(start())
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        run(server.shutdown())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
