"""A port whose time passes only when everybody waits for it: hours of a device in seconds, the same every time.

And a clock that is set, for who needs no time of its own.
"""

import asyncio

from jikimi.edge.port import port
from jikimi.wire import kinds

# Passes of the loop after which whoever had something to do has done it: nothing here waits for a file or a socket.
_SETTLED = 12
_WRAP = 1 << 30


class SetClock:
    """As jikimi.edge.clock's, set from the start; it goes with the port's own ticks."""

    boot_epoch_ms = 1_790_000_000_000
    quality = kinds.CLOCK_RTC

    def up_ms(self):
        return port().ticks_ms()

    def epoch_ms(self):
        return self.boot_epoch_ms + self.up_ms()


class FakePort:
    """As jikimi.edge.port; ticks wrap as MicroPython's do, a minute on; `lines` is its console."""

    def __init__(self, epoch_ms=1_790_000_000_000):
        self.ms = _WRAP - 60_000
        self.lines = []
        self.jumped_ms = 0  # of UTC
        self._epoch_ms = epoch_ms - self.ms
        self._timers = []
        self.CORE = port().CORE
        self.describe = port().describe

    def ticks_ms(self):
        return self.ms % _WRAP

    def ticks_diff(self, later, earlier):
        return (later - earlier + _WRAP // 2) % _WRAP - _WRAP // 2

    def epoch_ms(self):
        return self._epoch_ms + self.ms + self.jumped_ms

    def say(self, line):
        self.lines.append(line)

    async def sleep_ms(self, ms):
        await self._timer(ms).wait()

    async def wait_for_ms(self, awaitable, ms):
        outcome = []
        done = self._timer(ms)

        async def work():
            try:
                outcome.append((await awaitable, None))
            except Exception as error:  # noqa: BLE001 - handed on below
                outcome.append((None, error))
            done.set()

        task = asyncio.create_task(work())
        try:
            await done.wait()
        finally:
            self._timers = [timer for timer in self._timers if timer[1] is not done]
            if not outcome:
                task.cancel()
        if not outcome:
            raise asyncio.TimeoutError  # noqa: UP041 - MicroPython has no other
        value, error = outcome[0]
        if error is not None:
            raise error
        return value

    def _timer(self, ms):
        event = asyncio.Event()
        self._timers.append((self.ms + max(ms, 0), event))
        return event

    async def pass_ms(self, ms):
        """Let `ms` pass, stopping wherever somebody waited for."""
        end = self.ms + ms
        while True:
            for _ in range(_SETTLED):
                await asyncio.sleep(0)
            due = min([timer[0] for timer in self._timers] + [end])
            if due >= end:
                self.ms = end
                return
            self.ms = max(self.ms, due)
            for timer in [timer for timer in self._timers if timer[0] <= self.ms]:
                self._timers.remove(timer)
                timer[1].set()
