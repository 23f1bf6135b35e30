"""What a tag does for the one who wears it: falls, stillness, the button, bends."""

from jikimi.edge import sense
from jikimi.edge.open_alarms import RAISED
from jikimi.wire import kinds

_BEND_WINDOW_MS = 15 * 60_000
# A press this long is a call for help; a shorter one says "I am all right" while an alarm is on.
_SOS_MS = 1500
_POLL_MS = 50
_CHECK_MS = 1000


class Wearer:
    """`warner` as warn.Warner; `warned(level, source, latency_ms)` tells the console; `record` as Recorder.record.

    `alarms` as open_alarms.OpenAlarms: what is on there from before a restart is shown again.
    """

    def __init__(self, warner, warned, record, clock, alarms):
        self._warner = warner
        self._warned = warned
        self._record = record
        self._clock = clock
        self._alarms = alarms
        self._bends = 0
        self._bends_since_ms = 0
        self._warner.alarm(self.in_alarm())

    def in_alarm(self):
        """Whether an alarm of this wearer is on."""
        return bool(self._alarms.all)

    def on_sense(self, kind, _t_ms, confidence_permille, latency_ms):
        """An event of the signal core."""
        if kind == sense.FALL:
            self._alarm(kinds.FALL, {kinds.CONFIDENCE_PERMILLE: confidence_permille}, latency_ms)
        elif kind == sense.NO_MOTION:
            self._alarm(kinds.NO_MOTION, {}, latency_ms)
        elif kind == sense.FALLING:
            self._record(kinds.FALLING, {kinds.CONFIDENCE_PERMILLE: confidence_permille})
        elif kind == sense.RECOVERED:
            self._clear((kinds.FALL, kinds.NO_MOTION), kinds.WHY_RECOVERED)
        elif kind == sense.BEND:
            self._bends += 1

    def _alarm(self, kind, data, latency_ms):
        self._warner.alarm(True)  # before anything that takes time
        self._warned(kinds.LEVEL_DANGER, kinds.SOURCE_FALL, latency_ms)
        self._alarms.add(kind, self._record(kind, data))

    def _clear(self, which, why):
        cleared = [alarm for alarm in self._alarms.all if alarm[0] in which]
        if not cleared:
            return
        last = None
        for _kind, boot, seq in cleared:
            if seq is not None:
                last = self._record(kinds.CLEARED, self._about(boot, seq, {kinds.WHY: why})) or last
        self._alarms.remove(cleared, last)
        self._warner.alarm(self.in_alarm())

    def _about(self, boot, seq, data):
        data[kinds.REF_SEQ] = seq
        if boot != self._alarms.boot:
            data[kinds.REF_BOOT] = boot
        return data

    async def watch_button(self, pressed, sleep_ms, beat):
        """`pressed()` is the state of the button."""
        held_ms = 0
        while True:
            beat()
            await sleep_ms(_POLL_MS)
            if pressed():
                held_ms += _POLL_MS
                if held_ms == _SOS_MS:
                    self._alarm(kinds.SOS, {}, _POLL_MS)
            else:
                if 0 < held_ms < _SOS_MS and self.in_alarm():
                    self._clear(RAISED, kinds.WHY_CANCELLED)
                held_ms = 0

    async def count_bends(self, sleep_ms, beat):
        """One record per quarter of an hour in which there was a bend."""
        while True:
            beat()
            await sleep_ms(_CHECK_MS)
            window_ms = self._clock.up_ms() - self._bends_since_ms
            if window_ms >= _BEND_WINDOW_MS:
                if self._bends:
                    self._record(kinds.BENDS, {kinds.COUNT: self._bends, kinds.WINDOW_MS: window_ms})
                self._bends = 0
                self._bends_since_ms += window_ms
