"""The medium between boards: BLE adverts and scans, and UWB exchanges.

Every advert is judged anew for every board that listens: was its receiver open, did the two radios of that board
collide, and what does `Channel` say about the path.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jikimi.fleet.virtual.chips.ryuw122 import EXCHANGE_S, Ryuw122

if TYPE_CHECKING:
    from jikimi.fleet.virtual.world import Channel

ADV_DELAY_MAX_S = 0.010  # Bluetooth core specification 6.B.4.4.2.2.1: 0–10 ms on top of each interval
COEXISTENCE_LOSS = 0.05  # the one antenna is with Wi-Fi for a few percent of the time
_MIN_INTERVAL_S = 0.020
ADDRESS_RANDOM = 1

Report = Callable[[bytes, int, int, bytes], None]  # address, advert type, RSSI dBm, data


@dataclass
class Scan:
    """An open receiver."""

    report: Report
    done: Callable[[], None]
    start_s: float
    interval_s: float
    window_s: float
    end_s: float | None  # None: until stopped

    def open_at(self, t_s: float) -> bool:
        """Whether the receiver listens at `t_s`; the scanner changes its channel each interval."""
        if self.end_s is not None and t_s >= self.end_s:
            return False
        return (t_s - self.start_s) % self.interval_s < self.window_s


@dataclass
class Station:
    """One board's BLE controller."""

    name: str
    address: bytes
    advert_task: asyncio.Task[None] | None = None
    scan: Scan | None = None
    scan_end: asyncio.TimerHandle | None = None
    sent: int = 0
    heard: int = field(default=0)


class Air:
    """The BLE medium; runs in the world's event loop."""

    def __init__(self, channel: Channel, now: Callable[[], float], seed: int = 0) -> None:
        self._channel = channel
        self._now = now
        self._rng = random.Random(seed)
        self._stations: dict[str, Station] = {}

    def station(self, name: str) -> Station:
        """The controller of a board, made on first use with a random static address."""
        if name not in self._stations:
            self._stations[name] = Station(name, self.random_address(0xC0))
        return self._stations[name]

    def random_address(self, top_bits: int) -> bytes:
        """A random device address of the kind the two top bits say (core specification 6.B.1.3.2)."""
        raw = bytearray(self._rng.randbytes(6))
        raw[0] = raw[0] & 0x3F | top_bits
        return bytes(raw)

    def advertise(self, name: str, interval_s: float, advert_type: int, data: bytes) -> None:
        """Start sending `data`, replacing what was sent before."""
        self.stop_advertising(name)
        station = self.station(name)
        send = self._send_for_ever(station, max(interval_s, _MIN_INTERVAL_S), advert_type, data)
        station.advert_task = asyncio.get_running_loop().create_task(send)
        station.advert_task.add_done_callback(_report_failure)

    def stop_advertising(self, name: str) -> None:
        """Stop sending; nothing when there is nothing to stop."""
        station = self.station(name)
        if station.advert_task is not None:
            station.advert_task.cancel()
            station.advert_task = None

    def scan(
        self,
        name: str,
        duration_s: float | None,
        interval_s: float,
        window_s: float,
        report: Report,
        done: Callable[[], None],
    ) -> None:
        """Open the receiver for `window_s` of every `interval_s`."""
        self.stop_scan(name)
        station, now = self.station(name), self._now()
        end_s = None if duration_s is None else now + duration_s
        station.scan = Scan(report, done, now, interval_s, min(window_s, interval_s), end_s)
        if duration_s is not None:
            station.scan_end = asyncio.get_running_loop().call_later(duration_s, self.stop_scan, name)

    def stop_scan(self, name: str) -> None:
        """Close the receiver and say so to the board; nothing when it is closed."""
        station = self.station(name)
        if station.scan_end is not None:
            station.scan_end.cancel()
            station.scan_end = None
        scan, station.scan = station.scan, None
        if scan is not None:
            scan.done()

    def silence(self, name: str) -> None:
        """The board is off or being reset."""
        self.stop_advertising(name)
        self.station(name).scan = None  # no farewell: there is nobody to hear it
        self.stop_scan(name)

    async def _send_for_ever(self, station: Station, interval_s: float, advert_type: int, data: bytes) -> None:
        due_s = self._now() + self._rng.random() * interval_s
        while True:
            await asyncio.sleep(max(0.0, due_s - self._now()))
            self.send_once(station.name, advert_type, data)
            # A late event loop delays the next advert as well: a controller never sends a burst to catch up.
            due_s = max(due_s, self._now() - interval_s) + interval_s + self._rng.random() * ADV_DELAY_MAX_S

    def send_once(self, name: str, advert_type: int, data: bytes) -> None:
        """One advert now, to whoever listens."""
        station = self.station(name)
        station.sent += 1
        now = self._now()
        for listener in self._stations.values():
            if listener is station or listener.scan is None or not listener.scan.open_at(now):
                continue
            if self._rng.random() < COEXISTENCE_LOSS:
                continue
            rssi = self._channel.rssi_dbm(station.name, listener.name, now)
            if rssi is not None:
                listener.heard += 1
                listener.scan.report(station.address, advert_type, round(max(-127.0, min(20.0, rssi))), data)


def _report_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        task.get_loop().call_exception_handler({"message": "an advert failed", "exception": error})


class UwbMedium:
    """Exchanges between UWB modules."""

    def __init__(self, channel: Channel, now: Callable[[], float]) -> None:
        self._channel = channel
        self._now = now
        self._modules: dict[Ryuw122, str] = {}
        self.pending = 0  # exchanges on the air

    def add(self, name: str, module: Ryuw122) -> None:
        """Put a board's module on the air."""
        self._modules[module] = name

    def exchange(self, anchor: Ryuw122, address: str, payload: bytes) -> None:
        """The anchor asks the tag at `address`; the answer comes later, or never."""
        self.pending += 1
        asyncio.get_running_loop().call_later(EXCHANGE_S, self._complete, anchor, address, payload)

    def _complete(self, anchor: Ryuw122, address: str, payload: bytes) -> None:
        self.pending -= 1
        tag = self._find(anchor, address)
        if tag is None or not anchor.works:
            return
        distance_m = self._channel.range_m(self._modules[anchor], self._modules[tag], self._now())
        if distance_m is not None:
            anchor.tag_answered(address, tag.tag_asked(payload), distance_m)

    def _find(self, anchor: Ryuw122, address: str) -> Ryuw122 | None:
        for module in self._modules:
            same_network = all(
                module.settings[name] == anchor.settings[name] for name in ("NETWORKID", "CHANNEL", "CPIN")
            )
            if module is not anchor and module.is_tag and module.address == address and same_network:
                return module
        return None
