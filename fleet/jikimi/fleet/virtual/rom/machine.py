# mypy: ignore-errors
"""`machine` of the ESP32 port, as far as the documented interface is used; the chips are in the world process."""

import errno
import io
import struct
import sys
import time

import _world

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_MICROPYTHON = sys.implementation.name == "micropython"
_Stream = io.IOBase if _MICROPYTHON else object
_MSG_PEEK = 2
_UART_BYTES = 256
# Requests of MicroPython's stream protocol.
_IOCTL_POLL = 3
_IOCTL_FILENO = 10

_freq_hz = 160_000_000


def __getattr__(name):
    """Loaded when they are asked for: most boards have memory for something better."""
    if name == "Counter":
        from _counter import Counter

        return Counter
    if name == "Timer":
        from _timer import Timer

        return Timer
    raise AttributeError(name)


def reset():
    """Hard reset; does not return."""
    _end(HARD_RESET, 0)


def soft_reset():
    """Soft reset; does not return."""
    _end(SOFT_RESET, 0)


def deepsleep(time_ms=0):
    """Off for `time_ms` (0: until power comes back), then a reset; does not return."""
    _end(DEEPSLEEP_RESET, time_ms or 0xFFFFFFFF)


def _end(cause, sleep_ms):
    _world.call(_world.RESET, cause, struct.pack("<I", sleep_ms))
    while True:  # the supervisor kills this process; nothing after a reset may run
        time.sleep(1)


def lightsleep(time_ms=0):
    """Wait; the emulation saves no power."""
    time.sleep(time_ms / 1000)


def idle():
    """Nothing to save on a PC."""


def reset_cause():
    return _world.call(_world.INFO)[0]


def unique_id():
    return _world.call(_world.INFO)[1:]


def freq(hz=None):
    """The clock is remembered and changes nothing."""
    global _freq_hz
    if hz is None:
        return _freq_hz
    _freq_hz = hz


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2

    _handlers = {}

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        self._id = id.id() if isinstance(id, Pin) else id
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if mode != -1:
            self._mode = mode
            _world.post(_world.PIN_MODE, self._id, bytes((mode, pull if pull and pull > 0 else 0)))
        if value is not None:
            self.value(value)

    def id(self):
        return self._id

    def value(self, level=None):
        if level is None:
            return _world.call(_world.PIN_GET, self._id)[0]
        _world.post(_world.PIN_SET, self._id, b"\x01" if level else b"\x00")

    def __call__(self, level=None):
        return self.value(level)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(not self.value())

    def irq(self, handler=None, trigger=IRQ_FALLING | IRQ_RISING):
        """Call `handler(pin)` on edges; None stops it."""
        if handler is None:
            Pin._handlers.pop(self._id, None)
            trigger = 0
        else:
            Pin._handlers[self._id] = (handler, self)
            _world.events.on(_world.EVENT_PIN, _pin_changed)
        _world.post(_world.PIN_IRQ, self._id, bytes((trigger,)))

    def __repr__(self):
        return "Pin({})".format(self._id)


def _pin_changed(payload):
    entry = Pin._handlers.get(payload[0])
    if entry is not None:
        entry[0](entry[1])


