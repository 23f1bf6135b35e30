"""The health gate of a new release: what worked before it must work with it, within a time.

What is broken anyway (a sensor that fell off, a hall without another radio) is no reason against a release, so the
release that runs tries the same parts before it changes over and notes which of them worked.
"""

LIMIT_MS = 120_000
_BASELINE_MS = 3_000
_POLL_MS = 200
ALWAYS = ("broker", "heap")  # without these no device is of use, whatever was before
HEAP_LEAST = 10 * 1024  # besides what `memory` has put aside


class Gate:
    """`parts` maps a reason code to a coroutine function that tells whether the part works (and may take a moment)."""

    def __init__(self, port, parts):
        self._port = port
        self._parts = parts

    async def baseline(self, beat):
        """Names of the parts that work now."""
        missing = await self._try(list(self._parts), _BASELINE_MS, beat)
        return [name for name in self._parts if name not in missing]

    async def passes(self, expected, beat):
        """None when all `expected` parts, and those that always must, have worked; else the first that did not."""
        wanted = [name for name in self._parts if name in ALWAYS or name in expected]
        missing = await self._try(wanted, LIMIT_MS, beat)
        return missing[0] if missing else None

    async def _try(self, names, limit_ms, beat):
        """Try each until it works or the time is over; those that never did."""
        started = self._port.ticks_ms()
        while names and self._port.ticks_diff(self._port.ticks_ms(), started) < limit_ms:
            beat()
            missing = []
            for name in names:  # MicroPython has no `await` in a comprehension
                if not await self._works(name):
                    missing.append(name)  # noqa: PERF401
            names = missing
            await self._port.sleep_ms(_POLL_MS)
        return names

    async def _works(self, name):
        try:
            return await self._parts[name]()
        except OSError:
            return False  # a part that does not answer
