"""The self-test at every beginning of duty: what each part says first, in one record.

Parts that tell by themselves whether they work (sensors, radios) do so through their `faults.Fault`; the flash and the
battery's converter are tried here. Vibration, tone and lights cannot be measured: they are shown one after the other.
"""

from jikimi.edge.faults import Fault
from jikimi.wire import kinds

_FILE = "test"
_PATTERN = bytes(range(256))


class SelfTest:
    """`alarms` as open_alarms.OpenAlarms, `record` as Recorder.record, `state` the `Files` of the state directory.

    `battery` as battery.Battery, None where there is none.
    """

    def __init__(self, alarms, record, state, battery):
        self._alarms = alarms
        self._record = record
        self._state = state
        self._battery = battery
        self._faults = {}
        self._waiting = []
        self._passed = self._failed = 0
        self._flash_fault = self.fault(kinds.SENSOR_FLASH)
        self._battery_fault = self.fault(kinds.SENSOR_BATTERY) if battery is not None else None

    def fault(self, sensor):
        """The `Fault` through which a part will tell how it is."""
        self._faults[sensor] = Fault(sensor, self._alarms, self._heard)
        return self._faults[sensor]

    def begin(self):
        """From now on the first word of each part counts; what cannot tell by itself is tried at once."""
        self._waiting = list(self._faults)
        self._passed = self._failed = 0
        for fault in self._faults.values():
            fault.forget()
        self._flash_fault(flash_fault(self._state))
        if self._battery is not None:
            self._battery_fault(self._battery.fault())

    def _heard(self, sensor, fault):
        """A part works (0), or fails as kinds.FAULT_… says; with the last of them the result is recorded."""
        if sensor not in self._waiting:
            return
        self._waiting.remove(sensor)
        if fault:
            self._failed |= 1 << sensor
        else:
            self._passed |= 1 << sensor
        if not self._waiting:
            self._record(kinds.SELF_TEST, {kinds.PASSED: self._passed, kinds.FAILED: self._failed})


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
