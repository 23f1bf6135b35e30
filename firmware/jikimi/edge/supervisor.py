"""Keeps the tasks honest: the watchdog is fed only while every one of them is alive.

A moment in which everything stands still, as while a name is not resolved or a flash erases, is no task's fault:
whether it is too long, only the watchdog can tell.
"""

import asyncio

from jikimi.edge import memory

_CHECK_MS = 500
_MOST_MS = 1000  # of the time between two checks that counts
WATCHDOG_MS = 20_000


class _Task:
    def __init__(self, name, limit_ms):
        self.name = name
        self.limit_ms = limit_ms
        self.still_ms = 0  # since its last beat
        self.work = None
        self.task = None


class Supervisor:
    """`feed()` feeds the watchdog; `failed(what, trace)` hears why the device will restart."""

    def __init__(self, port, feed, failed):
        self._port = port
        self._feed = feed
        self._failed = failed
        self._tasks = []

    def add(self, name, work, limit_ms=10_000):
        """`work(beat)` is a coroutine that never ends and calls `beat()` at least every `limit_ms`."""
        entry = _Task(name, limit_ms)

        def beat():
            entry.still_ms = 0

        entry.work = work(beat)
        self._tasks.append(entry)

    async def run(self):
        """Run the tasks; returns the name of the first that has ended or stands still, after saying so."""
        for entry in self._tasks:
            entry.task = asyncio.create_task(self._watched(entry))
        checked = self._port.ticks_ms()
        while True:
            now = self._port.ticks_ms()
            passed_ms, checked = min(self._port.ticks_diff(now, checked), _MOST_MS), now
            for entry in self._tasks:
                if entry.task is None:
                    return entry.name
                entry.still_ms += passed_ms
                if entry.still_ms > entry.limit_ms:
                    self._port.say(f"jk log task {entry.name} stands still")
                    self._failed("still:" + entry.name, "")
                    return entry.name
            self._feed()
            memory.keep()
            await self._port.sleep_ms(_CHECK_MS)

    async def _watched(self, entry):
        try:
            await entry.work
            self._port.say(f"jk log task {entry.name} has ended")
            self._failed("ended:" + entry.name, "")
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is a restart, and its trace is wanted
            memory.release()
            self._port.say(f"jk log task {entry.name} failed: {self._port.describe(error)}")
            trace = self._port.traceback(error)
            self._port.say(trace)
            self._failed(type(error).__name__, trace)
        finally:
            entry.task = None  # whatever became of the telling
