"""The parts of long runs: who lies still, who never falls, and that nothing else happens to them meanwhile."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from jikimi.fleet.floor import Cast, Floor, cast, default_plan
from jikimi.fleet.floor import workers as people
from jikimi.sigcore import FallDetector

RATE, BLOCK = 104, 13
OPENED_S = 2.0


def _floor(crew: int, seconds: float, seed: int = 1, recordings: Path | None = None) -> Floor:
    names = [f"d-tag{i}" for i in range(crew)]
    motions = dict(zip(names, people(crew, recordings, seed), strict=True))
    floor = Floor(default_plan(2), motions, ["d-node0", "d-node1"], seed, cast(crew, seconds))
    floor.open(OPENED_S)
    return floor


@pytest.mark.parametrize(
    ("crew", "seconds", "expected"),
    [
        (8, 60, Cast()),
        (8, 99, Cast()),
        (8, 100, Cast(7)),
        (1, math.inf, Cast(0)),
        (2, math.inf, Cast(1)),
        (8, 399, Cast(7)),
        (8, 400, Cast(7, 6)),
        (3, math.inf, Cast(2, 1)),
    ],
)
def test_the_length_of_the_run_and_the_crew_decide_which_parts_there_are(
    crew: int, seconds: float, expected: Cast
) -> None:
    assert cast(crew, seconds) == expected


def test_a_run_too_short_for_a_part_is_the_same_as_ever() -> None:
    plain = Floor(default_plan(2), dict(zip("abc", people(3, None, 1), strict=True)), ["m", "n"], 1)
    short = Floor(default_plan(2), dict(zip("abc", people(3, None, 1), strict=True)), ["m", "n"], 1, cast(3, 99))
    for floor in (plain, short):
        floor.open(OPENED_S)
    assert (short.rests(99.0), short.acted_falls(99.0)) == ([], plain.acted_falls(99.0))
    felt = [floor.bodies["c"].samples(5.0, 0.1, 900) for floor in (plain, short)]
    np.testing.assert_array_equal(felt[0], felt[1])


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("crew", [1, 2, 3, 16])
def test_nobody_falls_while_lying_still_and_the_lone_worker_never_does(crew: int, seed: int) -> None:
    floor = _floor(crew, math.inf, seed)
    (rest,) = floor.rests(300.0)
    falls = floor.acted_falls(700.0)
    own = [fall.impact_s for fall in falls if fall.board == rest.board]
    assert own
    assert min(own) > rest.end_s + 10
    assert floor.lone not in {fall.board for fall in falls}
    assert floor.lone != floor.resting


@pytest.mark.parametrize("seed", range(4))
def test_who_lies_still_lies_outside_every_zone(seed: int) -> None:
    floor = _floor(8, 100, seed)
    (rest,) = floor.rests(300.0)
    assert [i for i in floor.incursions(rest.end_s) if i.board == rest.board] == []


def _events(floor: Floor, board: str, seconds: int, no_motion_s: int) -> list[tuple[str, float]]:
    detector = FallDetector(RATE, no_motion_s=no_motion_s)
    found = []
    for i in range(seconds * RATE // BLOCK):
        block = floor.bodies[board].samples(i * BLOCK / RATE, 1 / RATE, BLOCK)
        found += detector.push(block[:, :3], block[:, 3:])
    return [(event.kind, event.t_s) for event in found if event.kind in ("fall", "no_motion")]


def _one_alarm_a_minute_after_lying_down(floor: Floor) -> None:
    (rest,) = floor.rests(300.0)
    ((kind, t_s),) = _events(floor, rest.board, 100, 60)
    assert kind == "no_motion"
    assert 60 <= t_s - rest.begin_s <= 70
    assert t_s < rest.end_s


@pytest.mark.parametrize("seed", range(4))
def test_lying_still_is_one_no_motion_alarm_and_no_fall(seed: int) -> None:
    _one_alarm_a_minute_after_lying_down(_floor(3, 100, seed))


@pytest.mark.parametrize("seed", range(2))
def test_lying_as_recorded_people_do_is_a_no_motion_alarm_too(sisfall: Path, seed: int) -> None:
    _one_alarm_a_minute_after_lying_down(_floor(3, 100, seed, sisfall))


@pytest.mark.parametrize("number", range(3))
def test_nobody_else_moves_so_little_that_it_would_be_an_alarm(number: int) -> None:
    floor = _floor(4, math.inf)
    assert "no_motion" not in dict(_events(floor, f"d-tag{number}", 150, 120))
