"""What a tag does for the one who wears it: falls, stillness, the button, check-ins, bends."""

from jikimi.edge import motion
from jikimi.edge.check_in import CheckIn
from jikimi.edge.open_alarms import WEARER, about
from jikimi.edge.warn import ALARM, CHECK_IN, FELT, HELP, OFF, SEEN, STORED
from jikimi.wire import kinds

_BEND_WINDOW_MS = 15 * 60_000
# A press this long is a call for help; a shorter one says "I am all right" while an alarm is on.
_SOS_MS = 1500
_POLL_MS = 50
_CHECK_MS = 1000
_SEEN_MS = 6000
# Enough to know by touch that the call was taken, too little to be heard.
_FELT_MS = 200
_PROGRESS = (ALARM, STORED, HELP)  # of an alarm: on its way, in the site's database, taken on by a person


class Wearer:
    """`warner` as warn.Warner; `warned(level, source, latency_ms)` tells the console; `record` as Recorder.record.

    `alarms` as open_alarms.OpenAlarms: what is on there from before a restart is shown again.
    `settings` is the section `alarms` of the configuration.

    A fall is alarmed, recorded and sent at once, and may be cancelled for `cancel_s`; when that is over, CONFIRMED
    is recorded. A restart in between leaves the fall as it is, which is an alarm.
    """

    def __init__(self, warner, warned, record, clock, alarms, settings):
        self._warner = warner
        self._warned = warned
        self._record = record
        self._clock = clock
        self._alarms = alarms
        self._settings = settings
        self._unconfirmed = []  # (alarm, until_ms) of falls that may still be cancelled
        period_ms = None if settings.check_in_min is None else settings.check_in_min * 60_000
        self._check_in = CheckIn(period_ms, clock.up_ms())
        self._bends = 0
        self._bends_since_ms = 0
        self._on_duty = True
        self._show()

    def in_alarm(self):
        """Whether an alarm of this wearer is on that may be shown."""
        return any([alarm.shown for alarm in self._alarms.all])

    def on_duty(self, on):
        """A shift begins or ends: nobody is asked between shifts, and bends are not carried over."""
        self._on_duty = on
        now_ms = self._clock.up_ms()
        self._check_in.answered(now_ms)
        self._bends = 0
        self._bends_since_ms = now_ms

    def on_sense(self, kind, _t_ms, confidence_permille, latency_ms):
        """An event of the signal core."""
        if kind == motion.FALL:
            self._fall(confidence_permille, latency_ms)
        elif kind == motion.NO_MOTION:
            self._alarm(kinds.NO_MOTION, {}, latency_ms)
        elif kind == motion.FALLING:
            self._record(kinds.FALLING, {kinds.CONFIDENCE_PERMILLE: confidence_permille})
        elif kind == motion.RECOVERED:
            self._clear((kinds.FALL, kinds.NO_MOTION), kinds.WHY_RECOVERED)
        elif kind == motion.BEND:
            self._bends += 1

    def _fall(self, confidence_permille, latency_ms):
        data = {kinds.CONFIDENCE_PERMILLE: confidence_permille}
        cancel_ms = self._settings.cancel_s * 1000
        if cancel_ms:
            data[kinds.CANCEL_MS] = cancel_ms
        alarm = self._alarm(kinds.FALL, data, latency_ms)
        if cancel_ms:
            self._unconfirmed.append((alarm, self._clock.up_ms() + cancel_ms))

    def _call_for_help(self):
        if not self._settings.silent_sos:
            self._alarm(kinds.SOS, {}, _POLL_MS)
            return
        self._alarms.start(kinds.SOS, {kinds.SILENT: 1})
        self._warner.briefly(FELT, _FELT_MS)

    def on_seen(self, boot, seq):
        """A person has taken on an alarm."""
        alarm = self._alarms.seen(boot, seq)
        if alarm is None:
            return
        if alarm.silent:
            self._alarms.end([alarm], None)  # the person at the site goes on with it from here
            self._warner.briefly(FELT, _FELT_MS)
        elif alarm.shown:
            self._show()
            self._warner.briefly(SEEN, _SEEN_MS)

    def _show(self):
        """What has become of the alarms that are on: of several, the one that has got least far."""
        states = [self._state(alarm) for alarm in self._alarms.all if alarm.shown]
        self._warner.alarm(OFF if not states else min(states, key=_PROGRESS.index))

    def _state(self, alarm):
        if alarm.seen:
            return HELP
        return STORED if self._alarms.at_site(alarm) else ALARM

    def _alarm(self, kind, data, latency_ms):
        self._warner.alarm(ALARM)  # before anything that takes time
        self._warned(kinds.LEVEL_DANGER, kinds.SOURCE_FALL, latency_ms)
        return self._alarms.start(kind, data)

    def _clear(self, which, why):
        self._alarms.end([alarm for alarm in self._alarms.all if alarm.shown and alarm.kind in which], why)
        self._unconfirmed = [window for window in self._unconfirmed if window[0] in self._alarms.all]
        self._show()

    async def watch_button(self, pressed, sleep_ms, beat):
        """`pressed()` is the state of the button."""
        since_ms = None
        called = False
        while True:
            beat()
            await sleep_ms(_POLL_MS)
            now_ms = self._clock.up_ms()
            if pressed():
                since_ms = now_ms if since_ms is None else since_ms
                if not called and now_ms - since_ms >= _SOS_MS:
                    called = True
                    self._call_for_help()
            else:
                if since_ms is not None and not called:
                    self._all_is_well()
                since_ms = None
                called = False

    def _all_is_well(self):
        self._clear(WEARER, kinds.WHY_CANCELLED)
        now_ms = self._clock.up_ms()
        if self._check_in.asking(now_ms):
            self._warner.briefly(OFF, 0)
        self._check_in.answered(now_ms)

    async def watch_time(self, sleep_ms, beat):
        """What happens by the clock alone."""
        while True:
            beat()
            await sleep_ms(_CHECK_MS)
            self.on_time(self._clock.up_ms())

    def on_time(self, now_ms):
        """A moment has passed."""
        self._confirm(now_ms)
        self._show()
        self._ask(now_ms)
        self._report_bends(now_ms)

    def _confirm(self, now_ms):
        due = [alarm for alarm, until_ms in self._unconfirmed if until_ms <= now_ms and alarm.seq is not None]
        self._unconfirmed = [window for window in self._unconfirmed if window[0] not in due]
        for alarm in due:
            self._record(kinds.CONFIRMED, about(alarm, self._alarms.boot, {}))

    def _ask(self, now_ms):
        if self.in_alarm() or not self._on_duty:
            self._check_in.answered(now_ms)  # somebody is being sent for anyway, or nobody wears it
        elif self._check_in.missed(now_ms):
            self._warner.briefly(OFF, 0)
            self._alarm(kinds.CHECK_IN_MISSED, {}, 0)
        elif self._check_in.asking(now_ms):
            self._warner.briefly(CHECK_IN, 2 * _CHECK_MS)

    def _report_bends(self, now_ms):
        """One record per quarter of an hour in which there was a bend."""
        window_ms = now_ms - self._bends_since_ms
        if window_ms >= _BEND_WINDOW_MS:
            if self._bends:
                self._record(kinds.BENDS, {kinds.COUNT: self._bends, kinds.WINDOW_MS: window_ms})
            self._bends = 0
            self._bends_since_ms += window_ms
