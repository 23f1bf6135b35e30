"""Keeps the tasks honest: the watchdog is fed only while every one of them is alive."""

import asyncio

from jikimi.edge import memory

_CHECK_MS = 500
WATCHDOG_MS = 20_000


class _Task:
    def __init__(self, name, limit_ms):
        self.name = name
        self.limit_ms = limit_ms
        self.beaten = 0
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
        entry.beaten = self._port.ticks_ms()

        def beat():
            entry.beaten = self._port.ticks_ms()

        entry.work = work(beat)
        self._tasks.append(entry)

    async def run(self):
        """Run the tasks; returns the name of the first that has ended or stands still, after saying so."""
        for entry in self._tasks:
            entry.task = asyncio.create_task(self._watched(entry))
        while True:
            for entry in self._tasks:
                if entry.task is None:
                    return entry.name
                if self._port.ticks_diff(self._port.ticks_ms(), entry.beaten) > entry.limit_ms:
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
