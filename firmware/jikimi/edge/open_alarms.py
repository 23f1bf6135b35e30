"""Alarms of this device that are on, kept over a restart: `state/alarms`.

A restart does not help the one who lies on the floor, so what was on is shown again. The journal alone cannot tell: it
lets a record go once the site has it. The file therefore holds the alarms that are on and the last record it knows of;
what the journal has after that record was written just before the power went, and is added at the next start.
"""

import json

from jikimi.edge import memory
from jikimi.wire import kinds

WEARER = (kinds.FALL, kinds.SOS, kinds.NO_MOTION, kinds.CHECK_IN_MISSED)
DEVICE = (kinds.SENSOR_FAULT, kinds.LOW_BATTERY, kinds.BATTERY_SHORT)
_FILE = "alarms"
_SILENT = 1
_SEEN = 2
_BATCH_RECORDS = 20
_BATCH_BYTES = 700


class Alarm:
    """`seq` is None while the flash has not taken its record; `seen`: a person has taken it on.

    `asked` is for insist.Insisting.
    """

    def __init__(self, kind, boot, seq, data, seen=False):
        self.kind = kind
        self.boot = boot
        self.seq = seq
        self.data = data
        self.seen = seen
        self.asked = None

    @property
    def silent(self):
        """Nobody near the wearer may notice it."""
        return bool(self.data.get(kinds.SILENT))

    @property
    def shown(self):
        """An alarm of the wearer that the device shows."""
        return self.kind in WEARER and not self.silent


class OpenAlarms:
    """`state` are the `Files` of the state directory, `record` as Recorder.record; one instance owns the file.

    `all` has an `Alarm` for each that is on, in the order they were raised.
    """

    def __init__(self, state, journal, record):
        self._state = state
        self._journal = journal
        self._record = record
        self.boot = journal.boot
        self.all, self._upto = _stored(state)
        self._catch_up()

    def of(self, which, sensor=None):
        """Those of the kinds `which`, and of one sensor where that matters."""
        return [alarm for alarm in self.all if alarm.kind in which and alarm.data.get(kinds.SENSOR) == sensor]

    def of_wearer(self):
        """Whether an alarm of the wearer is on, a silent one too."""
        return any([alarm.kind in WEARER for alarm in self.all])

    def start(self, kind, data):
        """Raise an alarm: recorded, and kept as being on even when the flash does not take the record."""
        memory.release()  # an alarm that is not written down would be lost with the restart for want of memory
        alarm = Alarm(kind, self.boot, None, data)
        self.all = self.all + [alarm]
        self.store(alarm)
        return alarm

    def store(self, alarm):
        """Write the record of an alarm that has none; True when it has one now."""
        alarm.seq = self._record(alarm.kind, alarm.data)
        if alarm.seq is not None:
            alarm.boot = self.boot
        self._save(alarm.seq)
        return alarm.seq is not None

    def end(self, alarms, why):
        """End some of `all`, each with a record that says so (`why` as kinds.WHY_…, None: without a record)."""
        if not alarms:
            return
        last = None
        for alarm in alarms:
            if alarm.seq is not None and why is not None:
                last = self._record(kinds.CLEARED, about(alarm, self.boot, {kinds.WHY: why})) or last
        self.all = [alarm for alarm in self.all if alarm not in alarms]
        self._save(last)

    def seen(self, boot, seq):
        """A person has taken on this alarm; it, when it is on and that was news."""
        for alarm in self.all:
            if (alarm.boot, alarm.seq) == (boot, seq) and not alarm.seen:
                alarm.seen = True
                self._save(None)
                return alarm
        return None

    def at_site(self, alarm):
        """Whether the site's database has it: only then the journal has let it go."""
        return alarm.seq is not None and not self._journal.holds(kinds.STREAM_ALARM, alarm.boot, alarm.seq)

    def _catch_up(self):
        while True:
            batch = self._journal.batch(kinds.STREAM_ALARM, self._upto, _BATCH_RECORDS, _BATCH_BYTES)
            if batch is None:
                return
            for seq, kind, _t_ms, data in batch.records:
                self._note(batch.boot, seq, kind, data)
            self._upto = (batch.boot, batch.records[-1][0])

    def _note(self, boot, seq, kind, data):
        if kind in WEARER or kind in DEVICE:
            self.all.append(Alarm(kind, boot, seq, data))
        elif kind == kinds.CLEARED:
            meant = (data.get(kinds.REF_BOOT, boot), data.get(kinds.REF_SEQ))
            self.all = [alarm for alarm in self.all if (alarm.boot, alarm.seq) != meant]

    def _save(self, seq):
        if seq is not None:
            self._upto = (self.boot, seq)
        content = json.dumps({"upto": self._upto, "on": [_row(alarm) for alarm in self.all]}).encode()
        try:
            file = self._state.create(_FILE + ".new")
            try:
                self._state.write(file, content)
            finally:
                self._state.close(file)
            self._state.rename(_FILE + ".new", _FILE)
        except OSError:
            pass  # the alarm is on and, where the flash still works, recorded; the journal tells after a restart


def about(alarm, boot, data):
    """`data` of a record of `boot`, with the alarm it refers to added."""
    data[kinds.REF_SEQ] = alarm.seq
    if alarm.boot != boot:
        data[kinds.REF_BOOT] = alarm.boot
    return data


def _row(alarm):
    flags = (_SILENT if alarm.silent else 0) | (_SEEN if alarm.seen else 0)
    return (alarm.kind, alarm.boot, alarm.seq, flags, alarm.data.get(kinds.SENSOR))


def _alarm(row):
    kind, boot, seq, flags, sensor = row
    data = {kinds.SILENT: 1} if flags & _SILENT else {}
    if sensor is not None:
        data[kinds.SENSOR] = sensor
    return Alarm(kind, boot, seq, data, bool(flags & _SEEN))


def _stored(state):
    try:
        values = json.loads(state.read(_FILE))
        return [_alarm(row) for row in values["on"]], tuple(values["upto"])
    except (OSError, ValueError, KeyError, TypeError):
        return [], (0, 0)  # the first start of this flash, or no longer readable: then the journal alone tells
