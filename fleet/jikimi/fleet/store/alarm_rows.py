"""Rows of the table `alarm`, from the records that raise and end alarms, in whichever order they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from jikimi.fleet.store.batch import AlarmKey, is_count
from jikimi.fleet.store.schema import alarm
from jikimi.fleet.store.upsert import insert, overwriting
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jikimi.fleet.store.derive import Stored

RAISING: Final = (
    kinds.FALL,
    kinds.SOS,
    kinds.NO_MOTION,
    kinds.SENSOR_FAULT,
    kinds.LOW_BATTERY,
    kinds.CHECK_IN_MISSED,
    kinds.BATTERY_SHORT,
)
WHY: Final = {
    kinds.WHY_RECOVERED: "recovered",
    kinds.WHY_CANCELLED: "cancelled",
    kinds.WHY_RESTORED: "restored",
}
_KEYS = list(alarm.primary_key.columns)


def update(connection: sa.Connection, site: str, new: Iterable[Stored]) -> None:
    """Raise and end the alarms that `new` records speak of."""
    alarms = [stored for stored in new if stored.message.key.stream == kinds.STREAM_ALARM]
    _raise(connection, [_raised(site, stored) for stored in alarms if stored.record.kind in RAISING])
    ended = [_ended(site, stored) for stored in alarms if stored.record.kind == kinds.CLEARED]
    _end(connection, [row for row in ended if row is not None])
    asked = [_asked(site, stored) for stored in alarms if stored.record.kind == kinds.STILL_OPEN]
    _know(connection, [row for row in asked if row is not None])


def taken_on(connection: sa.Connection, site: str, new: Iterable[Stored]) -> tuple[AlarmKey, ...]:
    """Those alarms that devices among `new` ask about and a person has taken on already: they have not heard it."""
    asked = [_meant(stored) for stored in new if stored.record.kind == kinds.STILL_OPEN]
    keys = {key for key in asked if key is not None}
    if not keys:
        return ()
    columns = (alarm.c.device, alarm.c.boot, alarm.c.seq)
    known = alarm.c.acknowledged_ms.is_not(None) & sa.tuple_(*columns).in_(sorted(keys))
    return tuple(AlarmKey(*row) for row in connection.execute(sa.select(*columns).where(alarm.c.site == site, known)))


def _meant(stored: Stored) -> AlarmKey | None:
    """The alarm a record refers to; None when it names none of its device's own (boot 0 is the host's)."""
    key, data = stored.message.key, stored.record.data
    seq, boot = data.get(kinds.REF_SEQ), data.get(kinds.REF_BOOT, key.boot)
    return AlarmKey(key.device, boot, seq) if is_count(seq) and is_count(boot) and boot else None


def _asked(site: str, stored: Stored) -> dict[str, Any] | None:
    """The alarm of which a device says that it is still open, for the case that its own record was lost."""
    meant, data = _meant(stored), stored.record.data
    kind, waiting_ms = data.get(kinds.ALARM_KIND), data.get(kinds.WAITING_MS)
    if meant is None or kind not in RAISING or not is_count(waiting_ms):
        return None
    return {"site": site, **meant._asdict(), "kind": kind, "zone": stored.zone, "t_ms": stored.t_ms - waiting_ms}


def _know(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(connection, alarm).on_conflict_do_nothing(), rows)


def _raised(site: str, stored: Stored) -> dict[str, Any]:
    key, item = stored.message.key, stored.record
    identity = {"site": site, "device": key.device, "boot": key.boot, "seq": item.seq}
    return {**identity, "kind": item.kind, "zone": stored.zone, "t_ms": stored.t_ms}


def _ended(site: str, stored: Stored) -> dict[str, Any] | None:
    item, meant = stored.record, _meant(stored)
    if meant is None:
        return None
    return {
        "site": site,
        **meant._asdict(),
        "resolved_ms": stored.t_ms,
        "resolved_boot": stored.message.key.boot,
        "resolved_seq": item.seq,
        "resolved_why": _why(item.data.get(kinds.WHY)),
    }


def _why(code: object) -> str:
    return WHY.get(code, kinds.UNKNOWN) if isinstance(code, int) else kinds.UNKNOWN


def _raise(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(overwriting(connection, alarm, "kind", "zone", "t_ms"), rows)


def _end(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert(connection, alarm)
    offered = statement.excluded
    said = {name: offered[name] for name in ("resolved_ms", "resolved_boot", "resolved_seq", "resolved_why")}
    # The first ending counts: of several, the one with the lowest boot and seq, whichever arrived first.
    earlier = sa.or_(
        alarm.c.resolved_seq.is_(None),
        sa.tuple_(offered.resolved_boot, offered.resolved_seq) < sa.tuple_(alarm.c.resolved_boot, alarm.c.resolved_seq),
    )
    connection.execute(statement.on_conflict_do_update(index_elements=_KEYS, set_=said, where=earlier), rows)
