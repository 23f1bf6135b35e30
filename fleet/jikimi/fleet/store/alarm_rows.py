"""Rows of the table `alarm`, from the records that raise and end alarms, in whichever order they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from jikimi.fleet.store.batch import is_count
from jikimi.fleet.store.schema import alarm
from jikimi.fleet.store.upsert import insert
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jikimi.fleet.store.derive import Stored

RAISING: Final = (kinds.FALL, kinds.SOS, kinds.NO_MOTION, kinds.SENSOR_FAULT, kinds.LOW_BATTERY, kinds.CHECK_IN_MISSED)
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


def _raised(site: str, stored: Stored) -> dict[str, Any]:
    key, item = stored.message.key, stored.record
    identity = {"site": site, "device": key.device, "boot": key.boot, "seq": item.seq}
    return {**identity, "kind": item.kind, "zone": stored.zone, "t_ms": stored.t_ms}


def _ended(site: str, stored: Stored) -> dict[str, Any] | None:
    key, item = stored.message.key, stored.record
    seq, boot = item.data.get(kinds.REF_SEQ), item.data.get(kinds.REF_BOOT, key.boot)
    if not is_count(seq) or not is_count(boot):
        return None
    return {
        "site": site,
        "device": key.device,
        "boot": boot,
        "seq": seq,
        "resolved_ms": stored.t_ms,
        "resolved_boot": key.boot,
        "resolved_seq": item.seq,
        "resolved_why": _why(item.data.get(kinds.WHY)),
    }


def _why(code: object) -> str:
    return WHY.get(code, kinds.UNKNOWN) if isinstance(code, int) else kinds.UNKNOWN


def _raise(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert(connection, alarm)
    said = {name: statement.excluded[name] for name in ("kind", "zone", "t_ms")}
    connection.execute(statement.on_conflict_do_update(index_elements=_KEYS, set_=said), rows)


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
