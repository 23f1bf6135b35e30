"""Fakes at the bus: registers behind an I2C, a module behind a UART. Written from the data sheets, for these tests."""

import struct


class FakeLsm6dsox:
    """As machine.I2C with one LSM6DSOX on it; `feed` puts words into its FIFO."""

    def __init__(self, who_am_i=0x6C):
        self.registers = bytearray(128)
        self.registers[0x0F] = who_am_i
        self.fifo = []
        self.overrun = False
        self.writes = []
        self.broken = False
        self._word = bytes(7)

    def feed(self, sensor, x, y, z):
        self.fifo.append(bytes([sensor << 3]) + struct.pack("<hhh", x, y, z))

    def readfrom_mem_into(self, address, register, buf):
        if self.broken or address != 0x6A:
            raise OSError(19)
        for i in range(len(buf)):
            buf[i] = self._read(register)
            register = 0x78 if register == 0x7E else register + 1

    def _read(self, register):
        if register == 0x3A:
            return len(self.fifo) & 0xFF
        if register == 0x3B:
            return len(self.fifo) >> 8 | (0x48 if self.overrun else 0)
        if register == 0x78:
            self._word = self.fifo.pop(0) if self.fifo else bytes(7)
        if register >= 0x78:
            return self._word[register - 0x78]
        return self.registers[register]

    def writeto_mem(self, address, register, buf):
        if self.broken or address != 0x6A:
            raise OSError(19)
        self.writes.append((register, buf[0]))
        self.registers[register] = buf[0] & 0xFE if register == 0x12 else buf[0]


class FakeUart:
    """As machine.UART; `answer(line)` gives the bytes that come back, in pieces of one byte a read."""

    def __init__(self, answer):
        self.sent = []
        self._answer = answer
        self._waiting = b""

    def write(self, data):
        for line in data.decode().split("\r\n"):
            if line:
                self.sent.append(line)
                self._waiting += self._answer(line)

    def any(self):
        return 1 if self._waiting else 0

    def read(self):
        byte, self._waiting = self._waiting[:1], self._waiting[1:]
        return byte or None

    def say(self, data):
        self._waiting += data
