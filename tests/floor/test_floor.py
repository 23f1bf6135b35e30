"""The floor as a whole: who is where, what they feel, and the truth about it."""

from __future__ import annotations

import collections
import math
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from jikimi.fleet.errors import JikimiError
from jikimi.fleet.floor import MAX_MACHINES, Floor, default_plan
from jikimi.fleet.floor import workers as people
from jikimi.fleet.floor.truth import incursions

WORKERS = [f"d-tag{i}" for i in range(8)]
MACHINES = ["d-node0", "d-node1", "d-node2"]
SEEDS = range(5)


def _floor(
    seed: int = 1, workers: Sequence[str] = WORKERS, machines: Sequence[str] = MACHINES, recordings: Path | None = None
) -> Floor:
    crew = dict(zip(workers, people(len(workers), recordings, seed), strict=True))
    floor = Floor(default_plan(len(machines)), crew, machines, seed)
    floor.open(2.0)
    return floor


@pytest.fixture(params=SEEDS)
def floor(request: pytest.FixtureRequest) -> Floor:
    return _floor(request.param)


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    one, two, other = _floor(1), _floor(1), _floor(2)
    two.acted_falls(200.0)  # looking ahead changes nothing
    assert one.incursions(60.0) == two.incursions(60.0)
    assert one.acted_falls(60.0) == two.acted_falls(60.0)
    assert one.incursions(60.0) != other.incursions(60.0)
    for board in WORKERS:
        np.testing.assert_array_equal(
            one.bodies[board].samples(10.0, 1 / 104, 500), two.bodies[board].samples(10.0, 1 / 104, 500)
        )


def test_threads_that_look_ahead_at_the_same_time_see_the_run_that_one_thread_sees() -> None:
    """The chips ask in the world's thread, the account in another."""
    floor, alone = _floor(1), _floor(1)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(floor.acted_falls, [300.0] * 8))
    finally:
        sys.setswitchinterval(before)
    assert floor.acted_falls(300.0) == alone.acted_falls(300.0)
    assert floor.incursions(300.0) == alone.incursions(300.0)


def test_samples_do_not_depend_on_the_size_of_the_blocks(floor: Floor) -> None:
    body = floor.bodies[WORKERS[0]]
    dt = 1 / 104
    whole = body.samples(0.0, dt, 4000)
    parts = np.vstack([body.samples(i * dt * 40, dt, 40) for i in range(100)])
    np.testing.assert_allclose(whole, parts, atol=0.05)


def test_until_the_floor_opens_everybody_stands_still_at_the_start() -> None:
    floor = Floor(default_plan(3), dict(zip(WORKERS, people(8, None, 1), strict=True)), MACHINES, 1)
    place = floor.position(WORKERS[0], 0.0)
    values = floor.bodies[WORKERS[0]].samples(50.0, 1 / 104, 500)
    assert floor.position(WORKERS[0], 100.0) == place
    assert np.abs(np.linalg.norm(values[:, :3], axis=1) - 1).max() < 0.1
    floor.open(100.0)
    assert floor.position(WORKERS[0], 100.0) == place
    assert floor.acted_falls(100.0) == []
    assert len(floor.acted_falls(130.0)) >= 1


def test_people_walk_at_human_speeds_inside_the_hall(floor: Floor) -> None:
    times = np.arange(2.0, 122.0, 0.1)
    for board in WORKERS:
        places = np.array([floor.position(board, t) for t in times])
        speeds = np.linalg.norm(np.diff(places, axis=0), axis=1) / 0.1
        assert speeds.max() < 1.7
        assert (speeds < 0.01).mean() > 0.2  # people stop, work and fall
        assert places.min() > 0
        assert (places < [floor.plan.width, floor.plan.height]).all()


