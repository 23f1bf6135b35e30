"""A station that is busy with an attempt of its own, as an ESP32's after it has lost its network."""

# ruff: noqa: T201 - stdout is the result.

import asyncio
import json

from fake_time import FakePort

from jikimi.edge.wifi import Wifi


class Station:
    """It refuses to connect while it tries by itself, which succeeds at `found_ms`, if at all, or until it is off."""

    IF_STA = 0

    def __init__(self, here, found_ms):
        self.here, self.found_ms = here, found_ms
        self.busy, self.on, self.since_ms = True, True, None

    def __call__(self, _interface):
        return self

    def isconnected(self):
        own = self.busy and self.found_ms is not None and self.here.ms >= self.found_ms
        return own or (self.since_ms is not None and self.here.ms >= self.since_ms + 300)

    def active(self, on):
        self.on, self.busy = on, self.busy and on
        if not on:
            self.since_ms = None

    def connect(self, _ssid, _password):
        if self.busy:
            raise OSError("Wifi Internal Error")
        self.since_ms = self.here.ms


class Network:
    def __init__(self, station):
        self.WLAN = station


class Settings:
    ssid, password = "hall", None


async def attempts(found_ms):
    """How each of two attempts ended, and after how long."""
    here, told = FakePort(), []
    station = Station(here, None if found_ms is None else here.ms + found_ms)
    wifi = Wifi(Network(station), Settings, here)

    async def attempt():
        began_ms = here.ms
        try:
            await wifi.bring_up()
            told.append(["connected", here.ms - began_ms])
        except OSError:
            told.append(["failed", here.ms - began_ms])

    for _ in range(2):
        task = asyncio.create_task(attempt())
        await here.pass_ms(20_000)
        await task
    return told


async def main():
    return {"finds it": await attempts(4_000), "hangs": await attempts(None)}


print(json.dumps(asyncio.run(main())))