class PWM:
    def __init__(self, dest, *, freq=5000, duty=None, duty_u16=None, duty_ns=None):
        self._pin = dest.id() if isinstance(dest, Pin) else dest
        self._freq = 5000
        self._duty = 0
        self.init(freq=freq, duty=duty, duty_u16=duty_u16, duty_ns=duty_ns)

    def init(self, *, freq=None, duty=None, duty_u16=None, duty_ns=None):
        if freq is not None:
            self._freq = freq
        if duty is not None:
            self._duty = duty * 65535 // 1023
        if duty_u16 is not None:
            self._duty = duty_u16
        if duty_ns is not None:
            self._duty = min(65535, duty_ns * self._freq * 65535 // 1_000_000_000)
        self._set(self._freq, self._duty)

    def _set(self, freq, duty):
        if not 0 <= duty <= 65535 or not 1 <= freq <= 40_000_000:
            raise ValueError("frequency or duty")
        _world.post(_world.PWM_SET, self._pin, struct.pack("<IH", freq, duty))

    def deinit(self):
        self._duty = 0
        self._set(self._freq, 0)

    def freq(self, value=None):
        if value is None:
            return self._freq
        self.init(freq=value)

    def duty(self, value=None):
        if value is None:
            return self._duty * 1023 // 65535
        self.init(duty=value)

    def duty_u16(self, value=None):
        if value is None:
            return self._duty
        self.init(duty_u16=value)

    def duty_ns(self, value=None):
        if value is None:
            return self._duty * 1_000_000_000 // (65535 * self._freq)
        self.init(duty_ns=value)


class ADC:
    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3

    _FULL_UV = (950_000, 1_250_000, 1_750_000, 3_100_000)  # ESP32-S3, per attenuation

    def __init__(self, pin, *, atten=ATTN_11DB):
        self._pin = pin.id() if isinstance(pin, Pin) else pin
        self._atten = atten

    def atten(self, atten):
        self._atten = atten

    def read_uv(self):
        return min(struct.unpack("<I", _world.call(_world.ADC_UV, self._pin))[0], self._FULL_UV[self._atten])

    def read(self):
        """0 to 4095: the converter has twelve bits."""
        return self.read_uv() * 4095 // self._FULL_UV[self._atten]

    def read_u16(self):
        value = self.read()
        return value << 4 | value >> 8


class I2C:
    """Each transaction is one round trip to the world; `..._into` allocate nothing that grows with the data."""

    def __init__(self, id=0, *, scl=None, sda=None, freq=400_000, timeout=50_000):
        self._id = id if id >= 0 else 0
        self._read = bytearray(4)

    def init(self, *, scl=None, sda=None, freq=400_000):
        pass

    def deinit(self):
        pass

    def scan(self):
        return list(_world.call(_world.I2C_SCAN, self._id))

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        struct.pack_into("<BBH", self._read, 0, addr, memaddr, len(buf))
        _world.call_into(_world.I2C_READ_MEM, self._id, self._read, buf)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        buf = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, buf)
        return bytes(buf)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        _world.call(_world.I2C_WRITE_MEM, self._id, bytes((addr, memaddr)) + bytes(buf))

    def readfrom_into(self, addr, buf, stop=True):
        _world.call_into(_world.I2C_READ, self._id, struct.pack("<BH", addr, len(buf)), buf)

    def readfrom(self, addr, nbytes, stop=True):
        buf = bytearray(nbytes)
        self.readfrom_into(addr, buf)
        return bytes(buf)

    def writeto(self, addr, buf, stop=True):
        _world.call(_world.I2C_WRITE, self._id, bytes((addr,)) + bytes(buf))
        return len(buf)


SoftI2C = I2C


