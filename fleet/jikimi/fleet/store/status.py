"""Device status: the last that was said about each device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jikimi.fleet.store.schema import device_status
from jikimi.fleet.store.upsert import insert, rows_for_update

if TYPE_CHECKING:
    from collections.abc import Collection

    import sqlalchemy as sa

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
    devices = {report.device for report in reports} | {message.key.device for message in messages}
    found = rows_for_update(connection, device_status, site, [(name,) for name in devices], lambda key: _new(key[0]))
    rows = {row["device"]: row for row in found}
    for message in messages:
        row = rows.setdefault(message.key.device, {"site": site, **_new(message.key.device)})
        _hear(row, message.source.recv_ms)
    for report in reports:
        row = rows.setdefault(report.device, {"site": site, **_new(report.device)})
        _apply(row, report)
        row["online"] = row["online"] and report.device in active
    _save(connection, list(rows.values()))


def _new(device: str) -> dict[str, Any]:
    said: dict[str, Any] = dict.fromkeys((*_SAID, *_RUNS))
    return {"device": device, "boot": 0, "online": False, "last_seen_ms": None, **said}


def _hear(row: dict[str, Any], heard_ms: int) -> None:
    row["last_seen_ms"] = max(heard_ms, row["last_seen_ms"] or 0)


def _apply(row: dict[str, Any], report: StatusReport) -> None:
    if report.heard:
        _hear(row, report.source.recv_ms)
    # The last will of a connection may come after the birth of the next boot.
    if report.boot < row["boot"]:
        return
    row.update(boot=report.boot, online=report.online)
    row.update({name: getattr(report, name) for name in _SAID if getattr(report, name) is not None})
    if report.slot is not None:
        row.update({name: getattr(report, name) for name in _RUNS})


def _save(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert(connection, device_status)
    keys = list(device_status.primary_key.columns)
    changed = {name: statement.excluded[name] for name in ("boot", "online", "last_seen_ms", *_SAID, *_RUNS)}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)
