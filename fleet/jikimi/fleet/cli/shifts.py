"""Shifts: spans of local time between the times of day at which they begin."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def spans(
    starts: Sequence[datetime.time], since_ms: int | None, until_ms: int | None, now_ms: int
) -> list[tuple[int, int | None]]:
    """The shifts (from, to; ms since 1970 UTC) between two moments, cut off there; `to` None: not over yet.

    `since_ms` None: the shift that runs at the end; `until_ms` None: up to `now_ms`.
    """
    end_ms = now_ms if until_ms is None else min(until_ms, now_ms)
    first_ms = since_ms if since_ms is not None else _starts_around(starts, end_ms, end_ms)[0]
    cuts = [first_ms, *(cut for cut in _starts_around(starts, first_ms, end_ms) if first_ms < cut < end_ms)]
    ends: list[int | None] = [*cuts[1:], None if end_ms == now_ms else end_ms]
    return list(zip(cuts, ends, strict=True))


def _starts_around(starts: Sequence[datetime.time], first_ms: int, last_ms: int) -> list[int]:
    """Beginnings of shifts from the last one at or before `first_ms` to the last one at or before `last_ms`."""
    day = datetime.datetime.fromtimestamp(first_ms / 1000).astimezone().date() - datetime.timedelta(days=1)
    found: list[int] = []
    while True:
        for start in starts:
            # The day's own offset from UTC: clocks change.
            at_ms = int(datetime.datetime.combine(day, start).astimezone().timestamp() * 1000)
            if at_ms > last_ms:
                return found
            if at_ms <= first_ms:
                found = [at_ms]
            else:
                found.append(at_ms)
        day += datetime.timedelta(days=1)