@pytest.mark.parametrize("crew", [8, 64])
def test_nobody_of_a_crew_is_still_for_long_enough_to_seem_lifeless(crew: int) -> None:
    names = [f"d-tag{i}" for i in range(crew)]
    floor = _floor(1, names)
    signs = {name: [2.0] for name in names}  # of life: a fall, or another place
    for fall in floor.acted_falls(200.0):
        signs[fall.board].append(fall.impact_s)
    places = [{name: floor.position(name, t_s) for name in names} for t_s in range(2, 200, 2)]
    for t_s, before, now in zip(range(4, 200, 2), places, places[1:], strict=False):
        for name in names:
            if math.dist(before[name], now[name]) > 0.1:
                signs[name].append(t_s)
    for times in signs.values():
        assert np.diff([*sorted(times), 200.0]).max() < 90.0


def test_nobody_starts_inside_a_warning_zone(floor: Floor) -> None:
    for board in WORKERS:
        for name, machine in zip(MACHINES, floor.plan.machines, strict=True):
            away = np.subtract(floor.position(board, 2.0), floor.position(name, 2.0))
            assert np.linalg.norm(away) > machine.warn


def test_a_run_of_a_minute_has_falls_with_quiet_after_each(floor: Floor) -> None:
    falls = floor.acted_falls(62.0)
    assert len(falls) >= 6
    for fall in falls:
        times = fall.impact_s + np.arange(1.5, 8.0, 0.5)
        places = np.array([floor.position(fall.board, t) for t in times])
        assert np.ptp(places, axis=0).max() == 0
        lying = floor.bodies[fall.board].samples(fall.impact_s + 1.5, 1 / 104, 600)
        assert np.linalg.norm(lying[:, :3], axis=1).max() < 1.3


@pytest.mark.parametrize("tags", [1, 3])
def test_a_short_run_of_few_tags_has_a_fall_too(tags: int) -> None:
    falls = _floor(workers=WORKERS[:tags]).acted_falls(2.0 + 15.0)
    assert len(falls) >= 1


def test_the_impact_is_the_peak_of_what_the_sensor_feels(floor: Floor) -> None:
    for fall in floor.acted_falls(62.0):
        values = floor.bodies[fall.board].samples(fall.impact_s - 3.0, 1 / 104, 6 * 104)
        peak = np.linalg.norm(values[:, :3], axis=1).argmax() / 104 - 3.0
        assert peak == pytest.approx(0, abs=0.05)


def test_five_different_workers_come_too_close_to_one_machine_in_a_minute(floor: Floor) -> None:
    crews: dict[str, set[str]] = collections.defaultdict(set)
    for incursion in floor.incursions(62.0):
        crews[incursion.machine].add(incursion.board)
    assert max(len(crew) for crew in crews.values()) >= 5


def test_some_incursions_reach_the_danger_zone_and_some_do_not() -> None:
    levels = [incursion.level for seed in SEEDS for incursion in _floor(seed).incursions(62.0)]
    assert {1, 2} == set(levels)


def test_the_truth_is_what_looking_at_every_position_gives() -> None:
    floor = _floor(3)
    step = 0.05
    times = np.arange(2.0, 62.0, step)
    for name, machine in zip(MACHINES, floor.plan.machines, strict=True):
        centre = np.array([floor.position(name, t) for t in times])
        for board in WORKERS:
            place = np.array([floor.position(board, t) for t in times])
            away = np.linalg.norm(place - centre, axis=1)
            told = [i for i in floor.incursions(62.0) if (i.board, i.machine) == (board, name)]
            covered = np.zeros(len(times), bool)
            for incursion in told:
                inside = (times > incursion.begin_s - step) & (times < incursion.end_s + step)
                covered |= inside
                assert away[inside].min() == pytest.approx(incursion.min_distance_m, abs=2 * step)
                assert incursion.level == (2 if incursion.min_distance_m < machine.danger else 1)
            assert (away[~covered] >= machine.warn).all()
            assert not covered.any() or (away[covered] < machine.warn).mean() > 0.8


