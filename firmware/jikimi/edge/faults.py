"""Parts that fail: one alarm when they do, one all-clear when they work again."""

from jikimi.wire import kinds

_RETRY_MS = 2000


class Fault:
    """State of one part (kinds.SENSOR_…); call it with True or False as often as it is known."""

    def __init__(self, sensor, record):
        self._sensor = sensor
        self._record = record
        self._failed = False
        self._seq = None

    def __call__(self, failed):
        if failed == self._failed:
            return
        self._failed = failed
        if failed:
            self._seq = self._record(kinds.SENSOR_FAULT, {kinds.SENSOR: self._sensor})
        elif self._seq is not None:
            self._record(kinds.CLEARED, {kinds.REF_SEQ: self._seq, kinds.WHY: kinds.WHY_RESTORED})


async def keep(start, run, fault, sleep_ms, beat):
    """`await start()` and `await run(beat)`, again after a pause whenever one of them raises OSError."""
    while True:
        beat()
        try:
            await start()
            fault(False)
            await run(beat)
        except OSError:
            pass  # the part's bus or the part itself; `fault` makes it known
        fault(True)
        await sleep_ms(_RETRY_MS)
