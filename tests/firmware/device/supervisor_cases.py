"""Tasks that end, fail and stand still, and whether the watchdog was fed meanwhile."""

# ruff: noqa: T201, SIM105 - device code: MicroPython lacks contextlib; stdout is the result.

import asyncio
import json

from fake_alarms import opened

from jikimi.edge import supervisor as supervisor_module
from jikimi.edge.duty import Always
from jikimi.edge.faults import Fault, keep
from jikimi.edge.port import port
from jikimi.edge.supervisor import Supervisor

here = port()
supervisor_module._CHECK_MS = 20


class Here:
    """The port, with a console that is a list."""

    def __init__(self):
        self.said = []
        self.say = self.said.append
        self.later_ms = 0
        self.ticks_diff = here.ticks_diff
        self.sleep_ms = here.sleep_ms
        self.describe = here.describe
        self.traceback = lambda _error: "trace"

    def ticks_ms(self):
        return here.ticks_ms() + self.later_ms


async def lives(beat):
    while True:
        beat()
        await here.sleep_ms(5)


async def ends(beat):
    await here.sleep_ms(100)


async def fails(beat):
    await here.sleep_ms(100)
    raise KeyError("x")


async def stands_still(beat):
    await here.sleep_ms(10_000)


def held_up(console):
    """Everything stands still for 15 s, once; nothing else is wrong until the end."""

    async def work(beat):
        for ms in (0, 15_000, 0, 0):
            beat()
            console.later_ms += ms
            await here.sleep_ms(100)
        raise KeyError("the end")

    return work


async def watch(work, limit_ms=200):
    fed = []
    console = Here()
    failed = []
    supervisor = Supervisor(console, lambda: fed.append(1), lambda *why: failed.append(list(why)))
    supervisor.add("good", lives)
    supervisor.add("bad", work(console) if work is held_up else work, limit_ms)
    name = await supervisor.run()
    before = len(fed)
    await here.sleep_ms(100)
    return [name, before > 0, len(fed) == before, console.said, failed]


async def part():
    """A part that works, breaks twice, and works."""
    records = []

    def record(kind, data):
        records.append([kind, sorted(data.items())])
        return len(records)

    starts = [True, False, False, True]
    beats = []

    async def start():
        if not starts.pop(0):
            raise OSError(5)

    async def run(_beat):
        if starts:
            raise OSError(5)
        raise KeyError("the end of this story")

    async def nap(_ms):
        pass

    try:
        await keep(start, run, nap, Fault(3, opened(record), lambda *_: None), Always(), nap, lambda: beats.append(1))
    except KeyError:
        pass
    return [records, len(beats)]


async def main():
    return {
        "ends": await watch(ends),
        "fails": await watch(fails),
        "still": await watch(stands_still),
        "held up": await watch(held_up, 10_000),
        "part": await part(),
    }


print(json.dumps(asyncio.run(main())))
