"""The whole link, from journal to MQTT, through one fault; prints what the site has and what the device still does.

Argument: the fault. Time passes as in fake_time, the network is of fake_site; journal, link and MQTT are the real ones.
"""

# ruff: noqa: T201 - stdout is the result.

import asyncio
import json
import sys

from fake_site import Net
from fake_time import FakePort

from jikimi.edge.boot_count import next_boot
from jikimi.edge.clock import Clock
from jikimi.edge.duty import Always
from jikimi.edge.journal import Journal
from jikimi.edge.link import Link
from jikimi.edge.mqtt import Client
from jikimi.edge.port import port
from jikimi.edge.recorder import Recorder
from jikimi.edge.reports import Reports
from jikimi.wire import kinds
from jikimi.wire.section import Section

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_STREAMS = (kinds.STREAM_ALARM, kinds.STREAM_EVENT)
CONFIG = Section({
    "site": "s", "device": "d", "kind": "tag", "broker": Section({"host": "h"}),
    "imu": None, "uwb": None, "machine": None,
})  # fmt: skip
STARTS = Section({"crash": None, "safe": False})
OUTAGES = {"gone": 3 * _HOUR_MS, "half open": 30 * _MINUTE_MS, "refuses": _HOUR_MS, "untrusted": _HOUR_MS}


class Device:
    """One device with its flash in `folder`. `returned`: records that came back after their acknowledgement."""

    def __init__(self, time, net, folder, first_pid=0):
        self.returned = []
        self.made = {}  # (boot, stream): how many records
        self._time = time
        self._acked = {}
        self._files = port().files(folder)
        earlier = self._start(None, 0)
        for _ in range(3):
            earlier.append(kinds.STREAM_EVENT, kinds.WARNING, 1, {})
        earlier.close()
        self.made[(earlier.boot, kinds.STREAM_EVENT)] = 3
        clock = Clock(time)
        self._journal = self._start(clock.boot_epoch_ms, clock.quality)
        self._watch(self._journal)
        self._recorder = Recorder(self._journal, clock, time)
        reports = Reports(CONFIG, time, clock, self._journal, "core", "watchdog", "fw", "cfg", None, STARTS)

        def client(_docked):
            made = Client(time, net.open_stream, "d")
            made._pid = first_pid
            return made

        link = Link(time, clock, self._journal, CONFIG, Always(), client, reports.state, lambda _command: None)
        self._recorder.on_record = link.wake
        self.task = asyncio.create_task(link.run(lambda: None))

    def _start(self, epoch_ms, quality):
        return Journal(self._files, next_boot(self._files, self._files), epoch_ms, quality)

    def _watch(self, journal):
        batch, acknowledge = journal.batch, journal.acknowledge

        def watched(stream, *limits):
            found = batch(stream, *limits)
            if found is not None and found.records[0][0] <= self._acked.get((found.boot, stream), 0):
                self.returned.append([found.boot, stream, found.records[0][0]])
            return found

        def noted(boot, stream, upto):
            self._acked[(boot, stream)] = max(upto, self._acked.get((boot, stream), 0))
            return acknowledge(boot, stream, upto)

        journal.batch, journal.acknowledge = watched, noted

    async def live(self, ms):
        """A warning every minute, a call for help every five."""
        for minute in range(ms // _MINUTE_MS):
            self._record(kinds.WARNING, {kinds.LEVEL: 1})
            if minute % 5 == 0:
                self._record(kinds.SOS, {})
            await self._time.pass_ms(_MINUTE_MS)

    def _record(self, kind, data):
        self.made[(self._journal.boot, kinds.stream_of(kind))] = self._recorder.record(kind, data)

    def owed(self):
        return [self._journal.depth(stream) for stream in _STREAMS]

    def after_a_restart(self):
        """Whether the next start finds anything on flash, by stream."""
        self._journal.close()
        journal = self._start(None, 0)
        return [journal.batch(stream, (0, 0), 20, 700) is not None for stream in _STREAMS]


async def fault(name, time, net, device):
    if name in OUTAGES:
        net.fail(name)
        await device.live(OUTAGES[name])
        net.fail("up")
    elif name == "packets":
        net.faults = True
        await device.live(20 * _MINUTE_MS)
        net.faults = False
    elif name == "identifiers":
        await device.live(6 * _MINUTE_MS)
    else:
        for jump_ms in (25 * _HOUR_MS, -50 * _HOUR_MS):
            time.jumped_ms += jump_ms
            await device.live(3 * _MINUTE_MS)


async def story(name):
    time = FakePort()
    net = Net(time)
    device = Device(time, net, "flash", 65_530 if name == "identifiers" else 0)
    await device.live(2 * _MINUTE_MS)
    quiet = len(net.attempts)
    await fault(name, time, net, device)
    tries = net.attempts[quiet:]
    waited_ms = 0
    while any(device.owed()) and waited_ms < 10 * _MINUTE_MS:
        await time.pass_ms(1000)
        waited_ms += 1000
    stored = {key: sorted(seqs) for key, seqs in net.stored.items()}
    result = {
        "missing": [list(key) for key, last in device.made.items() if stored.get(key) != list(range(1, last + 1))],
        "made": sum(device.made.values()),
        "owed": device.owed(),
        "returned": device.returned,
        "after a restart": device.after_a_restart(),
        "births": net.births,
        "tries": len(tries),
        "longest pause": max([tries[i + 1] - tries[i] for i in range(len(tries) - 1)] or [0]),
        "recovered ms": waited_ms,
        "identifiers": [min(net.pids), max(net.pids)],
    }
    print(json.dumps(result))
    device.task.cancel()


asyncio.run(story(sys.argv[1]))
