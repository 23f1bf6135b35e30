"""Zones: no flicker, never higher for being farther away; the separation distance of the standard."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jikimi.sigcore._sigcore import ffi, lib

from jikimi.sigcore import ZoneMonitor, block, protective_distance_m
from tests.native import reference_zone as reference
from tools import eval_zones
from tools.uwb_data import Ranges

TIMES = st.lists(st.integers(0, 3000), min_size=1, max_size=60)
DISTANCES = st.integers(-1, 12000)
MOTION = {
    "human_mm_s": st.integers(1, 10000),
    "machine_mm_s": st.integers(0, 30000),
    "reaction_ms": st.integers(0, 10000),
    "braking_mm_s2": st.integers(100, 20000),
    "intrusion_mm": st.integers(0, 5000),
    "human_error_mm": st.integers(0, 20000),
    "machine_error_mm": st.integers(0, 20000),
}


def levels(
    steps_and_distances: list[tuple[int, int]], zones: tuple[int, int, int, int] = (5000, 2500, 400, 1000)
) -> list[int]:
    state, t_ms, found = block.zone_new(*zones), 0, []
    for step_ms, distance_mm in steps_and_distances:
        t_ms += step_ms
        found.append(block.zone_push(state, t_ms, distance_mm))
    return found


@given(
    st.lists(st.tuples(st.integers(0, 3000), DISTANCES), max_size=80),
    st.integers(1, 6000),
    st.integers(0, 6000),
    st.integers(0, 2000),
    st.integers(0, 5000),
)
def test_levels_are_those_of_the_definition(walk, danger_mm, wider_mm, hysteresis_mm, hold_ms):
    zones = (danger_mm + wider_mm, danger_mm, hysteresis_mm, hold_ms)
    definition, t_ms, expected = reference.Zones(zones[:2], hysteresis_mm, hold_ms), 0, []
    for step_ms, distance_mm in walk:
        t_ms += step_ms
        expected.append(definition.push(t_ms, distance_mm))
    assert levels(walk, zones) == expected


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(5001, 5400)), max_size=80))
def test_a_distance_that_stays_inside_the_hysteresis_never_changes_the_level(walk):
    assert set(levels([(0, 5000), *walk])) == {1}
    assert set(levels(walk)) <= {0}


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 12000), st.integers(0, 5000)), max_size=80))
def test_a_larger_distance_never_gives_a_higher_level(walk):
    near = levels([(step, distance) for step, distance, _ in walk])
    far = levels([(step, distance + more) for step, distance, more in walk])
    assert all(b <= a for a, b in zip(near, far, strict=True))


def test_a_level_rises_at_once_and_falls_after_the_hold_time():
    zone = ZoneMonitor(5, 2.5, hysteresis_m=0.4, hold_s=1)
    walk = [(0, 6.0), (0.1, 4.9), (0.2, 2.5), (0.3, 2.95), (1.1, 2.95), (1.2, 2.95), (1.3, 9), (2.1, 9), (2.2, 9)]
    assert [zone.push(t_s, distance) for t_s, distance in walk] == [0, 1, 2, 2, 2, 1, 1, 1, 0]


def test_a_lost_distance_keeps_the_level_for_the_hold_time_only():
    zone = ZoneMonitor(5, 2.5, hold_s=2)
    assert [zone.push(0, 1.0), zone.push(1.9, None), zone.push(2.0, math.nan)] == [2, 2, 0]


@pytest.mark.parametrize(
    "zones", [(2500, 5000, 0, 0), (5000, 0, 0, 0), (100001, 1, 0, 0), (5, 1, -1, 0), (5, 1, 0, -1), (5, 1, 0, 60001)]
)
def test_zones_that_make_no_sense_are_refused(zones):
    state = ffi.new("sig_zone_t *")
    assert lib.sig_zone_init(state, ffi.new("sig_zone_config_t *", zones)) == lib.SIG_ERR_RANGE
    with pytest.raises(ValueError, match="range"):
        block.zone_new(*zones)
    with pytest.raises(ValueError, match="zones need"):
        ZoneMonitor(*(value / 1000 for value in zones))


def separation(motion: dict[str, int]) -> int:
    return block.separation_mm(*(motion[name] for name in MOTION))


@given(st.fixed_dictionaries(MOTION))
def test_the_separation_distance_is_the_formula_rounded_up(motion):
    exact = reference.separation_mm(**motion)
    # Three terms are rounded up, and the stopping time of up to 1 ms more is walked through as well.
    assert exact <= separation(motion) <= exact + 3 + motion["human_mm_s"] / 1000


@given(
    st.fixed_dictionaries(MOTION), st.sampled_from([n for n in MOTION if n != "braking_mm_s2"]), st.integers(1, 9000)
)
def test_more_speed_delay_or_error_never_needs_less_distance(motion, name, more):
    highest = {"machine_mm_s": 30000, "intrusion_mm": 5000, "human_error_mm": 20000, "machine_error_mm": 20000}
    worse = {**motion, name: min(motion[name] + more, highest.get(name, 10000))}
    assert separation(worse) >= separation(motion)


def test_the_separation_distance_of_a_worked_example():
    # 1.76 (1.6 m/s for 0.1 s + 1 s) + 0.1 (1 m/s for 0.1 s) + 0.5 (1 m/s braked at 1 m/s2) + 0.1 (ranging error)
    assert protective_distance_m(1.0, 0.1, 1.0, human_error_m=0.1) == 2.46
    assert block.separation_mm(0, 1000, 100, 1000, 0, 100, 0) == 2460


@pytest.mark.parametrize("change", [{"machine_m_s": 31}, {"reaction_s": -1}, {"braking_m_s2": 0}, {"human_m_s": 0},
                                    {"reaction_s": math.nan}, {"machine_error_m": math.inf}])  # fmt: skip
def test_motion_that_makes_no_sense_is_refused(change):
    with pytest.raises(ValueError, match=r"range|finite"):
        protective_distance_m(**{"machine_m_s": 1, "reaction_s": 0.1, "braking_m_s2": 1, **change})


def test_standing_on_the_line_ends_a_level_without_hysteresis_and_not_with_it():
    wavering = np.array([0, 60, -60, 80, -80, 40] * 20)
    n, none = len(wavering), np.zeros((len(wavering), 5), dtype=np.int64)
    r = Ranges(np.full(n, "hall"), np.full(n, "point"), none[:, :4], none, np.zeros(n, dtype=bool), 3000 + wavering,
               np.full(n, 3000))  # fmt: skip
    assert eval_zones.standing(r, 0, 0)[0] > 100
    assert eval_zones.standing(r, 500, 0) == (0, 0)
    assert eval_zones.too_far_m(r.range_mm, r).max() == 0.08
