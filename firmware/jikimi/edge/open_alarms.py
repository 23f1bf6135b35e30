"""Alarms of the wearer that are on, kept over a restart: `state/alarms`.

A restart does not help the one who lies on the floor, so what was on is shown again. The journal alone cannot tell: it
lets a record go once the site has it. The file therefore holds the alarms that are on and the last record it knows of;
what the journal has after that record was written just before the power went, and is added at the next start.
"""

import json

from jikimi.wire import kinds

RAISED = (kinds.FALL, kinds.SOS, kinds.NO_MOTION, kinds.CHECK_IN_MISSED)
_FILE = "alarms"
_BATCH_RECORDS = 20
_BATCH_BYTES = 700


class OpenAlarms:
    """`state` are the `Files` of the state directory; one instance owns the file.

    `all` has a tuple (kind, boot, seq) for each alarm; seq is None when the flash did not take its record.
    """

    def __init__(self, state, journal):
        self._state = state
        self._journal = journal
        self.boot = journal.boot
        self.all, self._upto = _stored(state)
        self._catch_up()

    def add(self, kind, seq):
        """An alarm of this boot, after its record."""
        self.all = self.all + [(kind, self.boot, seq)]
        self._save(seq)

    def remove(self, alarms, seq):
        """Some of `all`, after the records that say so; `seq` is the last of these."""
        self.all = [alarm for alarm in self.all if alarm not in alarms]
        self._save(seq)

    def _catch_up(self):
        while True:
            batch = self._journal.batch(kinds.STREAM_ALARM, self._upto, _BATCH_RECORDS, _BATCH_BYTES)
            if batch is None:
                return
            for seq, kind, _t_ms, data in batch.records:
                self._note(batch.boot, seq, kind, data)
            self._upto = (batch.boot, batch.records[-1][0])

    def _note(self, boot, seq, kind, data):
        if kind in RAISED and not data.get(kinds.SILENT):
            self.all.append((kind, boot, seq))
        elif kind == kinds.CLEARED:
            meant = (data.get(kinds.REF_BOOT, boot), data.get(kinds.REF_SEQ))
            self.all = [alarm for alarm in self.all if alarm[1:] != meant]

    def _save(self, seq):
        if seq is not None:
            self._upto = (self.boot, seq)
        content = json.dumps({"upto": self._upto, "on": self.all}).encode()
        try:
            file = self._state.create(_FILE + ".new")
            try:
                self._state.write(file, content)
            finally:
                self._state.close(file)
            self._state.rename(_FILE + ".new", _FILE)
        except OSError:
            pass  # the alarm is on and, where the flash still works, recorded; the journal tells after a restart


def _stored(state):
    try:
        values = json.loads(state.read(_FILE))
        return [tuple(alarm) for alarm in values["on"]], tuple(values["upto"])
    except (OSError, ValueError):
        return [], (0, 0)  # the first start of this flash, or no longer readable: then the journal alone tells
