"""Asks again for every alarm that no person has taken on.

The site's acknowledgement means that a database has the alarm. People overlook pages, and a site may be restored from
yesterday's copy. So an alarm is told again, by a record of its own, until somebody has taken it on or it has ended.
"""

from jikimi.edge.open_alarms import about
from jikimi.wire import kinds

# After the site has it, and then after twice as long, up to the limit.
FIRST_MS = 30_000
LONGEST_MS = 600_000
_CHECK_MS = 1000


class _Asked:
    """Since when an alarm is on, when it is next asked about, and the record that asked last (None: none yet)."""

    def __init__(self, now_ms):
        self.since_ms = now_ms
        self.pause_ms = FIRST_MS
        self.next_ms = None
        self.seq = None


class Insisting:
    """`alarms` as open_alarms.OpenAlarms, `record` as Recorder.record.

    No flood: at most one question about an alarm is on its way, and the pauses grow. What is not at the site yet is the
    link's business; it is not asked about. A restart begins with the shortest pause again.
    """

    def __init__(self, alarms, journal, record):
        self._alarms = alarms
        self._journal = journal
        self._record = record

    async def run(self, clock, sleep_ms, beat):
        """For ever, once a second."""
        while True:
            beat()
            await sleep_ms(_CHECK_MS)
            self.on_time(clock.up_ms())

    def on_time(self, now_ms):
        """A moment has passed."""
        for alarm in self._alarms.all:
            if not alarm.seen:
                if alarm.asked is None:
                    alarm.asked = _Asked(now_ms)
                self._look_after(alarm, alarm.asked, now_ms)

    def _look_after(self, alarm, asked, now_ms):
        if asked.next_ms is None:
            if alarm.seq is not None and not self._alarms.at_site(alarm):
                return
            asked.next_ms = now_ms + asked.pause_ms
        if now_ms < asked.next_ms or self._under_way(asked):
            return
        asked.pause_ms = min(2 * asked.pause_ms, LONGEST_MS)
        asked.next_ms = now_ms + asked.pause_ms
        if alarm.seq is None:
            if self._alarms.store(alarm):  # the flash takes it at last: from here as if it had just been raised
                asked.next_ms = None
            return
        data = {kinds.WAITING_MS: now_ms - asked.since_ms, kinds.ALARM_KIND: alarm.kind}
        asked.seq = self._record(kinds.STILL_OPEN, about(alarm, self._alarms.boot, data))

    def _under_way(self, asked):
        return asked.seq is not None and self._journal.holds(kinds.STREAM_ALARM, self._alarms.boot, asked.seq)
