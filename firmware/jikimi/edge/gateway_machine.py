"""`machine` of a Linux gateway: the classes of MicroPython's module that a node uses, over gpiod, tty and systemd.

GPIO lines are those of `$JIKIMI_GPIOCHIP` (default /dev/gpiochip0). A computer without GPIO can be a node as well: its
outputs go nowhere, which is said once, and its inputs read as not connected. CPython only.
"""

import asyncio
import os
import socket
import sys
import termios
import threading

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_CHIP = os.environ.get("JIKIMI_GPIOCHIP", "/dev/gpiochip0")
_TTY = "/dev/serial{}"  # /dev/serial0 is the header's UART on a Raspberry Pi
_READ_BYTES = 256


def reset_cause():
    """0: the operating system does not say why it started us."""
    return 0


def _gpiod():
    """The library, or None on a computer without GPIO."""
    try:
        import gpiod
    except ImportError:
        return None
    return gpiod if gpiod.is_gpiochip_device(_CHIP) else None


class Pin:
    """A GPIO line."""

    IN = 1
    OUT = 3
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2
    _said = False

    def __init__(self, id, mode=-1, pull=-1, value=None):
        self._id = id
        self._mode = mode
        self._pull = pull
        self._lines = None
        self._handler = None
        self._gpiod = _gpiod()
        if self._gpiod is None:
            self._say_once(mode)
        elif mode != -1:
            self._request(value)

    def _say_once(self, mode):
        if mode != -1 and not Pin._said:
            Pin._said = True
            sys.stdout.write("jk log no GPIO here: lamps, relay and inputs are not connected\n")

    def _request(self, value=None, edge=None):
        if self._lines is not None:
            self._lines.release()
        line = self._gpiod.line
        if self._mode == self.OUT:
            settings = self._gpiod.LineSettings(
                direction=line.Direction.OUTPUT, output_value=line.Value.ACTIVE if value else line.Value.INACTIVE
            )
        else:
            bias = {self.PULL_UP: line.Bias.PULL_UP, self.PULL_DOWN: line.Bias.PULL_DOWN}
            settings = self._gpiod.LineSettings(
                direction=line.Direction.INPUT,
                bias=bias.get(self._pull, line.Bias.AS_IS),
                edge_detection=edge or line.Edge.NONE,
            )
        self._lines = self._gpiod.request_lines(_CHIP, consumer="jikimi", config={self._id: settings})

    def value(self, level=None):
        """Read (as pulled when not connected), or set."""
        if self._lines is None:
            return None if level is not None else int(self._pull == self.PULL_UP)
        active = self._gpiod.line.Value.ACTIVE
        if level is None:
            return int(self._lines.get_value(self._id) == active)
        self._lines.set_value(self._id, active if level else self._gpiod.line.Value.INACTIVE)
        return None

    def irq(self, handler, trigger):
        """Call `handler(pin)` on each edge (IRQ_RISING or IRQ_FALLING), in the event loop."""
        self._handler = handler
        if self._gpiod is not None:
            edge = self._gpiod.line.Edge
            self._request(edge=edge.RISING if trigger == self.IRQ_RISING else edge.FALLING)
            asyncio.get_running_loop().add_reader(self._lines.fd, self._on_edges)

    def _on_edges(self):
        for _ in self._lines.read_edge_events():
            self._handler(self)


class UART:
    """A serial line that never waits, as a node's drivers want it."""

    def __init__(self, id, baudrate=115_200, parity=None, stop=1, tx=None, rx=None, timeout=0):  # noqa: ARG002 - the chip's
        self._file = os.open(_TTY.format(id), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._waiting = b""
        speed = getattr(termios, f"B{baudrate}")
        control = termios.CS8 | termios.CREAD | termios.CLOCAL | (termios.CSTOPB if stop == 2 else 0)
        if parity is not None:
            control |= termios.PARENB | (termios.PARODD if parity else 0)
        characters = termios.tcgetattr(self._file)[6]
        termios.tcsetattr(self._file, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])

    def any(self):
        """How many bytes wait."""
        try:
            self._waiting += os.read(self._file, _READ_BYTES)
        except BlockingIOError:
            return len(self._waiting)
        return len(self._waiting)

    def read(self):
        """What waits, or None."""
        self.any()
        data, self._waiting = self._waiting, b""
        return data or None

    def write(self, data):
        """Send; returns how many bytes."""
        return os.write(self._file, data)


class Timer:
    """A thread of its own: it runs while the loop hangs, unless that hangs in C code that holds the interpreter."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, _id):
        self._ended = threading.Event()

    def init(self, *, mode=PERIODIC, period=-1, callback=None):
        """Call `callback(timer)` every `period` ms, or once."""
        self.deinit()
        self._ended = threading.Event()
        work = (self._ended, mode, period / 1000, callback)
        threading.Thread(target=self._run, args=work, name="timer", daemon=True).start()

    def deinit(self):
        """Call nobody any more."""
        self._ended.set()

    def _run(self, ended, mode, period_s, callback):
        while not ended.wait(period_s):
            callback(self)
            if mode == self.ONE_SHOT:
                return


class WDT:
    """systemd's watchdog: the unit has a longer one of its own (WatchdogSec), which this feeds."""

    def __init__(self, timeout):  # noqa: ARG002 - the unit's file says how long
        self._address = os.environ.get("NOTIFY_SOCKET")
        self._tell("READY=1")

    def feed(self):
        """Still alive."""
        self._tell("WATCHDOG=1")

    def _tell(self, text):
        if self._address:
            path = "\0" + self._address[1:] if self._address.startswith("@") else self._address
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.sendto(text.encode(), path)
