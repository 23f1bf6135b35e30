"""Bytes of heap that everything costs which goes on all through a shift, counted call by call.

Arguments: a file of samples (int16 LE, six a sample, 104 a second) and one of light (uint32 LE red, infrared, 25 a
second). Nothing here is ever collected, so what is counted is what was taken.
"""

# ruff: noqa: T201, PTH123 - device code: MicroPython lacks pathlib; stdout is the result.

import asyncio
import gc
import json
import struct
import sys

from jikimi.edge import warn
from jikimi.edge.beats import Beats
from jikimi.edge.drivers.lsm6dsox import Lsm6dsox
from jikimi.edge.duty import Always
from jikimi.edge.port import port
from jikimi.edge.radio import Radio
from jikimi.edge.sense import Sensing
from jikimi.edge.stack_light import StackLight
from jikimi.edge.warn import Warner
from jikimi.wire import radio

BLOCK = 16
here = port()


def costs(calls, work):
    """{bytes: how many of the calls took so many}; `work(i)` is one call."""
    found = {}
    gc.collect()
    gc.disable()
    for i in range(calls):
        before = gc.mem_alloc()
        work(i)
        used = gc.mem_alloc() - before
        if used:
            found[used] = found.get(used, 0) + 1
    gc.enable()
    return sorted(found.items())


# From the FIFO through core and decisions to the handler of an event.


class Recorded:
    """An LSM6DSOX whose FIFO gives what was recorded, a block whenever it is asked for its level."""

    def __init__(self, samples):
        self.samples = samples
        self.at = 0
        self.words = 0

    def readfrom_mem_into(self, _address, register, buf):
        if register == 0x3A:
            buf[0] = self.words
            buf[1] = 0
            return
        at, samples = 0, self.samples
        for _ in range(self.words // 2):
            start = self.at
            buf[at] = 1 << 3
            buf[at + 7] = 2 << 3
            for i in range(6):
                buf[at + 1 + i] = samples[start + 6 + i]
                buf[at + 8 + i] = samples[start + i]
            at += 14
            self.at += 12
        self.words = 0


with open(sys.argv[1], "rb") as file:
    chip = Recorded(file.read())
decisions = [0, 0]


def on_event(kind, _t_ms, _confidence, latency_ms):
    decisions[0] += 1
    decisions[1] = max(decisions[1], latency_ms)


sensing = Sensing(
    here.load_core(), Lsm6dsox(chip, 104, here.sleep_ms), "waist", 2, here, Always(), on_event, lambda _f: None
)


def block(_i):
    chip.words = 2 * BLOCK
    sensing._drain()


result = {"blocks": len(chip.samples) // (12 * BLOCK)}
result["samples"] = costs(result["blocks"], block)
result["decisions"] = decisions[0]


# The task that does it, pass by pass, with its wait.


class Here:
    """The port, with a wait that is over at once and a clock that stands."""

    def sleep_ms(self, _ms):
        return asyncio.sleep_ms(0)

    def ticks_ms(self):
        return 1000

    def ticks_diff(self, later, earlier):
        return later - earlier


async def passes(count):
    """Bytes taken by each pass."""
    taken, seen = [0] * (count + 1), [0]

    def beat():
        taken[seen[0]] = gc.mem_alloc()
        seen[0] += 1
        chip.at = chip.at % (len(chip.samples) - 12 * BLOCK)
        chip.words = 2 * BLOCK
        Always.on = seen[0] <= count

    ticking = Sensing(sensing._core, sensing._imu, "waist", 2, Here(), Always(), on_event, lambda _f: None)
    gc.collect()
    gc.disable()
    await ticking._read_until_fault(beat)
    gc.enable()
    Always.on = True
    return [taken[i + 1] - taken[i] for i in range(count)]


# The heart.

with open(sys.argv[2], "rb") as file:
    light = file.read()
pairs = [struct.unpack_from("<II", light, at) for at in range(0, len(light), 8)]
beats = Beats(25)
rates = [0, 0]


def beat(i):
    beats.push(pairs[i][0], pairs[i][1])
    rates[0 if beats.bpm is None else 1] += 1


result["heart"] = costs(len(pairs), beat)
result["rates"] = rates


# Patterns.


class Pin:
    def value(self, level=None):
        return level


class Pwm:
    def freq(self, _hz):
        pass

    def duty_u16(self, _duty):
        pass


def minute(step):
    return costs(1200, lambda _i: step(50))


warner = Warner(Pin(), Pwm(), Pin(), Pin(), Pin())
shown = {}
for pattern in range(len(warn._PATTERNS)):
    warner.idle(pattern)
    shown[pattern] = minute(warner._advance)
result["patterns"] = shown
lamps = StackLight(Pin(), Pin(), Pin(), Pwm(), Pin(), "danger")
result["stack light"] = []
for level in range(3):
    lamps.alive()
    lamps.level(level)
    result["stack light"] += minute(lamps._advance)


# The air.


class Ble:
    pass


air = Radio(Ble(), here.ticks_ms)
foreign = (0, b"address", 0, -60, b"\x02\x01\x06\x11\xff\x4c\x00somebody's phone")
own = (0, b"address", 0, -60, radio.node_advert(b"abcd", 2, 30, 15, 0, [(b"an", 2)]))


def heard(event):
    def one(_i):
        air._on_irq(5, event)
        air._read = air._write

    return one


result["foreign adverts"] = costs(200, heard(foreign))
result["our adverts"] = costs(200, heard(own))
result["passes"] = asyncio.run(passes(100))
print(json.dumps(result))
