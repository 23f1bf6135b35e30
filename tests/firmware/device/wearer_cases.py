"""Falls, the button and bends, with lights and vibration as plain objects."""

# ruff: noqa: T201, SIM105 - device code: MicroPython lacks contextlib; stdout is the result.

import asyncio
import json

from fake_alarms import opened
from long_time import LongClock

from jikimi.edge import motion
from jikimi.edge.open_alarms import Alarm
from jikimi.edge.port import port
from jikimi.edge.warn import IDENTIFY, SEEN, Warner
from jikimi.edge.wearer import Wearer
from jikimi.wire import kinds
from jikimi.wire.section import Section

here = port()


class Pin:
    def __init__(self):
        self.level = 0

    def value(self, level):
        self.level = level


class Pwm:
    def freq(self, _hz):
        pass

    def duty_u16(self, duty):
        self.level = 1 if duty else 0


haptic, buzzer, red, amber, green = Pin(), Pwm(), Pin(), Pin(), Pin()
warner = Warner(haptic, buzzer, red, amber, green)
clock = LongClock()
records = []
warned = []
shown_at_record = []


def record(kind, data):
    shown_at_record.append(red.level)
    records.append([kind, sorted(data.items())])
    return len(records)


SETTINGS = Section({"cancel_s": 0, "check_in_min": None, "silent_sos": False})


def made(alarms):
    return Wearer(warner, lambda *args: warned.append(list(args)), record, clock, alarms, SETTINGS)


wearer = made(opened(record))


def shown():
    return [haptic.level, buzzer.level, red.level, amber.level, green.level]


result = {"off": shown()}
warner.level(1)
result["caution"] = shown()
warner.level(2)
result["danger"] = shown()
warner.level(0)
wearer.on_sense(motion.FALLING, 0, 500, 30)
wearer.on_sense(motion.FALL, 0, 990, 31)
result["fall"] = shown()
warner.briefly(IDENTIFY, 500)
result["identify in alarm"] = shown()
warner.briefly(SEEN, 100)
result["seen in alarm"] = shown()
warner._advance(50)
warner._advance(50)
result["alarm again"] = shown()
wearer.on_sense(motion.RECOVERED, 0, 0, 0)
result["recovered"] = shown()


async def press(wearer, *pattern):
    """Button levels, one per poll; the watch ends with the pattern."""
    levels = list(pattern)

    async def nap(ms):
        clock.ms += ms
        if not levels:
            raise OSError("end")

    try:
        await wearer.watch_button(lambda: levels.pop(0), nap, lambda: None)
    except OSError:
        pass


async def presses():
    await press(wearer, 1, 1, 0)  # short, no alarm: nothing
    result["idle press"] = len(records)
    await press(wearer, *([1] * 40 + [0]))
    result["sos"] = shown()
    wearer.on_sense(motion.FALL, 0, 800, 31)
    wearer.on_sense(motion.FALL, 0, 810, 31)
    result["in alarm"] = wearer.in_alarm()
    await press(wearer, 1, 1, 0)
    result["cancelled"] = shown()
    after_restart = made(opened(record, Alarm(kinds.FALL, 6, 3, {})))
    result["after a restart"] = shown()
    await press(after_restart, 1, 1, 0)
    result["cancelled after a restart"] = shown()


asyncio.run(presses())
result["records"] = records
result["warned"] = warned
result["lit before written"] = shown_at_record
print(json.dumps(result))
