"""Device status: the last that was said about each device."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from jikimi.fleet.store.schema import device_status
from jikimi.fleet.store.upsert import insert_into, is_shared, overwriting

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from jikimi.fleet.store.batch import RecordMessage, StatusReport

_SAID = ("status", "reset_reason", "firmware", "config", "battery_pct", "heap_free_bytes", "journal_depth")
_RUNS = ("slot", "release", "trial", "failed_release", "failed_why")  # said together or not at all


def update(
    connection: sa.Connection,
    site: str,
    reports: Collection[StatusReport],
    messages: Collection[RecordMessage],
    active: Collection[str],
) -> None:
    """Apply `reports` in order, and that `messages` arrived; a device that is not `active` is never online."""
    _hear(connection, site, _heard_ms(reports, messages))
    if not reports:
        return
    # Their rows are there by now, and no other writer's.
    devices = {report.device for report in reports}
    mine = (device_status.c.site == site) & device_status.c.device.in_(devices)
    found = connection.execute(sa.select(device_status).where(mine)).mappings()
    rows = {row["device"]: dict(row) for row in found}
    for report in reports:
        row = rows[report.device]
        _apply(row, report)
        row["online"] = row["online"] and report.device in active
    changed = ("boot", "online", "birth_ms", *_SAID, *_RUNS)
    connection.execute(overwriting(connection, device_status, *changed), list(rows.values()))


def _heard_ms(reports: Iterable[StatusReport], messages: Iterable[RecordMessage]) -> dict[str, int | None]:
    """For each device when its last message came; None: it was only spoken of."""
    found: dict[str, int | None] = {report.device: None for report in reports}
    heard = [(report.device, report.source.recv_ms) for report in reports if report.heard]
    heard += [(message.key.device, message.source.recv_ms) for message in messages]
    for device, recv_ms in heard:
        found[device] = max(recv_ms, found.get(device) or 0)
    return found


def _hear(connection: sa.Connection, site: str, heard_ms: Mapping[str, int | None]) -> None:
    """Note that these devices were heard, in one statement and without asking what is there: most commits need no more.

    In the order of their keys, as all writers take rows, so that none waits for another that waits for it.
    """
    rows = [
        {"site": site, "device": device, "boot": 0, "online": False, "last_seen_ms": heard_ms[device]}
        for device in sorted(heard_ms)
    ]
    if rows:
        connection.execute(_hearing(is_shared(connection)), rows)


@functools.cache
def _hearing(shared: bool) -> Any:
    statement = insert_into(device_status, shared)
    said, known = statement.excluded.last_seen_ms, device_status.c.last_seen_ms
    later = sa.case((said > sa.func.coalesce(known, -1), said), else_=known)
    keys = list(device_status.primary_key.columns)
    return statement.on_conflict_do_update(index_elements=keys, set_={"last_seen_ms": later})


def _apply(row: dict[str, Any], report: StatusReport) -> None:
    # The last will of a connection may come after the birth of the next boot.
    if report.boot < row["boot"]:
        return
    row.update(boot=report.boot, online=report.online)
    row.update({name: getattr(report, name) for name in _SAID if getattr(report, name) is not None})
    if report.is_birth:
        row["birth_ms"] = max(row["birth_ms"] or 0, report.source.recv_ms)
    if report.slot is not None:
        row.update({name: getattr(report, name) for name in _RUNS})
