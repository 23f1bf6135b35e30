"""Parts that fail: one alarm when they do, one all-clear when they work again."""

from jikimi.wire import kinds

_RETRY_MS = 2000


class Fault:
    """State of one part (kinds.SENSOR_…); call it as often as it is known with kinds.FAULT_…, or 0 when it works.

    `alarms` as open_alarms.OpenAlarms: a fault from before a restart is not raised again, and ended when it is mended.
    """

    def __init__(self, sensor, alarms):
        self._sensor = sensor
        self._alarms = alarms
        self._fault = None

    def __call__(self, fault):
        if fault == self._fault:
            return
        self._fault = fault
        raised = self._alarms.of((kinds.SENSOR_FAULT,), self._sensor)
        if not fault:
            self._alarms.end(raised, kinds.WHY_RESTORED)
        elif not raised:
            self._alarms.start(kinds.SENSOR_FAULT, {kinds.SENSOR: self._sensor, kinds.FAULT: fault})


async def keep(start, run, fault, sleep_ms, beat):
    """`await start()` and `await run(beat)`, again after a pause whenever one of them raises OSError."""
    while True:
        beat()
        try:
            await start()
            fault(0)
            await run(beat)
        except OSError:
            pass  # the part's bus or the part itself; `fault` makes it known
        fault(kinds.FAULT_SILENT)
        await sleep_ms(_RETRY_MS)
