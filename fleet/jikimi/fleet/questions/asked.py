"""Questions that are asked once; each is noted in the audit log, on the disk, before its answer is given."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from jikimi.fleet import aggregate, moments
from jikimi.fleet.agreement.terms import CAPACITY, HAZARDS, INCIDENTS
from jikimi.fleet.questions.permit import Book, Permit, PermittedCells, RefusedError
from jikimi.fleet.store import AuditEntry
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from jikimi.fleet.store import Activity, AlarmRow, Store

# The host's own alarms (a silent device, a message nobody can read) are about devices.
_CATEGORY: Final = {kinds.name(kind): kinds.category(kind) for kind in kinds.KINDS}
HOST: Final = "command line"  # who asks there; the accounts of a computer are persons, and are not noted
_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Answer(Generic[_Row]):
    """Rows, and by which leave."""

    rows: list[_Row]
    permit: Permit


class Questions:
    """What `who`, a role or a place, may ask. Each method raises RefusedError where the agreement does not cover it."""

    def __init__(self, store: Store, who: str = HOST) -> None:
        self._store = store
        self._who = who
        self._book = Book(store)

    def near_misses_by_zone_hour(self, since_ms: int) -> Answer[aggregate.ZoneHour]:
        """Cells by hour and zone, from the hour around `since_ms` on."""

        def work(permit: Permit) -> list[aggregate.ZoneHour]:
            return aggregate.near_misses_by_zone_hour(self._cells(permit), since_ms, permit.group_min)

        return self._ask(HAZARDS, ("proximity",), f"near misses by zone and hour since {_moment(since_ms)}", work)

    def near_misses_by_machine(self, since_ms: int) -> Answer[aggregate.Machine]:
        """Machines in the order of their ids, from the hour around `since_ms` on."""

        def work(permit: Permit) -> list[aggregate.Machine]:
            return aggregate.near_misses_by_machine(self._cells(permit), since_ms, permit.group_min)

        return self._ask(HAZARDS, ("proximity",), f"near misses by machine since {_moment(since_ms)}", work)

    def alarms(self) -> Answer[AlarmRow]:
        """All alarms, newest first, those that are over only of agreed categories and outside hidden zones."""

        def work(permit: Permit) -> list[AlarmRow]:
            return [row for row in self._store.alarms() if row.state != "resolved" or _covers(permit, row)]

        return self._ask(INCIDENTS, (), "alarms that are over", work)

    def activity(self, since_ms: int, until_ms: int) -> Answer[Activity]:
        """One row: what was recorded between two moments, without who, of the hours with enough tags."""

        def work(permit: Permit) -> list[Activity]:
            scope = (permit.categories, permit.hidden_zones)
            return [self._store.activity(since_ms, until_ms, permit.group_min, *scope)]

        return self._ask(CAPACITY, (), f"records from {_moment(since_ms)} until {_moment(until_ms)}, without who", work)

    def _cells(self, permit: Permit) -> PermittedCells:
        return PermittedCells(self._store, permit)

    def _ask(
        self, purpose: str, needs: tuple[str, ...], question: str, work: Callable[[Permit], list[_Row]]
    ) -> Answer[_Row]:
        try:
            permit = self._book.permit(purpose, *needs)
        except RefusedError as error:
            self._note(purpose, question, f"refused: {error.code}", 0)
            raise
        rows = work(permit)
        self._note(purpose, question, "answered", len(rows))
        return Answer(rows, permit)

    def _note(self, purpose: str, question: str, outcome: str, n_rows: int) -> None:
        self._store.note(AuditEntry(self._who, purpose, question, outcome, n_rows), time.time_ns() // 1_000_000)


def _moment(epoch_ms: int) -> str:
    found = moments.local(epoch_ms)
    return "?" if found is None else found.isoformat(" ", "minutes")


def _covers(permit: Permit, row: AlarmRow) -> bool:
    return _CATEGORY.get(row.kind, "device") in permit.categories and row.zone not in permit.hidden_zones
