# mypy: allow-untyped-calls
# ruff: noqa: ASYNC110 - the medium has no event to wait for; conditions are polled
"""BLE adverts and scans in the medium between boards."""

from __future__ import annotations

import asyncio

import pytest

from jikimi.fleet.virtual.radio import Air


class Everywhere:
    """Hears everything at -60 dBm, except what goes to a board in `deaf`."""

    def __init__(self, deaf=()):
        self.deaf = deaf
        self.asked = []

    def rssi_dbm(self, tx, rx, t_s):
        self.asked.append((tx, rx, t_s))
        return None if rx in self.deaf else -60.4

    def range_m(self, a, b, t_s):
        return None


class Clock:
    """Time that the test moves; the medium's tasks wait on it."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def heard(*, sends, interval_s=0.1, window_s=1.0, scan_interval_s=1.0, deaf=(), seed=1):
    """What a scanner reports of `sends` adverts spread over their intervals, without waiting for them."""
    channel, clock = Everywhere(deaf), Clock()
    air = Air(channel, clock, seed)
    got = []

    async def run():
        air.scan("rx", None, scan_interval_s, window_s, lambda *report: got.append(report), lambda: None)
        for _ in range(sends):
            air.send_once("tx", 3, b"data")
            clock.now_s += interval_s

    asyncio.run(run())
    return got, channel


def test_a_scanner_that_is_always_open_hears_nearly_every_advert_with_its_address_type_and_rounded_strength():
    got, _ = heard(sends=1000)
    assert 900 < len(got) < 1000  # the rest went to Wi-Fi, which shares the antenna
    address, kind, rssi, data = got[0]
    assert (len(address), kind, rssi, data) == (6, 3, -60, b"data")


@pytest.mark.parametrize("duty", [0.1, 0.3, 0.5])
def test_a_scanner_hears_the_share_of_adverts_its_window_is_of_its_interval(duty):
    got, _ = heard(sends=2000, interval_s=0.1037, scan_interval_s=0.1, window_s=0.1 * duty)
    assert len(got) / 2000 == pytest.approx(duty * 0.95, abs=0.05)


def test_the_channel_decides_for_each_advert_and_each_listener():
    got, channel = heard(sends=50, deaf=("rx",))
    assert got == []
    assert {(tx, rx) for tx, rx, _ in channel.asked} == {("tx", "rx")}


def test_the_sender_does_not_hear_itself_and_a_closed_receiver_is_not_asked():
    channel = Everywhere()
    air = Air(channel, Clock())

    async def run():
        air.scan("tx", None, 1.0, 1.0, lambda *_: pytest.fail("heard itself"), lambda: None)
        air.scan("rx", None, 1.0, 1.0, lambda *_: pytest.fail("closed"), lambda: None)
        air.stop_scan("rx")
        air.send_once("tx", 3, b"x")

    asyncio.run(run())
    assert channel.asked == []


def test_the_end_of_a_scan_is_told_once():
    ends = []

    async def run():
        loop = asyncio.get_running_loop()
        air = Air(Everywhere(), loop.time)
        air.scan("rx", 0.02, 0.01, 0.01, lambda *_: None, lambda: ends.append(loop.time()))
        async with asyncio.timeout(5):
            while not ends:
                await asyncio.sleep(0.001)
        air.stop_scan("rx")

    asyncio.run(run())
    assert len(ends) == 1


def test_adverts_go_on_at_their_interval_until_stopped_and_new_data_replace_the_old():
    got = []

    async def run():
        loop = asyncio.get_running_loop()
        air = Air(Everywhere(), loop.time)
        air.scan("rx", None, 1.0, 1.0, lambda *report: got.append(report[3]), lambda: None)
        air.advertise("tx", 0.02, 3, b"old")
        async with asyncio.timeout(5):
            while got.count(b"old") < 3:
                await asyncio.sleep(0.001)
            air.advertise("tx", 0.02, 3, b"new")
            while got.count(b"new") < 3:
                await asyncio.sleep(0.001)
        air.stop_advertising("tx")

    asyncio.run(run())
    assert got == sorted(got, reverse=True)  # all old ones, then all new ones


def test_a_board_that_is_switched_off_is_silent_and_deaf():
    async def run():
        loop = asyncio.get_running_loop()
        air = Air(Everywhere(), loop.time)
        air.scan("rx", None, 1.0, 1.0, lambda *_: pytest.fail("deaf"), lambda: pytest.fail("no farewell"))
        air.advertise("rx", 0.02, 3, b"x")
        air.silence("rx")
        air.send_once("tx", 3, b"y")
        assert air.station("rx").advert_task is None

    asyncio.run(run())


def test_random_addresses_say_their_kind_in_the_top_bits():
    air = Air(Everywhere(), Clock())
    assert {air.random_address(0xC0)[0] >> 6 for _ in range(50)} == {3}
    assert {air.random_address(0x00)[0] >> 6 for _ in range(50)} == {0}
