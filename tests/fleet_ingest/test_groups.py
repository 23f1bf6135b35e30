"""No shown number has fewer than five people behind it, nor any difference of shown numbers."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jikimi.fleet.aggregate import Machine, ZoneHour, near_misses_by_machine, near_misses_by_zone_hour
from jikimi.fleet.store import NearMissCell
from tests.fleet_ingest.build import HOUR_MS, person

H1, H2 = HOUR_MS, HOUR_MS + 3_600_000
PERIOD_1, PERIOD_2 = H1 // 900_000, H2 // 900_000


class Cells:
    """Stands where the store stands."""

    def __init__(self, *cells: NearMissCell) -> None:
        self._cells = list(cells)

    def near_miss_cells(self, since_ms: int = 0) -> list[NearMissCell]:
        return [cell for cell in self._cells if cell.hour_ms >= since_ms]


def cell(machine: str, people: range, hour_ms: int = H1, count: int = 10, zone: str = "hall") -> NearMissCell:
    seen = frozenset((hour_ms // 900_000, person(number)) for number in people)
    return NearMissCell(zone, machine, hour_ms, count, 1, seen)


def zone_hours(*cells: NearMissCell, **options: int) -> dict[tuple[str, int], tuple[int | None, bool]]:
    found = near_misses_by_zone_hour(Cells(*cells), **options)
    return {(one.zone, one.hour_ms): (one.count, one.partial) for one in found}


def machines(*cells: NearMissCell, **options: int) -> dict[str, tuple[int | None, bool]]:
    return {one.machine: (one.count, one.partial) for one in near_misses_by_machine(Cells(*cells), **options)}


def test_four_people_are_too_few_and_five_are_enough():
    assert zone_hours(cell("m", range(4))) == {("hall", H1): (None, False)}
    assert zone_hours(cell("m", range(5))) == {("hall", H1): (10, False)}


def test_the_same_people_in_many_periods_stay_as_many_as_they_are():
    one_tag_each_period = frozenset((PERIOD_1 + n, person(n)) for n in range(4))
    assert zone_hours(NearMissCell("hall", "m", H1, 9, 0, one_tag_each_period)) == {("hall", H1): (None, False)}


def test_machines_too_few_alone_count_for_their_zone_together():
    cells = cell("m1", range(3)), cell("m2", range(3, 6))
    assert zone_hours(*cells) == {("hall", H1): (20, False)}
    assert machines(*cells) == {"m1": (None, False), "m2": (None, False)}


def test_a_small_rest_is_left_out_of_the_sum_of_its_zone():
    # Shown as 20, it would be found by taking away what is shown of m1.
    assert zone_hours(cell("m1", range(6)), cell("m2", range(2))) == {("hall", H1): (10, True)}


def test_a_small_hour_is_left_out_of_the_sum_of_its_machine():
    # Otherwise two reports with different starts would tell.
    hours = cell("m", range(2), H1), cell("m", range(6), H2)
    assert machines(*hours) == {"m": (10, True)}
    assert machines(*hours, since_ms=H2) == {"m": (10, False)}


def test_the_start_is_taken_to_the_hour():
    assert zone_hours(cell("m", range(5)), since_ms=H1 + 59 * 60_000) == {("hall", H1): (10, False)}


def test_a_site_may_ask_for_larger_groups_but_not_for_smaller_ones():
    assert zone_hours(cell("m", range(5)), group_min=6) == {("hall", H1): (None, False)}
    with pytest.raises(ValueError, match="5 or more"):
        zone_hours(cell("m", range(5)), group_min=4)


_CELLS = st.builds(
    lambda machine, hour, people: (machine, hour, frozenset(people)),
    st.sampled_from(["m1", "m2", "m3"]),
    st.sampled_from([H1, H2]),
    st.sets(st.integers(0, 9), min_size=1, max_size=8),
)


def test_a_larger_minimum_pools_no_machines_that_a_smaller_one_tells_apart():
    # Pooled, their sum of 20 less the 10 that were shown of m1 would be those of two people.
    cells = cell("m1", range(6)), cell("m2", range(6, 8))
    assert zone_hours(*cells) == {("hall", H1): (10, True)}
    assert zone_hours(*cells, group_min=8) == {("hall", H1): (None, False)}


@settings(max_examples=300, deadline=None)
@given(st.lists(_CELLS, min_size=1, max_size=6, unique_by=lambda cell: cell[:2]))
def test_nothing_that_can_be_computed_from_the_reports_has_fewer_than_five_people_behind_it(drawn):
    # Each cell's count is a power of two of its own, so that a number tells which cells it is made of.
    cells = [
        NearMissCell("hall", machine, hour, 1 << place, 0, frozenset((hour // 900_000, person(n)) for n in people))
        for place, (machine, hour, people) in enumerate(drawn)
    ]
    printed: list[ZoneHour | Machine] = []
    # A minimum may be changed by a new agreement: who kept the report of before compares.
    for since_ms, group_min in itertools.product((0, H1, H2), (5, 6, 8)):
        printed += near_misses_by_zone_hour(Cells(*cells), since_ms, group_min)
        printed += near_misses_by_machine(Cells(*cells), since_ms, group_min)
    shown = {one.count for one in printed if one.count is not None}
    parts = shown | {big & ~small for big, small in itertools.product(shown, shown) if big & small == small}
    for part in parts - {0}:
        people: dict[int, set[int]] = defaultdict(set)
        for place, (_, hour, who) in enumerate(drawn):
            if part >> place & 1:
                people[hour] |= who
        assert max(map(len, people.values())) >= 5, f"{part:b} of {drawn}"
