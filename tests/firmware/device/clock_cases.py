"""MicroPython's clock behind a fake chip: what UTC it says, what it sets, and what a boot makes of it."""

# ruff: noqa: T201, SIM105 - device code: MicroPython lacks contextlib; stdout is the result.

import asyncio
import json
import ssl
import sys


class Rtc:
    """Time and memory of a chip; both outlast a restart and neither the loss of power."""

    now = (2000, 1, 1, 5, 0, 0, 0, 0)
    kept = b""

    def memory(self, data=None):
        if data is None:
            return Rtc.kept
        Rtc.kept = bytes(data)
        return None

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


# A chip that was never set, a site that began in 2026, and a day without a connection.


async def tried():
    try:
        await port_micropython.open_stream("127.0.0.1", 1, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "broker")
    except OSError:
        pass  # nobody listens there


def restarted():
    clock = Clock(port_micropython)
    return [clock.boot_epoch_ms, clock.quality]


def powered_up():
    Rtc.now, Rtc.kept = (2000, 1, 1, 5, 0, 0, 0, 0), b""
    port_micropython._site_since_ms = 1_790_000_000_000
    asyncio.run(tried())
    return Rtc.now[:3]


def a_year_later():
    Rtc.now = (Rtc.now[0] + 1,) + tuple(Rtc.now[1:])  # noqa: RUF005 - MicroPython


result["guessed"] = [powered_up(), restarted()]
a_year_later()
result["a year after the guess"] = [port_micropython.epoch_ms(), restarted()]
asyncio.run(tried())
result["guessed again"] = [Rtc.now[:3], restarted()]
told = Clock(port_micropython)
told.set(1_800_000_000_000)
result["told"] = restarted()
asyncio.run(tried())
result["told stays told"] = restarted()
a_year_later()
result["a year after it was told"] = restarted()[1]
powered_up()
Clock(port_micropython).set(1_800_000_000_000)
Rtc.now, Rtc.kept = (2000, 1, 1, 5, 0, 0, 0, 0), b""
result["after a power cut"] = restarted()
print(json.dumps(result))
