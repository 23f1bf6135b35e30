"""Queries for pages and commands; each takes a connection and the site's name and returns frozen rows."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from jikimi.fleet.store import host_alarms, schema
from jikimi.fleet.store.horizon import settled
from jikimi.fleet.store.names import named
from jikimi.fleet.store.order import by_id
from jikimi.fleet.store.rows import CLOCKS, AlarmRow, DeadLetterRow, DeviceRow, NearMissCell, RecordRow
from jikimi.fleet.store.times import event_time_ms
from jikimi.wire import kinds

_record, _alarm, _device, _status = schema.record.c, schema.alarm.c, schema.device.c, schema.device_status.c
_ack = schema.ack.c
_near, _group = schema.near_miss_hour.c, schema.near_miss_group.c


def records_after(connection: sa.Connection, site: str, after_id: int, limit: int) -> list[RecordRow]:
    """Records stored after the one with `after_id`, in order of storage."""
    query = (
        _settled(connection, _records(connection, site)).where(_record.id > after_id).order_by(_record.id).limit(limit)
    )
    return [_record_row(row) for row in connection.execute(query).mappings()]


def recent_records(connection: sa.Connection, site: str, limit: int) -> list[RecordRow]:
    """The records stored last, newest first."""
    query = _settled(connection, _records(connection, site)).order_by(_record.id.desc()).limit(limit)
    return [_record_row(row) for row in connection.execute(query).mappings()]


def last_id(connection: sa.Connection, site: str) -> int:
    """Id of the record stored last; 0 when there is none."""
    query = _settled(connection, sa.select(_record.id).where(by_id(connection, site)))
    return connection.execute(query.order_by(_record.id.desc()).limit(1)).scalar() or 0


def _settled(connection: sa.Connection, query: sa.Select[Any]) -> sa.Select[Any]:
    last = settled(connection)
    return query if last is None else query.where(_record.id <= last)


def _records(connection: sa.Connection, site: str) -> sa.Select[Any]:
    label = (_device.site == _record.site) & (_device.device == _record.device)
    sequence = (_ack.site == _record.site) & (_ack.device == _record.device) & (_ack.boot == _record.boot)
    sequence &= _ack.stream == _record.stream
    # Kinds this version does not know have no category, so nothing rules on them yet: shown to nobody.
    return (
        sa.select(schema.record, _device.name, _ack.host_epoch_ms)
        .select_from(schema.record.outerjoin(schema.device, label).outerjoin(schema.ack, sequence))
        .where(by_id(connection, site), _record.category != kinds.UNKNOWN)
    )


def _record_row(row: sa.RowMapping) -> RecordRow:
    return RecordRow(
        id=row["id"],
        t_ms=event_time_ms(row["boot_epoch_ms"], row["t_up_ms"], row["recv_ms"]),
        clock=CLOCKS[row["clock_quality"]],
        recv_ms=row["recv_ms"],
        host_t_ms=None if row["host_epoch_ms"] is None else row["host_epoch_ms"] + row["t_up_ms"],
        kind=kinds.name(row["kind"]),
        category=row["category"],
        device=row["device"],
        name=row["name"] or row["device"],
        zone=row["zone"],
        boot=row["boot"],
        stream=row["stream"],
        seq=row["seq"],
        data=named(row["body"]),
    )


def alarms(connection: sa.Connection, site: str, *, resolved: bool, limit: int) -> list[AlarmRow]:
    """Alarms not resolved yet, or with `resolved` all; newest first."""
    query = _alarms(site).order_by(_alarm.t_ms.desc(), _alarm.device, _alarm.seq).limit(limit)
    if not resolved:
        query = query.where(_alarm.resolved_ms.is_(None))
    return [_alarm_row(row) for row in connection.execute(query).mappings()]


def alarm(connection: sa.Connection, site: str, key: tuple[str, int, int]) -> AlarmRow | None:
    """The alarm of (device, boot, seq), or None."""
    query = _alarms(site).where(_alarm.device == key[0], _alarm.boot == key[1], _alarm.seq == key[2])
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _alarm_row(row)


def _alarms(site: str) -> sa.Select[Any]:
    label = (_device.site == _alarm.site) & (_device.device == _alarm.device)
    raised_by = (_record.site == _alarm.site) & (_record.device == _alarm.device) & (_record.boot == _alarm.boot)
    raised_by &= (_record.stream == kinds.STREAM_ALARM) & (_record.seq == _alarm.seq)
    return (
        sa.select(schema.alarm, _device.name, _record.body)
        .select_from(schema.alarm.outerjoin(schema.device, label).outerjoin(schema.record, raised_by))
        .where(_alarm.site == site, _alarm.kind.is_not(None))
    )


def _alarm_row(row: sa.RowMapping) -> AlarmRow:
    waiting = "open" if row["acknowledged_ms"] is None else "acknowledged"
    return AlarmRow(
        id=f"{row['device']}.{row['boot']}.{row['seq']}",
        kind=host_alarms.name(row["kind"]),
        device=row["device"],
        name=row["name"] or row["device"],
        zone=row["zone"],
        t_ms=row["t_ms"],
        state=waiting if row["resolved_ms"] is None else "resolved",
        acknowledged_ms=row["acknowledged_ms"],
        acknowledged_by=row["acknowledged_by"],
        resolved_ms=row["resolved_ms"],
        resolved_why=row["resolved_why"],
        silent=row["body"] is not None and bool(named(row["body"]).get("silent")),
    )


def devices(connection: sa.Connection, site: str) -> list[DeviceRow]:
    """All devices, revoked ones included, in the order they were added."""
    heard = (_status.site == _device.site) & (_status.device == _device.device)
    status = [column for column in schema.device_status.c if column.name not in ("site", "device")]
    query = (
        sa.select(schema.device, *status)
        .select_from(schema.device.outerjoin(schema.device_status, heard))
        .where(_device.site == site)
        .order_by(_device.created_ms, _device.device)
    )
    names = DeviceRow.__dataclass_fields__
    rows = connection.execute(query).mappings()
    return [DeviceRow(**{**{name: row[name] for name in names}, "online": bool(row["online"])}) for row in rows]


def near_miss_cells(connection: sa.Connection, site: str, since_ms: int) -> list[NearMissCell]:
    """Near misses by zone, machine and hour, of hours that begin at `since_ms` or later."""
    seen: dict[tuple[str, str, int], set[tuple[int, bytes]]] = defaultdict(set)
    who = sa.select(_group.zone, _group.machine, _group.hour_ms, _group.period, _group.ephemeral)
    for zone, machine, hour_ms, period, ephemeral in connection.execute(
        who.where(_group.site == site, _group.hour_ms >= since_ms)
    ):
        seen[zone, machine, hour_ms].add((period, bytes(ephemeral)))
    cells = (
        sa.select(_near.zone, _near.machine, _near.hour_ms, _near.count, _near.danger_count)
        .where(_near.site == site, _near.hour_ms >= since_ms)
        .order_by(_near.hour_ms, _near.zone, _near.machine)
    )
    return [
        NearMissCell(zone, machine, hour_ms, count, danger, frozenset(seen[zone, machine, hour_ms]))
        for zone, machine, hour_ms, count, danger in connection.execute(cells)
    ]


def dead_letters(connection: sa.Connection, site: str, limit: int, reason: str | None = None) -> list[DeadLetterRow]:
    """Messages that could not be stored, newest first; all, or those refused for `reason`."""
    letter = schema.dead_letter.c
    query = (
        sa.select(
            letter.digest,
            letter.topic,
            letter.payload,
            letter.reason,
            letter.count,
            letter.first_recv_ms,
            letter.recv_ms,
        )
        .where(letter.site == site)
        .order_by(letter.recv_ms.desc(), letter.digest)
        .limit(limit)
    )
    if reason is not None:
        query = query.where(letter.reason == reason)
    return [DeadLetterRow(row[0].hex(), *row[1:]) for row in connection.execute(query)]