class UART(_Stream):
    """A serial line; also a stream for asyncio and select on MicroPython."""

    def __init__(
        self,
        id,
        baudrate=115200,
        bits=8,
        parity=None,
        stop=1,
        *,
        tx=None,
        rx=None,
        txbuf=256,
        rxbuf=256,
        timeout=0,
        timeout_char=0,
    ):
        self._socket = _world.open_channel(_world.CHANNEL_UART + id)
        self._socket.setblocking(False)
        self._id = id
        self.init(baudrate, timeout=timeout, timeout_char=timeout_char)

    def init(
        self,
        baudrate=115200,
        bits=8,
        parity=None,
        stop=1,
        *,
        tx=None,
        rx=None,
        txbuf=256,
        rxbuf=256,
        timeout=0,
        timeout_char=0,
    ):
        self._timeout_ms = timeout
        self._timeout_char_ms = timeout_char
        _world.post(_world.UART_INIT, self._id, struct.pack("<I", baudrate))

    def deinit(self):
        self._socket.close()

    def close(self):
        self._socket.close()

    def fileno(self):
        return self._socket.fileno()

    def _receive(self, count, flags=0):
        try:
            return self._socket.recv(count, flags)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
            return b""

    def any(self):
        """1 when bytes wait, else 0: the documented answer of a port that does not count them."""
        return len(self._receive(1, _MSG_PEEK))

    def read(self, nbytes=None):
        """Up to `nbytes`, or what there is; None when nothing came within the timeout."""
        data = self._wait(_UART_BYTES if nbytes is None else nbytes, 0, self._timeout_ms)
        while data and (nbytes is None or len(data) < nbytes):
            more = self._wait(_UART_BYTES if nbytes is None else nbytes - len(data), 0, self._timeout_char_ms)
            if not more:
                break
            data += more
        return data or None

    def readinto(self, buf, nbytes=None):
        data = self.read(len(buf) if nbytes is None else min(nbytes, len(buf)))
        if data is None:
            return None
        buf[: len(data)] = data
        return len(data)

    def readline(self):
        """A line with its newline, or what came before the timeout; None when nothing did."""
        data = b""
        while not data.endswith(b"\n"):
            waiting = self._wait(_UART_BYTES, _MSG_PEEK, self._timeout_char_ms if data else self._timeout_ms)
            if not waiting:
                break
            end = waiting.find(b"\n") + 1
            data += self._receive(end or len(waiting))
        return data or None

    def _wait(self, count, flags, timeout_ms):
        data = self._receive(count, flags)
        end_ms = _ticks_ms() + timeout_ms
        while not data and _ticks_ms() < end_ms:
            time.sleep(0.001)
            data = self._receive(count, flags)
        return data

    def write(self, buf):
        self._socket.sendall(buf)
        return len(buf)

    def flush(self):
        pass

    def txdone(self):
        return True

    def ioctl(self, request, arg):
        """MicroPython's stream protocol: asyncio and select wait on the socket itself."""
        if request == _IOCTL_FILENO:
            return self._socket.fileno()
        if request == _IOCTL_POLL:
            return arg & (5 if self.any() else 4)
        return -errno.EINVAL


def _ticks_ms():
    return time.time_ns() // 1_000_000


class WDT:
    def __init__(self, id=0, timeout=5000):
        if timeout < 1:
            raise ValueError("timeout")
        _world.call(_world.WDT_START, 0, struct.pack("<I", timeout))

    def feed(self):
        _world.post(_world.WDT_FEED)


class RTC:
    """The chip's clock; 2000-01-01 after power-up, kept over resets. `time.time()` stays the host's."""

    def __init__(self, id=0):
        pass

    def memory(self, data=None):
        """Up to 2048 bytes that survive a reset, but not the loss of power."""
        if data is None:
            return _world.call(_world.RTC_MEMORY, 0)
        _world.call(_world.RTC_MEMORY, 1, bytes(data))

    def datetime(self, when=None):
        """(year, month, day, weekday, hours, minutes, seconds, microseconds), UTC."""
        if when is None:
            us = struct.unpack("<q", _world.call(_world.RTC_TIME, 0))[0]
            t = time.gmtime(us // 1_000_000)
            return (t[0], t[1], t[2], t[6], t[3], t[4], t[5], us % 1_000_000)
        seconds = _days(when[0], when[1], when[2]) * 86400 + when[4] * 3600 + when[5] * 60 + when[6]
        _world.call(_world.RTC_TIME, 1, struct.pack("<q", seconds * 1_000_000 + when[7]))

    def init(self, when):
        self.datetime(when)


def _days(year, month, day):
    """Days from 1970-01-01 in the Gregorian calendar, counting years from March."""
    year -= month <= 2
    from_march = (month + 9) % 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * from_march + 2) // 5 + day - 719469
