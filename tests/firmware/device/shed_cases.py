"""Telemetry for which there is no memory: vitals that cannot be made, connections that cannot be held."""

# ruff: noqa: T201 - device code: stdout is the result.

import asyncio
import json

from fake_time import SetClock

from jikimi.edge import link as link_module
from jikimi.edge.boot_count import next_boot
from jikimi.edge.duty import Always
from jikimi.edge.journal import Journal
from jikimi.edge.link import Link
from jikimi.edge.port import port
from jikimi.edge.reports import Reports
from jikimi.wire import kinds, messages
from jikimi.wire.section import Section

here = port()
link_module._BACKOFF_MS = link_module._CALM_MS = 10
CONFIG = Section({"site": "s", "device": "d", "vitals_s": 0, "broker": Section({"host": "h"})})


class Here:
    """The port; its console is a list, and the first `lean` looks at the heap find nothing."""

    def __init__(self, lean=0):
        self.said = []
        self.say = self.said.append
        self.lean = lean

    def __getattr__(self, name):
        return getattr(here, name)

    def heap_free(self):
        self.lean -= 1
        if self.lean >= 0:
            raise MemoryError("none")
        return 1000


class Client:
    """Breaks while it connects, or once a record has been sent, or not at all."""

    def __init__(self, sent, breaks):
        self.sent = sent
        self.breaks = breaks
        self.stop = asyncio.Event()

    async def connect(self):
        self.sent.append("connect")
        if self.breaks == "at once":
            raise MemoryError("none")

    async def subscribe(self, topic, qos):
        pass

    async def publish(self, topic, payload, qos=0, retain=False):
        if topic.endswith("/al"):
            self.sent.append(len(messages.decode_records(payload)[4]))
            if self.breaks == "later":
                raise MemoryError("none")

    async def run(self, on_message):
        await self.stop.wait()

    async def close(self):
        self.sent.append("close")


async def until(condition):
    for _ in range(400):
        if condition():
            return
        await here.sleep_ms(10)
    raise AssertionError("never came true")


def link_that(breaks, sent, console, journal):
    """A link whose connections break as the list says, one after the other."""
    return Link(
        console, SetClock(), journal, CONFIG, Always(), lambda _docked: Client(sent, breaks.pop(0)),
        lambda _docked: b"birth", None,
    )  # fmt: skip


async def sheds(journal):
    sent, console = [], Here()
    link = link_that(["later", "at once", "never"], sent, console, journal)
    task = asyncio.create_task(link.run(lambda: None))
    await until(lambda: sent.count(1) == 2)
    before = sent[:]
    task.cancel()
    return [before, [line for line in console.said if line.startswith("jk link")]]


async def gives_up(journal):
    sent = []
    try:
        await link_that(["at once"] * 10, sent, Here(), journal).run(lambda: None)
    except MemoryError:
        return sent.count("connect")


async def vitals(journal):
    console, sent = Here(lean=2), []
    reports = Reports(CONFIG, console, SetClock(), journal, "core", "power", "fw", "cfg", None, None)

    async def send(payload):
        sent.append(messages.decode_vitals(payload)["heap_free"])
        await here.sleep_ms(5)

    task = asyncio.create_task(reports.run(send, Always(), lambda: None))
    await until(lambda: sent)
    task.cancel()
    return [sent[0], console.said]


async def main():
    files = here.files("flash")
    journal = Journal(files, next_boot(files, files), SetClock.boot_epoch_ms, SetClock.quality)
    journal.append(kinds.STREAM_ALARM, kinds.SOS, 1, {})
    found = {"sheds": await sheds(journal), "gives up": await gives_up(journal), "vitals": await vitals(journal)}
    journal.close()
    return found


print(json.dumps(asyncio.run(main())))
