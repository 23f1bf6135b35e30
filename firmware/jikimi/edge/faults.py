"""Parts that fail: one alarm when they do, one all-clear when they work again."""

from jikimi.wire import kinds

_RETRY_MS = 2000
_OFF_MS = 250


class Fault:
    """State of one part (kinds.SENSOR_…); call it as often as it is known with kinds.FAULT_…, or 0 when it works.

    `alarms` as open_alarms.OpenAlarms: a fault from before a restart is not raised again, and ended when it is mended.
    `heard(sensor, fault)` hears what is new. `now` is what was told last, None: nothing yet.
    """

    def __init__(self, sensor, alarms, heard):
        self._sensor = sensor
        self._alarms = alarms
        self._heard = heard
        self.now = None

    def forget(self):
        """What is told next is new."""
        self.now = None

    def __call__(self, fault):
        if fault == self.now:
            return
        self.now = fault
        self._heard(self._sensor, fault)
        raised = self._alarms.of((kinds.SENSOR_FAULT,), self._sensor)
        if not fault:
            self._alarms.end(raised, kinds.WHY_RESTORED)
        elif not raised:
            self._alarms.start(kinds.SENSOR_FAULT, {kinds.SENSOR: self._sensor, kinds.FAULT: fault})


async def keep(start, run, stop, fault, duty, sleep_ms, beat):
    """Keep a part working while `duty.on`, and off otherwise; again after a pause whenever it raises OSError.

    `await run(beat)` ends when the duty does; `await stop()` switches the part off.
    """
    while True:
        beat()
        try:
            if duty.on:
                await start()
                fault(0)
                await run(beat)
            if not duty.on:
                await stop()
                await until_on(duty, sleep_ms, beat)
                continue
        except OSError:
            pass  # the part's bus or the part itself; `fault` makes it known
        if duty.on:
            fault(kinds.FAULT_SILENT)
        await sleep_ms(_RETRY_MS)


async def until_on(duty, sleep_ms, beat):
    """Return when duty begins."""
    while not duty.on:
        beat()
        await sleep_ms(_OFF_MS)
