"""Who is there, for the page: counted and chosen by the database, a hundredth of a second for 10,000 devices."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from jikimi.fleet.store.schema import device, device_status

_ACTIVE, _DOCKED = "active", "docked"


class KindCount(NamedTuple):
    """Of the active devices of one kind, how many are on line or docked, and how many there are."""

    kind: str
    up: int
    known: int


class Present(NamedTuple):
    """One device; `online` is what broker and device last said, `docked` that it said so itself and is off the air."""

    device: str
    kind: str
    name: str
    zone: str
    state: str
    online: bool
    docked: bool
    battery_pct: int | None


class Presence(NamedTuple):
    """The site's devices as counts, some of them one by one, and how many are left out there."""

    counts: tuple[KindCount, ...]
    devices: tuple[Present, ...]
    more: int


_HEARD: Final = (device_status.c.site == device.c.site) & (device_status.c.device == device.c.device)
_ONLINE: Final = sa.func.coalesce(device_status.c.online, sa.false())
_DOCKED_NOW: Final = sa.func.coalesce(device_status.c.status == _DOCKED, sa.false()) & ~_ONLINE
_UP: Final = _ONLINE | _DOCKED_NOW
_IN_USE: Final = device.c.state == _ACTIVE
_ALL: Final = device.outerjoin(device_status, _HEARD)


def presence(connection: sa.Connection, site: str, most: int) -> Presence:
    """All devices if there are at most `most`, else so many of them: those first that are missing, then those in use.

    In the order they were added.
    """
    counted = sa.select(
        device.c.kind, sa.func.count().filter(_IN_USE & _UP), sa.func.count().filter(_IN_USE), sa.func.count()
    )
    counted = counted.select_from(_ALL).where(device.c.site == site).group_by(device.c.kind).order_by(device.c.kind)
    kinds = connection.execute(counted).all()
    total = sum(n for *_, n in kinds)
    order: list[sa.ColumnElement[Any]] = [device.c.created_ms, device.c.device]
    if total > most:
        order.insert(0, sa.case((_IN_USE & ~_UP, 0), (_IN_USE, 1), else_=2))
    found = connection.execute(_devices().where(device.c.site == site).order_by(*order).limit(most))
    devices = tuple(Present._make(row) for row in found)
    counts = tuple(KindCount(kind, up, known) for kind, up, known, _ in kinds)
    return Presence(counts, devices, total - len(devices))


def _devices() -> sa.Select[tuple[str, str, str, str, str, bool, bool, int | None]]:
    known = device.c.device, device.c.kind, device.c.name, device.c.zone, device.c.state
    columns = *known, _ONLINE, _DOCKED_NOW, device_status.c.battery_pct
    return sa.select(*columns).select_from(_ALL)
