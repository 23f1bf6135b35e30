# mypy: allow-untyped-calls
"""The gateway's radio over the real bleak and D-Bus, against a fake BlueZ."""

from __future__ import annotations

import asyncio
import time

import pytest
from bleak.backends.bluezdbus import manager

from jikimi.edge.gateway_ble import Ble
from jikimi.edge.radio import Radio
from jikimi.wire import radio as wire
from tests.gateway.fake_bluez import FakeBluez

PATIENCE_S = 60.0
TAG = wire.tag_advert(b"ephemera")
OURS = TAG[7:]  # what BlueZ calls the manufacturer's data
NODE = [wire.node_advert(b"abcd", 1, 30, 15, 0, [(b"ep", level)]) for level in (1, 2)]


async def until(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(0.01)


def ticks_ms():
    return time.monotonic_ns() // 1_000_000


def with_radio(play):
    """Run `play(radio)` with a started radio, and switch it off after it."""

    async def main():
        air = Radio(Ble(), ticks_ms)
        air.start()
        try:
            await play(air)
        finally:
            serving = air._ble._task
            air.stop()
            await asyncio.gather(*filter(None, [serving]), return_exceptions=True)
            await _leave_the_bus()

    asyncio.run(main())


async def _leave_the_bus():
    """Bleak keeps one connection for each event loop, and a program has one; here each test has one."""
    kept = manager._global_instances.pop(asyncio.get_running_loop(), None)
    if kept is not None and kept._bus is not None:
        kept._bus.disconnect()
        if kept._bus_watcher_task is not None:
            await asyncio.wait({kept._bus_watcher_task}, timeout=PATIENCE_S)


def test_a_tags_advert_is_heard_with_its_strength_as_on_a_chip(bluez):
    async def play(air):
        await until(lambda: bluez.discovering, "scanning")
        assert bluez.filters["DuplicateData"] is True
        assert bluez.filters["Transport"] == "le"
        bluez.hear("C0:00:00:00:00:01", -61, OURS)
        bluez.hear("C0:00:00:00:00:02", -40, b"\x02\x15 a beacon", company=0x004C)
        bluez.hear("C0:00:00:00:00:01", -59, OURS)  # the same again: every one counts
        heard = []

        def took():
            while (one := air.heard()) is not None:
                heard.append((one.rssi_dbm, bytes(one.payload())))
            return len(heard) >= 2

        await until(took, "both adverts")
        assert heard == [(-61, TAG), (-59, TAG)]

    with_radio(play)


def test_what_the_node_says_is_advertised_replaced_and_taken_back(bluez):
    async def play(air):
        air.advertise(NODE[0], 200_000)
        await until(lambda: bluez.said() == NODE[0][7:], "the first advert")
        properties = next(iter(bluez.adverts.values()))
        assert properties["Type"].value == "broadcast"
        assert (properties["MinInterval"].value, properties["MaxInterval"].value) == (200, 200)
        air.advertise(NODE[0], 200_000)
        air.advertise(NODE[1], 200_000)
        await until(lambda: bluez.said() == NODE[1][7:], "the second one")
        assert len(bluez.adverts) == 1
        assert bluez.history == [NODE[0][7:], NODE[1][7:]]

    with_radio(play)


def test_a_gateways_advert_is_understood_by_a_chip_although_it_has_no_flags():
    class Chip:
        def active(self, _on):
            pass

        def irq(self, handler):
            self.handler = handler

        def gap_scan(self, *_arguments):
            pass

    chip = Chip()
    air = Radio(chip, ticks_ms)
    air.start()
    bare = NODE[0][3:]
    chip.handler(5, (1, b"", 3, -70, bare))
    heard = air.heard()
    assert wire.parse_advert(heard.payload()) == wire.parse_advert(NODE[0])


async def fails(air):
    """What the radio raises, as its task sees it when it next advertises."""
    raised = []

    def failed():
        try:
            air.advertise(NODE[0], 200_000)
        except OSError as error:
            raised.append(str(error))
        return raised

    await until(failed, "an OSError")
    return raised[0]


def test_without_an_adapter_it_says_so(bus):
    fake = FakeBluez(bus, adapter=False)

    async def play(air):
        assert "no Bluetooth adapter" in await fails(air)

    try:
        with_radio(play)
    finally:
        fake.close()


def test_without_bluez_or_a_bus_it_is_an_oserror(bus, monkeypatch):
    async def play(air):
        assert "BlueZ" in await fails(air)

    with_radio(play)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    with_radio(play)


def test_an_adapter_that_is_off_is_an_oserror_and_works_once_it_is_on(bluez):
    bluez.refuse = "org.bluez.Error.NotReady"

    async def play(air):
        await fails(air)
        bluez.refuse = None
        air.start()  # as faults.keep does it
        air.advertise(NODE[1], 200_000)
        await until(lambda: bluez.discovering and bluez.said() == NODE[1][7:], "both again")

    with_radio(play)


@pytest.mark.parametrize("accident", ["close", "release"])
def test_a_daemon_that_ends_or_drops_the_advert_is_an_oserror(bluez, accident):
    async def play(air):
        air.advertise(NODE[0], 200_000)
        await until(lambda: bluez.said() is not None, "the advert")
        await asyncio.to_thread(getattr(bluez, accident))
        assert await fails(air)

    with_radio(play)


def test_switched_off_it_neither_scans_nor_advertises(bluez):
    async def play(air):
        air.advertise(NODE[0], 200_000)
        await until(lambda: bluez.discovering and bluez.said() is not None, "both")
        air.stop()
        await until(lambda: not bluez.discovering, "the end of the scan")

    with_radio(play)