def test_a_walk_straight_past_a_machine_is_one_incursion_of_known_length() -> None:
    times = np.arange(0.0, 20.0, 0.02)
    away = np.hypot(1.3 * times - 13.0, 2.0)  # 1.3 m/s on a line that passes the machine at 2 m
    (found,) = incursions("d-a", "d-m", times, away, 3.0, 1.5)
    half = np.sqrt(3.0**2 - 2.0**2) / 1.3
    assert found.begin_s == pytest.approx(10.0 - half, abs=0.03)
    assert found.dwell_s == pytest.approx(2 * half, abs=0.05)
    assert found.min_distance_m == pytest.approx(2.0, abs=1e-3)
    assert (found.level, found.complete) == (1, True)


def test_a_step_out_for_less_than_a_second_is_the_same_incursion() -> None:
    times = np.arange(0.0, 10.0, 0.02)
    away = np.where((times > 2) & (times < 8), 1.0, 9.0)
    away[(times > 4) & (times < 4.5)] = 9.0
    away[(times > 5) & (times < 6.5)] = 9.0
    assert [round(i.dwell_s, 1) for i in incursions("d-a", "d-m", times, away, 3.0, 1.5)] == [3.0, 1.5]


def test_the_plan_as_the_page_reads_it_names_every_machine_once() -> None:
    data = default_plan(3).to_json(MACHINES)
    assert (data["width_mm"], data["height_mm"]) == (40000, 24000)
    assert [m["device"] for m in data["machines"]] == MACHINES
    zones = {zone["name"] for zone in data["zones"]}
    assert {m["zone"] for m in data["machines"]} <= zones
    assert all(0 < m["danger_mm"] < m["warn_mm"] for m in data["machines"])


@pytest.mark.parametrize("count", [0, MAX_MACHINES + 1])
def test_a_hall_that_cannot_be_built_says_how_many_machines_fit(count: int) -> None:
    with pytest.raises(JikimiError, match=f"1 to {MAX_MACHINES} machines"):
        default_plan(count)


def test_recorded_people_fall_and_work_on_the_same_floor(npz_folder: Path) -> None:
    floor = _floor(workers=WORKERS[:2], recordings=npz_folder)
    (first, *_) = floor.acted_falls(40.0)
    values = floor.bodies[first.board].samples(first.impact_s - 1, 1 / 104, 208)
    assert np.linalg.norm(values[:, :3], axis=1).max() > 5


def test_getting_up_turns_the_trunk_at_about_one_g_and_the_gyroscope_feels_it() -> None:
    floor = _floor(1)
    rate = 104
    for fall in floor.acted_falls(62.0):
        body = floor.bodies[fall.board]
        values = body.samples(fall.impact_s, 1 / rate, 30 * rate)
        upright = values[:, 1] < -0.8
        up = int(np.flatnonzero(upright[rate:])[0]) + rate  # the first upright sample a second after the impact
        rising = values[up - 3 * rate : up]
        assert np.abs(np.linalg.norm(rising[:, :3], axis=1) - 1).max() < 0.1
        lying, risen = rising[:5, :3].mean(axis=0), rising[-5:, :3].mean(axis=0)
        angle = np.degrees(np.arccos(lying @ risen / np.linalg.norm(lying) / np.linalg.norm(risen)))
        assert np.linalg.norm(rising[:, 3:].sum(axis=0) / rate) == pytest.approx(angle, abs=10)


def test_a_margin_adds_those_who_came_near_and_widens_the_rest(floor: Floor) -> None:
    exact, wider = floor.incursions(62.0), floor.incursions(62.0, margin_m=0.5)
    for incursion in exact:
        same = [w for w in wider if (w.board, w.machine) == (incursion.board, incursion.machine)]
        assert any(w.begin_s <= incursion.begin_s and w.end_s >= incursion.end_s for w in same)
    assert sum(w.dwell_s for w in wider) > sum(i.dwell_s for i in exact)
