"""Alarms at a site where nobody looks: on a journal on flash, a clock of our own, and a site that we play."""

# ruff: noqa: T201 - stdout is the result.

import json

from long_time import UP_MS, LongClock

from jikimi.edge.boot_count import next_boot
from jikimi.edge.insist import Insisting
from jikimi.edge.journal import Journal
from jikimi.edge.open_alarms import OpenAlarms
from jikimi.edge.port import port
from jikimi.edge.wearer import Wearer
from jikimi.wire import kinds
from jikimi.wire.section import Section

HOUR_S = 3600


class Lights:
    """Says what the warner would show."""

    def __init__(self):
        self.now = 0
        self.short = []

    def alarm(self, pattern):
        self.now = pattern

    def briefly(self, pattern, _ms):
        self.short.append(pattern)


class Tag:
    """`start` again on the same flash is a restart. `site` acknowledges every second when it is True."""

    def __init__(self, name, silent=False):
        self.files = port().files(name)
        self.silent = silent
        self.site = True
        self.flash_works = True
        self.start()

    def start(self):
        self.journal = Journal(self.files, next_boot(self.files, self.files), None, 0)
        self.clock = LongClock()
        self.lights = Lights()
        self.asked = []
        self.alarms = OpenAlarms(self.files, self.journal, self.record)
        settings = Section({"cancel_s": 0, "check_in_min": None, "silent_sos": self.silent})
        self.wearer = Wearer(self.lights, lambda *_: None, self.record, self.clock, self.alarms, settings)
        self.insisting = Insisting(self.alarms, self.journal, self.record)

    def record(self, kind, data):
        if not self.flash_works:
            return None
        if kind == kinds.STILL_OPEN:
            self.asked.append([(self.clock.ms - UP_MS) // 1000, sorted(data.items())])
        return self.journal.append(kinds.stream_of(kind), kind, self.clock.ms, data)

    def pass_time(self, seconds):
        for _ in range(seconds):
            self.clock.ms += 1000
            if self.site:
                self.journal.acknowledge(self.journal.boot, kinds.STREAM_ALARM, 1_000_000)
            self.wearer.on_time(self.clock.ms)
            self.insisting.on_time(self.clock.ms)

    def times(self):
        return [at for at, _data in self.asked]


result = {}

tag = Tag("answered")
tag.site = False
tag.wearer._call_for_help()
tag.pass_time(HOUR_S)
offline = [tag.times(), tag.lights.now]
tag.site = True
tag.pass_time(95)
stored = [tag.times(), tag.lights.now, tag.asked[0][1]]
tag.wearer.on_seen(tag.journal.boot, 1)
tag.wearer.on_time(tag.clock.ms)
tag.pass_time(HOUR_S)
result["offline"] = offline
result["stored"] = stored
result["seen"] = [len(tag.asked), tag.lights.now, tag.lights.short]
tag.journal.close()
tag.start()
tag.pass_time(HOUR_S)
result["seen, after a restart"] = [len(tag.asked), tag.lights.now]

tag = Tag("nobody")
tag.wearer._call_for_help()
tag.pass_time(10 * HOUR_S)
result["ten hours"] = [tag.times()[:7], len(tag.asked)]
tag.journal.close()
tag.start()
tag.pass_time(31)
result["after a restart"] = [tag.times(), tag.asked[0][1], tag.lights.now]

tag = Tag("slow")
tag.wearer._call_for_help()
tag.pass_time(1)
tag.site = False
tag.pass_time(HOUR_S)
result["site gone"] = [len(tag.asked), tag.journal.depth(kinds.STREAM_ALARM)]
tag.wearer._all_is_well()
tag.site = True
tag.pass_time(HOUR_S)
result["ended"] = [len(tag.asked), tag.lights.now]

tag = Tag("silent", silent=True)
tag.wearer._call_for_help()
tag.pass_time(31)
tag.wearer._all_is_well()
tag.journal.close()
tag.start()
tag.pass_time(31)
shown = [tag.lights.now, len(tag.asked)]
tag.wearer.on_seen(1, 1)
tag.pass_time(HOUR_S)
result["silent"] = shown + [len(tag.asked), tag.lights.now]  # noqa: RUF005 - MicroPython

tag = Tag("broken")
tag.flash_works = False
tag.wearer._call_for_help()
tag.pass_time(60)
dark = [tag.lights.now, tag.journal.depth(kinds.STREAM_ALARM)]
tag.flash_works = True
tag.site = False
tag.pass_time(120)
result["flash back"] = [dark, tag.journal.depth(kinds.STREAM_ALARM), tag.lights.now]
print(json.dumps(result))
