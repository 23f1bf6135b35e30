"""What a site's devices recorded in a span of time, without who: for profiles of a day.

Nothing that leads to a person goes out: no device, no data, no date. Hours in which fewer tags recorded than the
minimum group are left out whole, because a record that can only be one person's is about that person.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from jikimi.fleet.store.order import by_id, first_received_since
from jikimi.fleet.store.rows import Activity
from jikimi.fleet.store.schema import device, record
from jikimi.fleet.store.times import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Collection

_EARLY_MS = HOUR_MS  # a device's clock may be ahead of the host's by so much and its records still be found


def activity(
    connection: sa.Connection,
    site: str,
    since_ms: int,
    until_ms: int,
    group_min: int,
    categories: Collection[str],
    hidden_zones: Collection[str],
) -> Activity:
    """Records of event times from `since_ms` until before `until_ms`, of the hours with `group_min` tags at least."""
    span = _span(connection, site, since_ms, until_ms)
    span += [record.c.category.in_(categories), record.c.zone.not_in(hidden_zones)]
    tags, machines = defaultdict(set), set()
    for hour, name, kind in connection.execute(
        sa.select((_event_ms() - since_ms) // HOUR_MS, record.c.device, device.c.kind)
        .select_from(_joined())
        .where(*span)
        .distinct()
    ):
        if kind == "tag":
            tags[hour].add(name)
        else:
            machines.add(name)
    shown = {hour for hour, names in tags.items() if len(names) >= group_min}
    columns = (_event_ms() - since_ms, record.c.stream, record.c.kind, sa.func.length(record.c.body))
    rows, withheld = [], 0
    for t_ms, stream, kind, size in connection.execute(sa.select(*columns).select_from(_joined()).where(*span)):
        if t_ms // HOUR_MS in shown:
            rows.append((t_ms // 1000, stream, kind, size))
        else:
            withheld += 1
    everybody = set().union(*(tags[hour] for hour in shown))
    return Activity(len(everybody), len(machines), sorted(rows), withheld)


def _span(connection: sa.Connection, site: str, since_ms: int, until_ms: int) -> list[sa.ColumnElement[bool]]:
    first_id = first_received_since(connection, site, since_ms - _EARLY_MS)
    return [by_id(connection, site), record.c.id >= first_id, _event_ms() >= since_ms, _event_ms() < until_ms]


def _joined() -> sa.Join:
    return record.join(device, (device.c.site == record.c.site) & (device.c.device == record.c.device))


def _event_ms() -> sa.ColumnElement[Any]:
    return sa.func.coalesce(record.c.boot_epoch_ms + record.c.t_up_ms, record.c.recv_ms)
