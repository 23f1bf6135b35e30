"""A heap in which nothing is left: an alarm, and a task that fails over it. MicroPython only."""

# ruff: noqa: T201 - device code: stdout is the result.

import asyncio
import json

from jikimi.edge import memory
from jikimi.edge.boot_count import next_boot
from jikimi.edge.journal import Journal
from jikimi.edge.open_alarms import OpenAlarms
from jikimi.edge.port import port
from jikimi.edge.recorder import Recorder
from jikimi.edge.starts import Starts
from jikimi.edge.supervisor import Supervisor
from jikimi.wire import kinds

here = port()
held = [None]


class Clock:
    boot_epoch_ms = None

    def up_ms(self):
        return here.ticks_ms()


def exhaust():
    """Hold all there is."""
    for size in (4096, 512, 64):
        try:
            while True:
                held[0] = (held[0], bytearray(size))
        except MemoryError:
            pass
    while True:
        held[0] = (held[0],)


def alarm():
    state, segments = here.files("state"), here.files("journal")
    journal = Journal(segments, next_boot(state, segments), None, 0)
    alarms = OpenAlarms(state, journal, Recorder(journal, Clock(), here).record)
    try:
        exhaust()
    except MemoryError:
        alarms.start(kinds.FALL, {kinds.CONFIDENCE_PERMILLE: 900, kinds.CANCEL_MS: 30_000})
    held[0] = None
    stored = journal.batch(kinds.STREAM_ALARM, (0, 0), 20, 700)
    return [[record[1] for record in stored.records], [alarm.kind for alarm in OpenAlarms(state, journal, None).all]]


async def greedy(_beat):
    await here.sleep_ms(50)
    exhaust()


async def idle(beat):
    while True:
        beat()
        await here.sleep_ms(5)


async def crash():
    files = here.files("starts")
    supervisor = Supervisor(here, lambda: None, Starts(files, "power").failed)
    supervisor.add("idle", idle)
    supervisor.add("greedy", greedy, limit_ms=60_000)
    name = await supervisor.run()
    held[0] = None
    again = Starts(files, "soft")
    return [name, again.crash, files.read("traceback").decode()]


def note():
    """A fault is noted while nothing is put aside and nothing is free."""
    starts = Starts(here.files("noted"), "power")
    try:
        exhaust()
    except MemoryError:
        starts.failed("MemoryError", "")
    held[0] = None


async def main():
    note()
    memory.keep()
    return {"alarm": alarm(), "crash": await crash()}


print(json.dumps(asyncio.run(main())))
