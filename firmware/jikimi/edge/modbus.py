"""A small Modbus client that reads registers: over a serial line (RTU) and over TCP.

From "MODBUS Application Protocol Specification V1.1b3" (functions 03 and 04, chapter 6; exceptions, chapter 7), "MODBUS
over Serial Line V1.02" (frame and CRC, 2.5.1 and 6.2.2) and "MODBUS Messaging on TCP/IP V1.0b" (MBAP header, 3.1.3). It
never writes to a machine.
"""

import asyncio
import struct

from jikimi.edge.port import const

HOLDING = 3
INPUT = 4
MOST_REGISTERS = 125  # of one request (6.3)

_EXCEPTION = const(0x80)
_POLL_MS = const(4)
_CLOSE_MS = const(500)
_LONGEST_RTU = const(256)


class ModbusError(OSError):
    """The device did not give the registers asked for: silent, garbled, or an exception of its own (`code`)."""

    def __init__(self, text, code=None):
        super().__init__(text)
        self.code = code


def crc16(data):
    """CRC of a serial frame: polynomial 0xA001 reflected, from 0xFFFF; sent low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _request(unit, function, address, count):
    if not 1 <= count <= MOST_REGISTERS or not 0 <= address <= 0xFFFF:
        raise ValueError("address or number of registers")
    return struct.pack(">BBHH", unit, function, address, count)


def _registers(answer, request):
    """Registers in an answer without its frame (unit, function, data); ModbusError when it answers something else."""
    unit, function, _address, count = struct.unpack(">BBHH", request)
    if len(answer) < 3 or answer[0] != unit or answer[1] & 0x7F != function:
        raise ModbusError("Modbus: the answer is for another request")
    if answer[1] & _EXCEPTION:
        raise ModbusError(f"Modbus: exception {answer[2]}", answer[2])
    if answer[2] != 2 * count or len(answer) != 3 + 2 * count:
        raise ModbusError("Modbus: the answer has another length")
    return struct.unpack(f">{count}H", answer[3:])


class Rtu:
    """`uart` as machine.UART at an RS-485 transceiver that switches its direction by itself."""

    def __init__(self, uart, unit, port, timeout_ms=300):
        self._uart = uart
        self._unit = unit
        self._port = port
        self._timeout_ms = timeout_ms

    async def read(self, function, address, count=1):
        """`count` registers from `address` (0 is the first) on, as whole numbers; ModbusError."""
        request = _request(self._unit, function, address, count)
        while self._uart.any():  # what came too late for the request before
            self._uart.read()
        self._uart.write(request + struct.pack("<H", crc16(request)))
        frame = await self._frame(5 + 2 * count)
        if crc16(frame[:-2]) != frame[-2] | frame[-1] << 8:
            raise ModbusError("Modbus: wrong checksum")
        return _registers(frame[:-2], request)

    async def _frame(self, length):
        """An answer of `length` bytes, or the five of an exception."""
        frame = b""
        start = self._port.ticks_ms()
        while self._port.ticks_diff(self._port.ticks_ms(), start) < self._timeout_ms:
            if self._uart.any():
                frame += self._uart.read() or b""
            if len(frame) > _LONGEST_RTU:
                break
            wanted = 5 if len(frame) > 1 and frame[1] & _EXCEPTION else length
            if len(frame) >= wanted:
                return frame[:wanted]
            await self._port.sleep_ms(_POLL_MS)
        raise ModbusError("Modbus: no whole answer")


class Tcp:
    """The connection is made when first needed, and again after any failure."""

    def __init__(self, host, tcp_port, unit, port, timeout_ms=1000):
        self._host = host
        self._tcp_port = tcp_port
        self._unit = unit
        self._port = port
        self._timeout_ms = timeout_ms
        self._streams = None
        self._transaction = 0

    async def read(self, function, address, count=1):
        """As `Rtu.read`."""
        request = _request(self._unit, function, address, count)
        try:
            answer = await self._port.wait_for_ms(self._exchange(request), self._timeout_ms)
            return _registers(answer, request)
        except ModbusError as error:
            if error.code is None:
                await self._drop()
            raise
        except asyncio.TimeoutError:
            await self._drop()
            raise ModbusError("Modbus: no answer") from None
        except (OSError, EOFError) as error:
            await self._drop()
            raise ModbusError("Modbus: " + self._port.describe(error)) from None

    async def _exchange(self, request):
        if self._streams is None:
            self._streams = await self._port.open_stream(self._host, self._tcp_port, None, None)
        reader, writer = self._streams
        # It wraps: the specification's field has 16 bits.
        self._transaction = self._transaction + 1 & 0xFFFF
        writer.write(struct.pack(">HHH", self._transaction, 0, len(request)) + request)
        await writer.drain()
        transaction, protocol, length = struct.unpack(">HHH", await reader.readexactly(6))
        if transaction != self._transaction or protocol != 0 or not 3 <= length <= _LONGEST_RTU:
            raise ModbusError("Modbus: the answer is for another request")
        return await reader.readexactly(length)

    async def _drop(self):
        """An answer that comes late must not be taken for that of the next request."""
        if self._streams is None:
            return
        writer, self._streams = self._streams[1], None
        try:
            writer.close()
            await self._port.wait_for_ms(writer.wait_closed(), _CLOSE_MS)  # MicroPython closes here, and not above
        except (OSError, asyncio.TimeoutError):
            pass  # what cannot even be closed properly is closed
