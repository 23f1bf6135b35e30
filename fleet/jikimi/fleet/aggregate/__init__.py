"""Near misses by zone and hour and by machine, with a minimum group size.

Nothing is shown that fewer than `group_min` people are behind, and no shown numbers can be subtracted from each other
to learn what is withheld: everything printed is a sum of *atoms*, whatever the report and whatever its start. An atom
is the near misses of one machine, zone and hour, if its group is of GROUP_MIN; else those of all the machines of that
zone and hour which are too few alone. It is shown if its group is of `group_min`. So a larger minimum hides whole atoms
and makes no new ones: or else two reports, before and after the minimum was changed, would differ by a smaller group.

The size of a group is a lower bound: the largest number of distinct ephemeral ids within one rotation period.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from jikimi.fleet.store import hour_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jikimi.fleet.store import NearMissCell

GROUP_MIN: Final = 5  # people; a site may ask for more, never for fewer


class Cells(Protocol):
    """What is needed of `jikimi.fleet.store.Store`."""

    def near_miss_cells(self, since_ms: int = 0) -> list[NearMissCell]:
        """Near misses by zone, machine and hour, of hours that begin at `since_ms` or later."""


@dataclass(frozen=True)
class ZoneHour:
    """Near misses of a zone in the hour from `hour_ms`; None: too few people. `partial`: some are withheld."""

    zone: str
    hour_ms: int
    count: int | None
    danger_count: int | None
    partial: bool


@dataclass(frozen=True)
class Machine:
    """Near misses of a machine; None: too few people. `partial`: those of some hours are withheld."""

    machine: str
    count: int | None
    danger_count: int | None
    partial: bool


class _Atom(NamedTuple):
    """Some cells of one zone and hour, and whether their common group is large enough to be shown."""

    cells: tuple[NearMissCell, ...]
    shown: bool


def near_misses_by_zone_hour(store: Cells, since_ms: int = 0, group_min: int = GROUP_MIN) -> list[ZoneHour]:
    """Cells by hour and zone, from the hour around `since_ms` on."""
    found: dict[tuple[int, str], list[_Atom]] = defaultdict(list)
    for atom in _atoms(store.near_miss_cells(hour_of(since_ms)), group_min):
        found[atom.cells[0].hour_ms, atom.cells[0].zone].append(atom)
    return [ZoneHour(zone, hour_ms, *_sums(atoms)) for (hour_ms, zone), atoms in sorted(found.items())]


def near_misses_by_machine(store: Cells, since_ms: int = 0, group_min: int = GROUP_MIN) -> list[Machine]:
    """Machines in the order of their ids, from the hour around `since_ms` on."""
    found: dict[str, list[_Atom]] = defaultdict(list)
    for atom in _atoms(store.near_miss_cells(hour_of(since_ms)), group_min):
        for cell in atom.cells:
            # A machine's part of a common atom must not be told apart.
            found[cell.machine].append(_Atom((cell,), atom.shown and len(atom.cells) == 1))
    return [Machine(machine, *_sums(atoms)) for machine, atoms in sorted(found.items())]


def shown_machines(store: Cells, hour_ms: int, group_min: int = GROUP_MIN) -> frozenset[str]:
    """The machines whose near misses of the hour from `hour_ms` are shown on their own."""
    atoms = _atoms((cell for cell in store.near_miss_cells(hour_ms) if cell.hour_ms == hour_ms), group_min)
    return frozenset(atom.cells[0].machine for atom in atoms if atom.shown and len(atom.cells) == 1)


def _atoms(cells: Iterable[NearMissCell], group_min: int) -> list[_Atom]:
    if group_min < GROUP_MIN:
        raise ValueError(f"the minimum group size is {GROUP_MIN} or more, not {group_min}")
    atoms: list[_Atom] = []
    too_few: dict[tuple[int, str], list[NearMissCell]] = defaultdict(list)
    for cell in cells:
        if (size := _group_size((cell,))) >= GROUP_MIN:
            atoms.append(_Atom((cell,), size >= group_min))
        else:
            too_few[cell.hour_ms, cell.zone].append(cell)
    pooled = (tuple(some) for some in too_few.values())
    return [*atoms, *(_Atom(some, _group_size(some) >= group_min) for some in pooled)]


def _group_size(cells: Iterable[NearMissCell]) -> int:
    """How many people at least are behind `cells`."""
    by_period: dict[int, set[bytes]] = defaultdict(set)
    for cell in cells:
        for period, ephemeral in cell.sightings:
            by_period[period].add(ephemeral)
    return max(map(len, by_period.values()), default=0)


def _sums(atoms: list[_Atom]) -> tuple[int | None, int | None, bool]:
    shown = [cell for atom in atoms if atom.shown for cell in atom.cells]
    partial = bool(shown) and not all(atom.shown for atom in atoms)
    if not shown:
        return None, None, partial
    return sum(cell.count for cell in shown), sum(cell.danger_count for cell in shown), partial
