"""What a live view may show of a record.

An alarm names its device, because somebody must go there. Nothing else may tell who: a near miss names its machine only
once the group behind the machine's hour is large enough to be counted, and any other record names no device at all,
so that counting lines gives away nothing that the reports withhold.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jikimi.fleet.aggregate import GROUP_MIN, shown_machines
from jikimi.fleet.store import hour_of
from jikimi.wire import kinds

if TYPE_CHECKING:
    from jikimi.fleet.aggregate import Cells
    from jikimi.fleet.store import RecordRow

WITHHELD: Final = "—"
_FRESH_S = 0.5  # for how long an answer about an hour is used again
# By kind and not by stream alone: in which stream a record travels is its device's choice.
_ALARMS: Final = frozenset(kinds.name(kind) for kind in kinds.KINDS if kinds.stream_of(kind) == kinds.STREAM_ALARM)


def is_alarm(row: RecordRow) -> bool:
    """Whether it is about an alarm, and came as one."""
    return row.stream == kinds.STREAM_ALARM and row.kind in _ALARMS


class LiveRule:
    """Applies the rule, asking the store at most twice a second for each hour."""

    def __init__(self, store: Cells, group_min: int = GROUP_MIN) -> None:
        self._store = store
        self._group_min = group_min
        self._known: dict[int, tuple[float, frozenset[str]]] = {}

    def shown(self, row: RecordRow) -> RecordRow:
        """`row` as it may be shown: itself, or without everything that leads to its device."""
        if is_alarm(row) or (row.kind == "near_miss" and row.device in self._machines(row.t_ms)):
            return row
        return replace(row, device="", name=WITHHELD, zone=WITHHELD, boot=0, seq=0, data={})

    def _machines(self, t_ms: int) -> frozenset[str]:
        hour_ms, now_s = hour_of(t_ms), time.monotonic()
        asked_s, machines = self._known.get(hour_ms, (0.0, frozenset()))
        if not asked_s or now_s - asked_s > _FRESH_S:
            machines = shown_machines(self._store, hour_ms, self._group_min)
            # Old answers go: devices may claim any hour, and a view stays open for months.
            self._known = {hour: known for hour, known in self._known.items() if now_s - known[0] <= _FRESH_S}
            self._known[hour_ms] = (now_s, machines)
        return machines
