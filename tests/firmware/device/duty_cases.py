"""A tag's shifts: charger, orders, alarms that come first, and what may be recorded when."""

# ruff: noqa: T201, SIM105, UP031 - device code: MicroPython lacks contextlib; stdout is the result.

import asyncio
import json

from fake_time import FakePort

from jikimi.edge.duty import Duty
from jikimi.edge.faults import keep
from jikimi.edge.port import port
from jikimi.edge.recorder import Recorder
from jikimi.edge.sense import Sensing
from jikimi.wire import kinds

here = port()


class Clock:
    boot_epoch_ms = None
    ms = 0

    def up_ms(self):
        return self.ms


class Rig:
    """A duty with a charger contact `on_charger` and a wearer `in_alarm`; `said` are its changes."""

    def __init__(self, name, on_charger=False):
        self.files = here.files(name)
        self.on_charger = on_charger
        self.in_alarm = False
        self.said = []
        self.duty = self.started()

    def started(self):
        duty = Duty(self.files, lambda: self.on_charger, lambda: self.in_alarm, Clock())
        self.said = []
        duty.tell(self.said.append)
        return duty

    def polled(self, times=4):
        for _ in range(times):
            self.duty.poll()
        return self.said[:]


result = {}
rig = Rig("charger")
rig.on_charger = True
bouncing = rig.polled(3)
rig.on_charger = False
rig.polled(1)
rig.on_charger = True
result["charger"] = [bouncing, rig.polled(3), rig.polled(1)]
rig.on_charger = False
result["undocked"] = rig.polled()
result["starts docked"] = Rig("starts", on_charger=True).said

rig = Rig("order")
rig.duty.order(False)
ordered = rig.said[:]
rig.duty = rig.started()
restarted = rig.said[:]
rig.on_charger = True
rig.polled()
rig.on_charger = False
result["order"] = [ordered, restarted, rig.polled()]
rig.duty = rig.started()
result["order is over"] = rig.said[:]

rig = Rig("alarm")
rig.in_alarm = rig.on_charger = True
docked = rig.polled()
rig.in_alarm = False
result["alarm first"] = [docked, rig.polled(1)]
rig.in_alarm = True
result["help from the charger"] = rig.polled(1)


class Journal:
    boot = 1
    kept = []  # noqa: RUF012

    def append(self, _stream, kind, _t_ms, _data):
        self.kept.append(kind)
        return len(self.kept)


class Silence:
    def say(self, _line):
        pass


recorder = Recorder(Journal(), Clock(), Silence())
recorder.on = False
result["kept off duty"] = [kind for kind in kinds.KINDS if recorder.record(kind, {}) is not None]
recorder.on = True
result["kept on duty"] = len([kind for kind in kinds.KINDS if recorder.record(kind, {}) is not None])


async def part():
    """Duty ends while the part works, and begins again; switching off fails once."""

    class Shift:
        on = True

    duty, told, trouble = Shift(), [], [True, False]

    async def start():
        told.append("start")
        if told.count("start") == 2:
            raise KeyError("the end of this story")

    async def run(_beat):
        duty.on = False

    async def stop():
        told.append("stop")
        if trouble.pop(0):
            raise OSError(5)

    async def nap(ms):
        told.append(ms)
        if ms == 250:
            duty.on = True

    try:
        await keep(start, run, stop, lambda fault: told.append("fault %d" % fault), duty, nap, lambda: None)
    except KeyError:
        pass
    return told


result["part"] = asyncio.run(part())


class Unit:
    """An inertial unit on a bus that does not answer twice; it ends the story when nobody waits, or all is told."""

    rate_hz, acc_lsb_per_g, gyro_lsb_per_dps_x100 = 100, 4096, 1640

    def __init__(self, told):
        self._told = told

    def stop(self):
        self._told.append("stop")
        if self._told[-3:] == ["stop"] * 3:
            raise KeyError("nobody waits")
        if self._told.count("stop") < 3:
            raise OSError(19)

    async def self_test(self):
        self._told.append("self-test")
        raise KeyError("the end of this story")


async def unit():
    """Off duty from the start, until the unit is off."""

    class Shift:
        on = False

    class Port:
        async def sleep_ms(self, ms):
            told.append(ms)
            Shift.on = ms == 250

    told = []
    faults = []
    sensing = Sensing(here.load_core(), Unit(told), "waist", 2, Port(), Shift, None, faults.append)
    try:
        await sensing.run(lambda: None)
    except KeyError:
        pass
    return [told, faults]


result["unit"] = asyncio.run(unit())


class Dead:
    """A unit that never answers."""

    rate_hz, acc_lsb_per_g, gyro_lsb_per_dps_x100 = 100, 4096, 1640

    def stop(self):
        raise OSError(19)

    async def self_test(self):
        raise OSError(19)


async def longest_silence(on):
    """Of a tag's sensing in an hour, in milliseconds: for so long its supervisor heard nothing of it."""

    class Shift:
        pass

    Shift.on = on
    time, beats = FakePort(), [0]
    sensing = Sensing(here.load_core(), Dead(), "waist", 2, time, Shift, None, lambda _fault: None)
    began_ms = time.ms
    task = asyncio.create_task(sensing.run(lambda: beats.append(time.ms - began_ms)))
    await time.pass_ms(3_600_000)
    task.cancel()
    beats.append(time.ms - began_ms)
    return max([beats[i + 1] - beats[i] for i in range(len(beats) - 1)])


result["silence"] = [asyncio.run(longest_silence(on)) for on in (True, False)]
print(json.dumps(result))
