"""The self-test at every beginning of duty, and again after each day of it: what every part says, in one record.

At the beginning, parts that tell by themselves whether they work (sensors, radios) do so through their `faults.Fault`;
the flash and the battery's converter are tried here. Vibration, tone and lights cannot be measured: they are shown one
after the other. The daily test disturbs nobody: nothing is shown, and no part stops working for it.
"""

from jikimi.edge.faults import Fault
from jikimi.wire import kinds

DAY_MS = 86_400_000
_LOOK_MS = 1000
_FILE = "test"
_PATTERN = bytes(range(256))


class SelfTest:
    """`alarms` as open_alarms.OpenAlarms, `record` as Recorder.record, `state` the `Files` of the state directory.

    `battery` as battery.Battery, None where there is none. `checks` has for a part (kinds.SENSOR_…) what tries it on
    duty: `await check(beat)` gives kinds.FAULT_…, 0, or None when there was nothing to tell by. A part without one is
    watched all the time, and what it said last counts.
    """

    def __init__(self, alarms, record, state, battery):
        self.checks = {}
        self._alarms = alarms
        self._record = record
        self._state = state
        self._battery = battery
        self._faults = {}
        self._waiting = []
        self._passed = self._failed = 0
        self._began_ms = None
        self._flash_fault = self.fault(kinds.SENSOR_FLASH)
        self._battery_fault = self.fault(kinds.SENSOR_BATTERY) if battery is not None else None

    def fault(self, sensor):
        """The `Fault` through which a part will tell how it is."""
        self._faults[sensor] = Fault(sensor, self._alarms, self._heard)
        return self._faults[sensor]

    def retire(self):
        """All parts are known: alarms about others, which the device had in an earlier configuration, end."""
        faults = [alarm for alarm in self._alarms.all if alarm.kind == kinds.SENSOR_FAULT]
        self._alarms.end([one for one in faults if one.data.get(kinds.SENSOR) not in self._faults], kinds.WHY_RESTORED)

    def begin(self, now_ms):
        """From now on the first word of each part counts; what cannot tell by itself is tried at once."""
        self._began_ms = now_ms
        self._waiting = list(self._faults)
        self._passed = self._failed = 0
        for fault in self._faults.values():
            fault.forget()
        self._flash_fault(flash_fault(self._state))
        if self._battery is not None:
            self._battery_fault(self._battery.fault())

    async def run(self, clock, duty, sleep_ms, beat):
        """Test again whenever duty has gone on for a day since the last test, for ever."""
        while True:
            beat()
            await sleep_ms(_LOOK_MS)
            if duty.on and self._began_ms is not None and clock.up_ms() - self._began_ms >= DAY_MS:
                await self._again(clock, duty, beat)

    async def _again(self, clock, duty, beat):
        began_ms = self._began_ms
        said = {sensor: fault.now for sensor, fault in self._faults.items()}
        for sensor, check in self.checks.items():
            said[sensor] = await _outcome(check, beat)
        if not duty.on or self._began_ms != began_ms:
            return  # a duty that has begun meanwhile has tested for itself
        self.begin(clock.up_ms())
        for sensor in self._waiting[:]:
            if said[sensor] is None:
                self._heard(sensor, None)
            else:
                self._faults[sensor](said[sensor])

    def _heard(self, sensor, fault):
        """A part works (0), fails as kinds.FAULT_… says, or cannot tell (None); the last of them makes the record."""
        if sensor not in self._waiting:
            return
        self._waiting.remove(sensor)
        if fault:
            self._failed |= 1 << sensor
        elif fault is not None:
            self._passed |= 1 << sensor
        if not self._waiting:
            self._record(kinds.SELF_TEST, {kinds.PASSED: self._passed, kinds.FAILED: self._failed})


async def _outcome(check, beat):
    try:
        return await check(beat)
    except OSError:
        return kinds.FAULT_SILENT  # its bus, or the part itself


def flash_fault(files):
    """kinds.FAULT_… when a file cannot be written, read back and removed; 0: it can."""
    try:
        file = files.create(_FILE)
        try:
            files.write(file, _PATTERN)
        finally:
            files.close(file)
        same = files.read(_FILE) == _PATTERN
        files.remove(_FILE)
    except OSError:
        return kinds.FAULT_SILENT
    return 0 if same else kinds.FAULT_SELF_TEST
