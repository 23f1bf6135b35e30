"""Cancel window, check-in, silent SOS, help on its way and patterns for each wearer, on a clock of our own."""

# ruff: noqa: T201, SIM105 - device code: MicroPython lacks contextlib; stdout is the result.

import asyncio
import json

from long_time import LongClock

from jikimi.edge import motion
from jikimi.edge.boot_count import next_boot
from jikimi.edge.journal import Journal
from jikimi.edge.open_alarms import OpenAlarms
from jikimi.edge.orders import Orders
from jikimi.edge.port import port
from jikimi.edge.warn import Warner
from jikimi.edge.wearer import Wearer
from jikimi.wire import kinds, messages
from jikimi.wire.section import Section

here = port()
files = here.files("flash")


class Pin:
    def __init__(self):
        self.level = 0

    def value(self, level):
        self.level = level


class Pwm:
    level = 0

    def freq(self, _hz):
        pass

    def duty_u16(self, duty):
        self.level = 1 if duty else 0


class Tag:
    """A wearer with journal and outputs; `advance` moves its clock second by second."""

    def __init__(self, cancel_s=30, check_in_min=None, silent_sos=False, hears=True, sees_colour=True):
        self.journal = Journal(files, next_boot(files, files), None, 0)
        self.clock = LongClock()
        self.outputs = [Pin(), Pwm(), Pin(), Pin(), Pin()]
        self.warner = Warner(*self.outputs, hears=hears, sees_colour=sees_colour)
        self.records = []
        settings = Section({"cancel_s": cancel_s, "check_in_min": check_in_min, "silent_sos": silent_sos})
        self.alarms = OpenAlarms(files, self.journal, self.record)
        self.wearer = Wearer(self.warner, lambda *_: None, self.record, self.clock, self.alarms, settings)
        self.orders = Orders(here, self.clock, self.journal, self.warner)
        self.orders.on_seen = self.wearer.on_seen

    def record(self, kind, data):
        self.records.append([kind, sorted(data.items())])
        return self.journal.append(kinds.stream_of(kind), kind, self.clock.ms, data)

    def shown(self):
        return [output.level for output in self.outputs]

    def perceived(self, ms):
        """What was on at some moment of the next `ms`, per output."""
        found = self.shown()
        for _ in range(ms // 50):
            self.warner._advance(50)
            found = [max(pair) for pair in zip(found, self.shown())]  # noqa: B905 - MicroPython's zip has no strict
        return found

    def advance(self, seconds):
        for _ in range(seconds):
            self.clock.ms += 1000
            self.wearer.on_time(self.clock.ms)

    def press(self, polls):
        levels = [1] * polls + [0]

        async def nap(ms):
            self.clock.ms += ms
            if not levels:
                raise OSError("end")

        try:
            asyncio.run(self.wearer.watch_button(lambda: levels.pop(0), nap, lambda: None))
        except OSError:
            pass

    def seen(self, seq):
        arguments = {messages.ARG_BOOT: self.journal.boot, messages.ARG_SEQ: seq}
        self.orders.obey((messages.CMD_ALARM_SEEN, arguments, 1, None))

    def off(self):
        """Taken off the flash, so that the next tag starts with nothing on."""
        self.press(2)
        self.journal.close()


result = {}

tag = Tag()
tag.wearer.on_sense(motion.FALL, 0, 900, 30)
result["at once"] = [tag.shown(), tag.records[:]]
tag.advance(29)
tag.press(2)
tag.advance(60)
result["cancelled in time"] = [tag.shown(), tag.records[1:]]
tag.off()

tag = Tag()
tag.wearer.on_sense(motion.FALL, 0, 900, 30)
tag.advance(31)
result["not cancelled"] = [tag.perceived(1000), tag.records[1:]]
tag.off()

tag = Tag(check_in_min=5)
tag.advance(299)
before = tag.shown()
tag.advance(1)
asked = tag.shown()
tag.press(2)
tag.advance(299)
answered = tag.perceived(2500)
result["answered"] = [before, asked, answered, tag.records[:]]
tag.advance(62)
result["not answered"] = [tag.shown(), tag.records[:]]
tag.off()


def asked_after(minutes):
    """Seconds until a tag asks, and until it then raises the alarm."""
    tag = Tag(check_in_min=minutes)
    seconds = []
    for done in (lambda: tag.shown()[3], lambda: tag.records):
        start = tag.clock.ms
        while not done():
            tag.advance(1)
        seconds.append((tag.clock.ms - start) // 1000)
    tag.off()
    return seconds


result["bounds"] = [asked_after(5), asked_after(180)]
tag = Tag()
tag.advance(3 * 3600)
result["no check-in"] = tag.records
tag.off()

tag = Tag(silent_sos=True)
tag.press(40)
felt = tag.perceived(500)
tag.press(2)
tag.seen(1)
seen = tag.perceived(3000)
again = OpenAlarms(files, tag.journal, None)
result["silent"] = [felt, seen, tag.records, tag.wearer.in_alarm(), [alarm.kind for alarm in again.all]]
tag.off()

tag = Tag()
tag.press(40)
tag.seen(99)
other = tag.shown()
tag.seen(1)
seen = tag.shown()
tag.perceived(6000)
later = tag.perceived(2000)
tag.wearer.on_sense(motion.NO_MOTION, 0, 999, 30)
result["help"] = [other, seen, later, tag.shown()]
tag.off()

deaf, colourless = Tag(hears=False), Tag(sees_colour=False)
for tag in (deaf, colourless):
    tag.wearer.on_sense(motion.FALL, 0, 900, 30)
result["deaf"] = deaf.perceived(1000)
result["colourless"] = colourless.perceived(1000)
print(json.dumps(result))
