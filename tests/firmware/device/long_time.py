"""A clock of our own for a device that has been up for long, whose ticks wrap and whose wall clock jumps.

From the environment: UP_MS, how long it is up when the story begins; WALL, what the UTC around it does at every step:
"unknown", "kept", "forward" (a day further each time) or "back" (a day less). The site tells it that time as well.
"""

import os

from jikimi.edge.clock import Clock

UP_MS = int(os.getenv("UP_MS") or 0)
_WALL = os.getenv("WALL") or "unknown"
_WRAP = 1 << 30  # of MicroPython's time.ticks_ms
_BEFORE_WRAP_MS = 20_000
_EPOCH_MS = 1_790_000_000_000
_STEP_MS = {"kept": 0, "forward": 86_400_000, "back": -86_400_000}


class Ticks:
    """The part of a port that a clock asks; `ms` is the true time."""

    def __init__(self):
        self.ms = _WRAP - _BEFORE_WRAP_MS
        self.jumped_ms = 0

    def ticks_ms(self):
        return self.ms % _WRAP

    def ticks_diff(self, later, earlier):
        return (later - earlier + _WRAP // 2) % _WRAP - _WRAP // 2

    def epoch_ms(self):
        return None if _WALL == "unknown" else _EPOCH_MS + self.ms + self.jumped_ms

    def set_clock(self, _epoch_ms):
        pass


class LongClock(Clock):
    """The device's own clock; setting `ms` lets time pass."""

    def __init__(self):
        self.ticks = Ticks()
        super().__init__(self.ticks)
        self._up_ms = UP_MS

    @property
    def ms(self):
        return self.up_ms()

    @ms.setter
    def ms(self, up_ms):
        self.ticks.ms += up_ms - self.up_ms()
        if _WALL != "unknown":
            self.ticks.jumped_ms += _STEP_MS[_WALL]
            self.set(self.ticks.epoch_ms())
