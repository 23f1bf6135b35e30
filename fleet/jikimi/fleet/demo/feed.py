"""The latest of the store, in words, while a run goes; it shows what any live view may show, and no more."""

from __future__ import annotations

from jikimi.fleet.moments import time_of_day
from jikimi.fleet.questions import LiveView
from jikimi.fleet.store import AlarmRow, RecordRow, Store

_QUIET = ("bends",)  # stored, but not news


class Feed:
    """Reads what is new since the last time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._view = LiveView(store)
        self._last = 0
        self.stored = 0
        self.near_misses: dict[str, int | None] = {}  # by device id of the machine node; None: too few people

    def news(self) -> list[str]:
        """A line for each record stored since the last call."""
        rows, stored, self._last = self._view.after(self._last)
        self.stored += stored
        if stored:
            self.near_misses = {cell.machine: cell.count for cell in self._view.near_misses_by_machine()}
        return [_line(row) for row in rows if row.kind not in _QUIET]

    def open_alarms(self) -> list[str]:
        """A line for each alarm neither acknowledged nor resolved, newest first."""
        return [_alarm(row) for row in self._store.open_alarms() if row.state == "open"]


def _alarm(row: AlarmRow) -> str:
    return f"{time_of_day(row.t_ms)} {_word(row.kind)} {row.name} ({row.zone})"


def _line(row: RecordRow) -> str:
    return f"{time_of_day(row.t_ms)}  {_word(row.kind):<13} {row.name:<12} {row.zone:<12} {_details(row)}".rstrip()


def _word(kind: str) -> str:
    return kind.upper() if kind == "fall" else kind.replace("_", " ")


def _details(row: RecordRow) -> str:
    parts = []
    if "level" in row.data:
        parts.append(f"{row.data['level']} zone")
    if isinstance(nearest := row.data.get("distance_mm"), int):
        parts.append(f"{nearest / 1000:.1f} m")
    if isinstance(dwell := row.data.get("dwell_ms"), int):
        parts.append(f"for {dwell / 1000:.1f} s")
    if row.kind == "fall" and isinstance(confidence := row.data.get("confidence_permille"), int):
        parts.append(f"confidence {confidence / 10:.0f} %")
    return ", ".join(parts)
