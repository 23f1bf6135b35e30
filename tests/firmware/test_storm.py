# mypy: allow-untyped-calls
"""Two hundred devices lose their broker, or get their power back, in the same instant.

The real link of each, on a loop whose time is virtual.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
import random
import selectors
from types import SimpleNamespace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jikimi.edge import link as link_module
from jikimi.edge.clock import Clock
from jikimi.edge.duty import Always
from jikimi.edge.link import Link
from jikimi.wire import kinds

DEVICES = 200
# At the worst moment 0.38 of the devices a second on average; five sigma of chance more.
MOST_A_SECOND = 0.6 * DEVICES
LOST_S = 21.0  # when everybody is connected and long past its first minute
LONGEST_PAUSE_S = 45.0
ALARM_S = 1.0
POWER_S = 3.5  # when the last one that got its power back at 0 is connected
AT_ONCE_S = 0.25


class _Jump(selectors.SelectSelector):
    """Nothing is ever ready: whoever would wait gets there at once."""

    def __init__(self):
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout=None):
        assert timeout is not None, "everybody waits for ever"
        self.now_s += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self):
        return self._jump.now_s


class Port:
    """As jikimi.edge.port on this loop."""

    def __init__(self, loop):
        self._loop = loop

    def ticks_ms(self):
        return int(self._loop.time() * 1000) % (1 << 30)

    def ticks_diff(self, later, earlier):
        return (later - earlier + (1 << 29)) % (1 << 30) - (1 << 29)

    def epoch_ms(self):
        return None

    async def sleep_ms(self, ms):
        await asyncio.sleep(ms / 1000)

    async def wait_for_ms(self, awaitable, ms):
        return await asyncio.wait_for(awaitable, ms / 1000)

    def say(self, _line):
        pass

    def describe(self, error):
        return str(error)


class Broker:
    """Up but for a time from LOST_S on; notes when somebody knocks."""

    def __init__(self, loop, away_s):
        self._loop, self.away_s = loop, away_s
        self.knocks, self.connected, self.lost = [], set(), asyncio.Event()
        loop.call_at(LOST_S, self._fail)

    def _fail(self):
        self.lost.set()
        self.lost = asyncio.Event()
        self.connected.clear()

    def knock(self, device):
        now_s = self._loop.time()
        self.knocks.append((now_s, device))
        if LOST_S <= now_s < LOST_S + self.away_s:
            raise OSError("nobody there")
        self.connected.add(device)

    def busiest_second(self, after_s):
        """Most knocks within any second."""
        times = [t_s for t_s, _device in self.knocks if t_s >= after_s]
        return max(bisect.bisect_left(times, t_s + 1.0) - i for i, t_s in enumerate(times))


class Client:
    def __init__(self, broker, device):
        self._broker, self._device = broker, device

    async def connect(self):
        self._broker.knock(self._device)

    async def subscribe(self, _topic, _qos):
        pass

    async def publish(self, *_):
        pass

    async def run(self, _on_message):
        await self._broker.lost.wait()
        raise OSError("the broker has gone")

    async def close(self):
        pass


class Owed:
    """A journal of which only the number of alarms matters."""

    def __init__(self):
        self.alarms = 0

    def depth(self, stream):
        return self.alarms if stream == kinds.STREAM_ALARM else 0

    def batch(self, *_):
        return None


def device(port, broker, number, powered_up=False):
    journal = Owed()
    config = SimpleNamespace(site="s", device=f"d{number}", broker=SimpleNamespace(host="h"))
    made = lambda _docked: Client(broker, number)  # noqa: E731
    link = Link(port, Clock(port), journal, config, Always(), made, lambda _docked: b"", lambda _command: None)
    link.powered_up = powered_up
    return link, journal


def live(away_s, seed, monkeypatch, until_s, events=(), *, powered_up=False, owing=0):
    """The broker, after everything; `events` are (second, what is done with the devices then).

    The first `owing` devices have had an alarm to tell since before they started.
    """
    monkeypatch.setattr(link_module.os, "urandom", random.Random(seed).randbytes)
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)

    async def everything():
        broker, port = Broker(loop, away_s), Port(loop)
        devices = [device(port, broker, number, powered_up) for number in range(DEVICES)]
        for _link, journal in devices[:owing]:
            journal.alarms = 1
        tasks = [asyncio.create_task(link.run(lambda: None)) for link, _journal in devices]
        for second, act in events:
            loop.call_at(second, act, devices)
        await asyncio.sleep(until_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return broker

    try:
        return loop.run_until_complete(everything())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@settings(
    max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(away_s=st.sampled_from([0.05, 1.0, 5.0, 20.0]), seed=st.integers(0, 2**32))
def test_however_long_the_broker_is_away_no_second_sees_all_of_them_and_all_come_back(away_s, seed, monkeypatch):
    broker = live(away_s, seed, monkeypatch, LOST_S + away_s + LONGEST_PAUSE_S + 1)
    assert len(broker.connected) == DEVICES
    assert broker.busiest_second(LOST_S) <= MOST_A_SECOND


def test_one_who_has_an_alarm_to_tell_does_not_wait_for_the_others(monkeypatch):
    def raise_alarm(devices):
        for link, journal in devices[:3]:
            journal.alarms = 1
            link.wake(kinds.STREAM_ALARM)

    # Before the loss, while waiting for the first try, and late in a long outage: two seconds after the broker is back.
    for away_s, alarm_s in ((0.05, LOST_S - 1), (0.05, LOST_S + 0.5), (60.0, LOST_S + 62.0)):
        broker = live(away_s, 7, monkeypatch, LOST_S + away_s + 10, [(alarm_s, raise_alarm)])
        back_s = max(alarm_s, LOST_S + away_s)
        for number in range(3):
            knocks = [t_s for t_s, device in broker.knocks if device == number and t_s >= back_s]
            came_before = [t_s for t_s, device in broker.knocks if device == number and LOST_S + away_s <= t_s < back_s]
            assert came_before or knocks[0] <= back_s + ALARM_S


def test_an_alarm_in_a_long_outage_is_no_reason_to_knock_more_than_once_more(monkeypatch):
    def raise_alarm(devices):
        for link, journal in devices:
            journal.alarms = 1
            link.wake(kinds.STREAM_ALARM)

    broker = live(150.0, 7, monkeypatch, LOST_S + 150, [(LOST_S + 60, raise_alarm)])
    for number in range(DEVICES):
        after = [t_s for t_s, device in broker.knocks if device == number and t_s >= LOST_S + 60]
        assert after[0] <= LOST_S + 60 + ALARM_S
        assert sum(t_s < LOST_S + 64 for t_s in after) <= 2  # its own turn may have just come
    assert broker.busiest_second(LOST_S + 62) <= MOST_A_SECOND


def test_pauses_grow_from_two_seconds_to_45_and_no_further(monkeypatch):
    broker = live(200.0, 3, monkeypatch, LOST_S + 200)
    for number in range(0, DEVICES, 10):
        times = [LOST_S, *(t_s for t_s, device in broker.knocks if device == number and t_s >= LOST_S)]
        pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert min(pauses) >= 2.0
        assert max(pauses) <= LONGEST_PAUSE_S + 1
        assert max(pauses[-3:]) > 15


def first_knocks(broker):
    first: dict[int, float] = {}
    for t_s, number in broker.knocks:
        first.setdefault(number, t_s)
    return [first[number] for number in range(DEVICES)]


def test_devices_that_get_their_power_back_together_connect_one_after_the_other_within_three_seconds(monkeypatch):
    broker = live(0.0, 5, monkeypatch, POWER_S, powered_up=True)
    assert len(broker.connected) == DEVICES
    assert broker.busiest_second(0.0) <= MOST_A_SECOND
    again = live(0.0, 5, monkeypatch, POWER_S)  # a restart alone is no reason to wait
    assert max(first_knocks(again)) == 0.0


def test_after_power_up_an_alarm_that_is_open_or_raised_meanwhile_does_not_wait_for_the_others(monkeypatch):
    def raise_alarm(devices):
        for link, journal in devices:
            journal.alarms = 1
            link.wake(kinds.STREAM_ALARM)

    knocks = first_knocks(live(0.0, 5, monkeypatch, POWER_S, powered_up=True, owing=3))
    assert knocks[:3] == [0.0, 0.0, 0.0]
    assert max(knocks) > 2.0
    knocks = first_knocks(live(0.0, 5, monkeypatch, POWER_S, [(1.1, raise_alarm)], powered_up=True))
    assert 1.1 < max(knocks) <= 1.1 + AT_ONCE_S
