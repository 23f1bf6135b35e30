"""MicroPython's clock behind a fake chip: what UTC it says, what it sets, and what a boot makes of it."""

# ruff: noqa: T201 - stdout is the result.

import json
import sys


class Rtc:
    now = (2000, 1, 1, 5, 0, 0, 0, 0)

    def datetime(self, when=None):
        if when is not None:
            Rtc.now = when
        return Rtc.now


class Machine:
    RTC = Rtc


sys.modules["machine"] = Machine

from jikimi.edge import port_micropython  # noqa: E402
from jikimi.edge.clock import Clock  # noqa: E402

unset = Clock(port_micropython)
result = {"unset": [unset.boot_epoch_ms, unset.quality]}
taken = [unset.set(1_790_000_123_456), unset.set(1)]
result["taken"] = [taken[0], taken[1], unset.quality]
result["chip"] = Rtc.now
result["said"] = []
for moment in ((2026, 11, 24), (2028, 2, 29), (2028, 3, 1), (2100, 2, 28), (2100, 3, 1), (2025, 1, 1)):
    Rtc.now = (moment[0], moment[1], moment[2], 0, 12, 34, 56, 789_000)
    result["said"].append(port_micropython.epoch_ms())
print(json.dumps(result))
