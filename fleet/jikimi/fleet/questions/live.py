"""What pages and live views may show, at each moment: a signature counts within half a second.

Alarms of the last day are shown whatever is agreed on, because help may be under way; so is what devices say of
themselves, without naming them. Everything else is for hazard reduction, and older alarms for incident review.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from jikimi.fleet import aggregate
from jikimi.fleet.aggregate.live import LiveRule, is_alarm
from jikimi.fleet.agreement.terms import HAZARDS, INCIDENTS
from jikimi.fleet.errors import AgreementError
from jikimi.fleet.questions.permit import NOT_GENUINE, Book, Permit, PermittedCells, RefusedError, permit_of
from jikimi.fleet.store import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jikimi.fleet.agreement.chain import Link
    from jikimi.fleet.store import NearMissCell, RecordRow, Store

_FRESH_S: Final = 0.5  # for how long what was read of the agreement is used again
_RESCUE_MS: Final = 86_400_000
_CARE: Final = "device"


class LiveView:
    """The store as a live view may see it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._book = Book(store)
        self._read_s: float | None = None
        self._link: Link | None = None
        self._hazards: Permit | None = None
        self._incidents: Permit | None = None
        self._refusal = ""
        self._rule: LiveRule | None = None

    @property
    def agreement(self) -> Link | None:
        """The agreement in force; None: there is none, or none that is genuine."""
        self._refresh()
        return self._link

    @property
    def refusal(self) -> str:
        """Why near misses are not shown, a code of `permit`; "" where they are."""
        self._refresh()
        return self._refusal

    @property
    def group_min(self) -> int:
        """How many people must be behind a number."""
        self._refresh()
        return aggregate.GROUP_MIN if self._hazards is None else self._hazards.group_min

    def near_misses_by_zone_hour(self, since_ms: int = 0) -> list[aggregate.ZoneHour]:
        """Cells by hour and zone, from the hour around `since_ms` on; none where they are refused."""
        cells = self._cells()
        return [] if cells is None else aggregate.near_misses_by_zone_hour(cells, since_ms, self.group_min)

    def near_misses_by_machine(self, since_ms: int = 0) -> list[aggregate.Machine]:
        """Machines in the order of their ids; none where they are refused."""
        cells = self._cells()
        return [] if cells is None else aggregate.near_misses_by_machine(cells, since_ms, self.group_min)

    def recent(self, limit: int) -> list[RecordRow]:
        """What may be shown of the `limit` records stored last, newest first."""
        return list(self._shown(self._store.recent_records(limit)))

    def after(self, after_id: int) -> tuple[list[RecordRow], int, int]:
        """What may be shown of the records stored after `after_id`; how many there are in all, and the last id."""
        rows = self._store.records_after(after_id)
        return list(self._shown(rows)), len(rows), rows[-1].id if rows else after_id

    def follow(self, after_id: int) -> Iterator[RecordRow]:
        """What may be shown of the records stored after `after_id`, and of those to come, for ever."""
        return self._shown(self._store.follow(after_id))

    def note(self, who: str, question: str, n_rows: int | None) -> None:
        """Note in the audit log that `who` looks; what is not noted must not be shown. StoreError."""
        outcome = f"refused: {self.refusal}" if self.refusal else "answered"
        self._store.note(AuditEntry(who, HAZARDS, question, outcome, n_rows), time.time_ns() // 1_000_000)

    def _shown(self, rows: Iterable[RecordRow]) -> Iterator[RecordRow]:
        for row in rows:
            self._refresh()
            if is_alarm(row):
                if self._is_of_now(row) or _covers(self._incidents, row):
                    yield row
            elif self._rule is not None and (row.category == _CARE or _covers(self._hazards, row)):
                yield self._rule.shown(row)

    def _is_of_now(self, row: RecordRow) -> bool:
        return time.time_ns() // 1_000_000 - row.recv_ms <= _RESCUE_MS

    def _cells(self) -> PermittedCells | None:
        self._refresh()
        # Records may be covered where near misses are not.
        return None if self._refusal or self._hazards is None else PermittedCells(self._store, self._hazards)

    def _refresh(self) -> None:
        now_s = time.monotonic()
        if self._read_s is not None and now_s - self._read_s <= _FRESH_S:
            return
        try:
            link, self._refusal = self._book.in_force(), ""
        except AgreementError:
            link, self._refusal = None, NOT_GENUINE
        if self._rule is None or link is not self._link:
            self._apply(link)
        if not self._refusal:
            self._refusal = _refusal(link)
        self._link, self._read_s = link, now_s

    def _apply(self, link: Link | None) -> None:
        self._hazards, self._incidents = _permit(link, HAZARDS), _permit(link, INCIDENTS)
        if self._hazards is None:
            self._rule = LiveRule(_NoCells())
        else:
            self._rule = LiveRule(PermittedCells(self._store, self._hazards), self._hazards.group_min)


class _NoCells:
    """Near misses where none may be seen."""

    def near_miss_cells(self, since_ms: int = 0) -> list[NearMissCell]:  # noqa: ARG002, the interface of Cells
        return []


def _permit(link: Link | None, purpose: str) -> Permit | None:
    try:
        return permit_of(link, purpose)
    except RefusedError:
        return None


def _refusal(link: Link | None) -> str:
    """Why near misses may not be shown."""
    try:
        permit_of(link, HAZARDS, "proximity")
    except RefusedError as error:
        return error.code
    return ""


def _covers(permit: Permit | None, row: RecordRow) -> bool:
    return permit is not None and row.category in permit.categories and row.zone not in permit.hidden_zones
