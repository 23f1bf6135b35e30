"""Silent devices: an alarm of its own for each that should be heard and is not.

By state: a device that is in use and has not said that it is docked should be heard; one that is docked, or that is not
in use (any more), should not. The broker's last will is best effort, so silence is judged by time alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from jikimi.fleet.store.host_alarms import NO_SIGNAL, end_alarm, raise_alarm
from jikimi.fleet.store.schema import alarm, device, device_status

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACTIVE, _DOCKED = "active", "docked"


def judge(
    connection: sa.Connection, site: str, now_ms: int, limits_ms: Mapping[str, int], limit_ms: int, up_since_ms: int
) -> tuple[int, int]:
    """Raise and end alarms of silence; how many of each.

    Silent is what was not heard for its own of `limits_ms` (by device), or for `limit_ms` where none is known, although
    somebody has listened since `up_since_ms`.
    """
    is_open = _open(connection, site)
    raised = 0
    for name, zone, last_seen_ms in _expected(connection, site):
        if name not in is_open and max(last_seen_ms, up_since_ms) < now_ms - limits_ms.get(name, limit_ms):
            raise_alarm(connection, site, name, NO_SIGNAL, zone, last_seen_ms)
            raised += 1
    over = {name: why for name, why in is_open.items() if why is not None}
    for name, why in over.items():
        end_alarm(connection, site, name, NO_SIGNAL, now_ms, why)
    return raised, len(over)


def _expected(connection: sa.Connection, site: str) -> list[tuple[str, str, int]]:
    """Devices that should be heard, with their zone and when they were last heard."""
    same = (device_status.c.site == device.c.site) & (device_status.c.device == device.c.device)
    docked = device_status.c.status.is_not(None) & (device_status.c.status == _DOCKED)
    query = (
        sa.select(device.c.device, device.c.zone, device_status.c.last_seen_ms)
        .select_from(device.join(device_status, same))
        .where(device.c.site == site, device.c.state == _ACTIVE, ~docked, device_status.c.last_seen_ms.is_not(None))
        .order_by(device.c.device)
    )
    return [(name, zone, last_seen_ms) for name, zone, last_seen_ms in connection.execute(query)]


def _open(connection: sa.Connection, site: str) -> dict[str, str | None]:
    """Devices with an open alarm of silence, and why it is over; None: it is not."""
    same = (device.c.site == alarm.c.site) & (device.c.device == alarm.c.device)
    heard = (device_status.c.site == alarm.c.site) & (device_status.c.device == alarm.c.device)
    query = (
        sa.select(alarm.c.device, alarm.c.t_ms, device.c.state, device_status.c.status, device_status.c.last_seen_ms)
        .select_from(alarm.outerjoin(device, same).outerjoin(device_status, heard))
        .where(alarm.c.site == site, alarm.c.kind == NO_SIGNAL, alarm.c.resolved_ms.is_(None))
    )
    return {name: _over(*row) for name, *row in connection.execute(query)}


def _over(t_ms: int, state: str | None, status: str | None, last_seen_ms: int | None) -> str | None:
    if state != _ACTIVE:
        return state or "unknown"
    if status == _DOCKED:
        return _DOCKED
    return "heard" if last_seen_ms is not None and last_seen_ms > t_ms else None
