"""Alarms that the host raises itself, in the table and the lists of all others.

Their boot is 0, which no device has, and their seq counts up for each device; of each kind one at most is open.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from jikimi.fleet.store.schema import alarm
from jikimi.fleet.store.upsert import insert
from jikimi.wire import kinds

BOOT: Final = 0
NO_SIGNAL: Final = 0x1_0001  # above the 16 bits of kinds on the wire
UNREADABLE: Final = 0x1_0002
_NAMES: Final = {NO_SIGNAL: "no_signal", UNREADABLE: "unreadable"}


def name(kind: int) -> str:
    """Name of a kind of alarm, a device's or the host's."""
    return _NAMES.get(kind) or kinds.name(kind)


def raise_alarm(connection: sa.Connection, site: str, device: str, kind: int, zone: str, t_ms: int) -> None:
    """Open an alarm of `kind` for `device`, unless one is open."""
    mine = (alarm.c.site == site) & (alarm.c.device == device) & (alarm.c.boot == BOOT)
    is_open = sa.exists().where(mine, alarm.c.kind == kind, alarm.c.resolved_ms.is_(None))
    last = sa.select(sa.func.coalesce(sa.func.max(alarm.c.seq), 0)).where(mine)
    seq, already = connection.execute(sa.select(last.scalar_subquery() + 1, is_open)).one()
    if already:
        return
    row = {"site": site, "device": device, "boot": BOOT, "seq": seq, "kind": kind, "zone": zone, "t_ms": t_ms}
    # Another writer may have opened it meanwhile.
    connection.execute(insert(connection, alarm).on_conflict_do_nothing(), row)


def end_alarm(connection: sa.Connection, site: str, device: str, kind: int, t_ms: int, why: str) -> None:
    """End the open alarm of `kind` for `device`, if there is one; `why` has at most 16 characters."""
    mine = (alarm.c.site == site) & (alarm.c.device == device) & (alarm.c.boot == BOOT) & (alarm.c.kind == kind)
    ended = {"resolved_ms": t_ms, "resolved_boot": BOOT, "resolved_seq": alarm.c.seq, "resolved_why": why}
    connection.execute(alarm.update().where(mine, alarm.c.resolved_ms.is_(None)).values(ended))


def end_seen(connection: sa.Connection, site: str, key: tuple[str, int, int], now_ms: int) -> None:
    """End an alarm that is over once somebody has looked: a message nobody can read says nothing more."""
    mine = (alarm.c.site == site) & (alarm.c.device == key[0]) & (alarm.c.boot == key[1]) & (alarm.c.seq == key[2])
    mine &= (alarm.c.kind == UNREADABLE) & alarm.c.resolved_ms.is_(None)
    ended = {"resolved_ms": now_ms, "resolved_boot": BOOT, "resolved_seq": alarm.c.seq, "resolved_why": "looked at"}
    connection.execute(alarm.update().where(mine).values(ended))
