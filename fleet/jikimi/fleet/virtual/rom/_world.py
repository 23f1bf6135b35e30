# mypy: ignore-errors
"""Client of the world process: calls and events over Unix-domain sockets. Numbers as in virtual/link.py.

Runs on MicroPython and CPython. Where the world is comes from the environment: JIKIMI_WORLD is the socket's path,
JIKIMI_BOARD the board's name.

Events stand for interrupts, which a process on a PC does not have. They are delivered (1) by an asyncio task while a
loop runs and (2) before each call of an emulated module otherwise. The firmware cannot tell: on a chip, too, a
handler runs between any two byte codes, and only while Python runs.
"""

import asyncio
import errno
import os
import socket
import struct
import sys

_MICROPYTHON = sys.implementation.name == "micropython"

PIN_MODE = 0x01
PIN_SET = 0x02
PIN_IRQ = 0x03
PWM_SET = 0x04
WDT_FEED = 0x05
UART_INIT = 0x06
HELLO = 0x10
BOOTED = 0x11
I2C_SCAN = 0x12
I2C_READ_MEM = 0x13
I2C_WRITE_MEM = 0x14
I2C_READ = 0x15
I2C_WRITE = 0x16
PIN_GET = 0x17
ADC_UV = 0x18
INFO = 0x19
RESET = 0x1A
WDT_START = 0x1B
RTC_MEMORY = 0x1C
RTC_TIME = 0x1D
NVS_GET = 0x1E
NVS_SET = 0x1F
NVS_ERASE = 0x20
BLE_ACTIVE = 0x21
BLE_ADVERTISE = 0x22
BLE_SCAN = 0x23
BLE_MAC = 0x24
BLE_NEW_MAC = 0x25
WLAN_ACTIVE = 0x26
WLAN_CONNECT = 0x27
WLAN_DISCONNECT = 0x28
WLAN_STATUS = 0x29

CHANNEL_CALLS = 0
CHANNEL_EVENTS = 1
CHANNEL_UART = 16

EVENT_SCAN_RESULT = 1
EVENT_SCAN_DONE = 2
EVENT_PIN = 3

_reply = bytearray(4)


def error(code):
    """An OSError with this number, as the interpreter itself would raise it."""
    return OSError(code) if _MICROPYTHON else OSError(code, os.strerror(code))


class _Calls:
    def __init__(self):
        self.socket = None
        self.seq = 0


_calls = _Calls()


def open_channel(channel):
    """A connected, blocking socket of this board."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path = os.getenv("JIKIMI_WORLD")
    name = os.getenv("JIKIMI_BOARD")
    if path is None or name is None:
        sock.close()
        raise error(errno.ENODEV)  # not started as a virtual board
    sock.connect(struct.pack("H", socket.AF_UNIX) + path.encode() + b"\0" if _MICROPYTHON else path)
    name = name.encode()
    sock.sendall(struct.pack("<BBBxH", HELLO, 0, channel, len(name)) + name)
    _read_into(sock, _reply, 4)
    return sock


if _MICROPYTHON:

    def _read_into(sock, buf, count):
        if count and sock.readinto(buf, count) != count:
            raise error(errno.ECONNRESET)

else:

    def _read_into(sock, buf, count):
        view = memoryview(buf)[:count]
        while view:
            got = sock.recv_into(view)
            if not got:
                raise error(errno.ECONNRESET)
            view = view[got:]


def _send(op, arg, payload):
    if _calls.socket is None:
        _calls.socket = open_channel(CHANNEL_CALLS)
    # A timer's handler may post between any two lines of this, so nothing here is shared with it.
    seq = _calls.seq = (_calls.seq + 1) & 0xFF
    head = struct.pack("<BBBxH", op, seq, arg, len(payload))
    # One buffer, one system call: header and payload of a call are small.
    _calls.socket.sendall(head + payload if payload else head)
    return seq


def post(op, arg=0, payload=b""):
    """A call without an answer."""
    try:
        _send(op, arg, payload)
    except BaseException:
        _drop()
        raise


def call_into(op, arg, payload, buf):
    """A call whose answer is read into `buf`; returns its length. OSError with the bus's error number."""
    events.poll()
    try:
        seq = _send(op, arg, payload)
        _read_into(_calls.socket, _reply, 4)
        length = _checked_length(seq, len(buf))
        _read_into(_calls.socket, buf, length)
    except BaseException:
        # An interrupt may have left half an answer behind: start over on a new connection.
        _drop()
        raise
    if _reply[1]:
        raise error(_reply[1])
    return length


def _checked_length(seq, limit):
    length = _reply[2] | _reply[3] << 8
    if _reply[0] != seq or length > limit:
        raise error(errno.EIO)
    return length


_answer = bytearray(2048)


def call(op, arg=0, payload=b""):
    """A call; returns its answer as bytes."""
    length = call_into(op, arg, payload, _answer)
    return bytes(memoryview(_answer)[:length])


def _drop():
    if _calls.socket is not None:
        _calls.socket.close()
        _calls.socket = None


def booted():
    """Tell the board's supervisor that input may come; returns whether /main.py is to be skipped."""
    return call(BOOTED)[0]


class _Events:
    """The event connection, opened when the first handler is set."""

    def __init__(self):
        self._socket = None
        self._handlers = {}
        self._buf = bytearray(512)
        self._have = 0
        self._task = None
        self._loop = None

    def on(self, kind, handler):
        """Call `handler(memoryview)` for events of a kind; the view is valid only during the call."""
        self._handlers[kind] = handler
        if self._socket is None:
            self._socket = open_channel(CHANNEL_EVENTS)
            self._socket.setblocking(False)
        self._attach()

    def poll(self):
        """Deliver what has come, unless a task does it."""
        if self._socket is not None and not self._attach():
            self._drain()

    def _drain(self):
        view = memoryview(self._buf)
        while True:
            try:
                got = self._read(view[self._have :])
            except OSError as failure:
                if failure.errno != errno.EAGAIN:
                    raise
                return
            if not got:
                return
            self._have += got
            self._dispatch(view)

    def _dispatch(self, view):
        start = 0
        while self._have - start >= 2 and self._have - start >= 2 + view[start + 1]:
            end = start + 2 + view[start + 1]
            handler = self._handlers.get(view[start])
            if handler:
                handler(view[start + 2 : end])
            start = end
        view[: self._have - start] = bytes(view[start : self._have])
        self._have -= start

    if _MICROPYTHON:

        def _read(self, view):
            return self._socket.readinto(view) or 0

        def _attach(self):
            """Whether a running asyncio loop delivers; sees to it that one would."""
            from asyncio import core

            # Without a running loop the task waits in the queue of the one that will be started.
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._wait())
            return core.cur_task is not None

        def _wait(self):
            from asyncio import core

            while True:
                yield core._io_queue.queue_read(self._socket)
                self._drain()

    else:

        def _read(self, view):
            try:
                return self._socket.recv_into(view)
            except BlockingIOError:
                return 0

        def _attach(self):
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return False
            if loop is not self._loop:
                self._loop = loop
                loop.add_reader(self._socket.fileno(), self._drain)
            return True


events = _Events()
