"""Keeps the newest snapshot of the store for all browsers."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jikimi.fleet.agreement import words
from jikimi.fleet.errors import StoreError
from jikimi.fleet.questions import LiveView
from jikimi.fleet.store import hour_of
from jikimi.fleet.web.details import detail
from jikimi.fleet.web.snapshot import (
    AgreementView,
    AlarmView,
    CellView,
    DeviceView,
    EventView,
    KindView,
    MachineView,
    Snapshot,
)

if TYPE_CHECKING:
    from jikimi.fleet.store import AlarmRow, Present, RecordRow, Store
    from jikimi.fleet.web.floor_plan import FloorPlan

# A new record is seen this soon; the question is one look at the end of an index.
_LOOK_S: Final = 0.05
# What has no record (a device that went silent, the clock) is read again this often.
_REFRESH_S: Final = 1.0
# Devices are read in a tenth of the time at most, however many there are; alarms do not wait for them.
_REST: Final = 9
_EVENTS: Final = 12
# On the page one by one; of a larger site, those that are missing come first.
_DEVICES: Final = 200
_HOURS: Final = 8
_HOUR_MS: Final = 3_600_000
_NOBODY_YET: Final = 0
_log = logging.getLogger(__name__)


class Live:
    """One reader of the store behind all browsers; `current` is replaced, never changed in place."""

    def __init__(self, store: Store, site: str, plan: FloorPlan) -> None:
        self._store = store
        self._plan = plan
        self._view = LiveView(store)
        self._noted_ms: dict[tuple[str, str, str], int] = {}
        self._last_id = -1
        self._read_s = 0.0
        self._changed = False
        self._devices_due_s = 0.0
        self.current = Snapshot(site, _now_ms(), plan.width_mm, plan.height_mm, _NOBODY_YET, zones=plan.zones)

    async def run(self) -> None:
        """Follow the store until cancelled; a database that fails is shown on the page and tried again."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except StoreError as error:
                _log.warning("%s", error)
                self.current = replace(self.current, now_ms=_now_ms(), problem=str(error))
                await asyncio.sleep(_REFRESH_S)
            await asyncio.sleep(_LOOK_S)

    def look(self) -> None:
        """Take a new snapshot if something was stored or a second has passed; StoreError.

        What a look costs because something was stored does not depend on the number of devices.
        """
        last_id = self._store.last_id()
        now_s = time.monotonic()
        if self._changed or last_id != self._last_id or now_s - self._read_s >= _REFRESH_S:
            self._changed = False
            self.current = self._read()
            self._last_id, self._read_s = last_id, now_s
        if now_s >= self._devices_due_s:
            self._read_devices(now_s)

    def look_soon(self) -> None:
        """What is stored has changed without a new record, as when an alarm is taken on: the next look reads it."""
        self._changed = True

    def note(self, who: str, question: str, every_ms: int = 0) -> bool:
        """Note in the audit log that `who` looks; False: it cannot be noted, so only what `withheld` leaves is shown.

        The same again within `every_ms` is one look.
        """
        key, now_ms = (who, question, self.current.refusal), _now_ms()
        if now_ms - self._noted_ms.get(key, -every_ms) < every_ms:
            return True
        try:
            self._view.note(who, question, len(self.current.near_misses) + len(self.current.events))
        except StoreError as error:
            _log.warning("a look at the page is not noted: %s", error)
            return False
        if every_ms:
            self._noted_ms[key] = now_ms
        return True

    def _agreement(self) -> AgreementView | None:
        link, known = self._view.agreement, self.current.agreement
        if link is None or link.in_force_ms is None:
            return None
        if known is not None and known.number == link.number:
            return known
        explained = {lang: words.explain(link, self.current.site, lang) for lang in words.LANGUAGES}
        return AgreementView(link.number, link.in_force_ms, words.purposes(link.terms), explained)

    def _read_devices(self, start_s: float) -> None:
        found = self._store.presence(_DEVICES)
        self.current = replace(
            self.current,
            kinds=tuple(KindView(*count) for count in found.counts),
            devices=tuple(_device(row) for row in found.devices),
            more_devices=found.more,
        )
        end_s = time.monotonic()
        self._devices_due_s = end_s + max(_REFRESH_S, _REST * (end_s - start_s))

    def _read(self) -> Snapshot:
        now_ms = _now_ms()
        since_ms = hour_of(now_ms) - (_HOURS - 1) * _HOUR_MS
        view = self._view
        counts = {m.machine: m.count for m in view.near_misses_by_machine(since_ms)}
        records = view.recent(_EVENTS * 4)
        return replace(
            self.current,
            now_ms=now_ms,
            problem="",
            group_min=view.group_min,
            agreement=self._agreement(),
            refusal=view.refusal,
            alarms=tuple(_alarm(row) for row in self._store.open_alarms(20)),
            events=tuple(_event(row) for row in records[:_EVENTS]),
            near_misses=tuple(
                CellView(cell.zone, cell.hour_ms, cell.count) for cell in view.near_misses_by_zone_hour(since_ms)
            ),
            machines=self._machines(counts, records),
        )

    def _machines(self, counts: dict[str, int | None], records: list[RecordRow]) -> tuple[MachineView, ...]:
        newest: dict[str, int] = {}
        for row in records:
            if row.kind == "near_miss" and row.device:
                newest.setdefault(row.device, row.t_ms)
        none = None if self._view.refusal else 0
        return tuple(
            MachineView(machine, counts.get(machine.device, none), newest.get(machine.device, 0))
            for machine in self._plan.machines
        )


def _device(row: Present) -> DeviceView:
    return DeviceView(row.device, row.kind, row.name, row.zone, row.state, row.online, row.battery_pct, row.docked)


def _alarm(row: AlarmRow) -> AlarmView:
    return AlarmView(
        id=row.id,
        device=row.device,
        name=row.name,
        kind=row.kind,
        zone=row.zone,
        t_ms=row.t_ms,
        state=row.state,
        silent=row.silent,
        taken_on_by=row.acknowledged_by,
        taken_on_ms=row.acknowledged_ms,
    )


def _event(row: RecordRow) -> EventView:
    return EventView(row.t_ms, row.recv_ms, row.kind, row.device, row.name, row.zone, detail(row))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
