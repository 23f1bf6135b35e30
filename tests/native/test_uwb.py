"""UWB: the plain-Python definition, missing diagnostics, and places the model never saw."""

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.sigcore import UwbRange, block
from tests.native.conftest import DATA
from tools import train_uwb, uwb_data, uwb_fit, uwb_limits, uwb_model
from tools.model_tables import SOURCES

INT32 = st.integers(-0x7FFFFFFF, 0x7FFFFFFF)
CHIP = st.one_of(
    st.tuples(st.integers(-11000, -6000), st.integers(-12000, -6000), st.integers(0, 200)),
    st.tuples(st.integers(-11000, -6000), st.integers(-12000, -6000), st.integers(0, 200), st.integers(46000, 49000)),
    st.tuples(INT32, INT32, INT32, INT32),
)
CLEAR = {"rx_power_dbm": -79.8, "fp_power_dbm": -83.2, "std_noise": 44}
BLOCKED = {"rx_power_dbm": -80.5, "fp_power_dbm": -95.0, "std_noise": 32}


def model() -> uwb_model.Model:
    text = (SOURCES / "sig_uwb_model.h").read_text(encoding="utf-8")
    arrays = {name: np.array(list(map(int, body.split(",")))) for name, body in
              re.findall(r"(\w+)\[\d+\] = \{([^}]*)\}", text)}  # fmt: skip
    numbers = {name: int(value) for name, value in re.findall(r"UWB_(\w+) = (-?\d+)", text)}
    weights = arrays["uwb_weights"].reshape(-1, 3)
    assert (numbers["EXCESS_LIMIT_MM"], numbers["BOUND_LIMIT_MM"]) == (3000, 6000)
    part, bias = (np.array([numbers[f"{name}_{kind}"] for name in ("NLOS", "EXCESS", "BOUND")]) for kind in
                  ("PART", "BIAS"))  # fmt: skip
    bounds = (numbers["BOUND_CLEAR_MM"], numbers["BOUND_UNKNOWN_MM"])
    return uwb_model.Model(arrays["uwb_mean"], arrays["uwb_gain"], weights, part, bias, *bounds)


MODEL = model()
STEP = st.tuples(
    st.one_of(st.integers(90, 110), st.integers(0, 5000)),
    st.one_of(st.integers(0, 12_000), INT32),
    st.one_of(st.none(), CHIP, CHIP),
)


def permille_near(permille: int, log_odds: int) -> bool:
    # The core's table of the logistic curve is straight between its points.
    return abs(permille - 1000 / (1 + math.exp(-max(-9000, log_odds) / 256))) <= 8


@given(st.integers(0, 100_000), CHIP)
def test_the_core_follows_the_definition_in_plain_python(range_mm, chip):
    verdict = MODEL.single(chip)
    corrected_mm, permille = block.uwb_push(block.uwb_new(), range_mm, chip)
    assert corrected_mm == max(0, range_mm - verdict.excess_mm)
    assert permille_near(permille, verdict.log_odds)


@given(st.lists(STEP, max_size=25), st.integers(-200, 200))
def test_a_track_follows_the_definition_in_plain_python(steps, offset_mm):
    state, definition, t_ms = block.uwb_new(offset_mm), uwb_model.Track(MODEL, offset_mm), 0
    for step_ms, range_mm, chip in steps:
        t_ms += step_ms
        *numbers, permille = block.uwb_track(state, t_ms, range_mm, chip)
        *expected, log_odds = definition.push(t_ms, range_mm, chip)
        assert numbers == expected
        assert permille == 500 if log_odds is None else permille_near(permille, log_odds)


@given(INT32, st.one_of(st.none(), CHIP), st.integers(-5000, 5000))
def test_any_input_gives_a_probability_and_a_bounded_correction(range_mm, chip, offset_mm):
    corrected_mm, permille = block.uwb_push(block.uwb_new(offset_mm), range_mm, chip)
    assert 0 <= permille <= 1000
    within = min(max(range_mm, -1_000_000), 1_000_000)
    assert within - 3000 - offset_mm <= corrected_mm <= max(0, within - offset_mm)


def test_a_walker_is_followed_with_speed_and_time_to_contact():
    uwb = UwbRange()
    for i in range(60):
        seen = uwb.track(i / 10, 12 - 0.14 * i, CLEAR)
    assert abs(seen.distance_m - (12 - 0.14 * 59)) < 0.15
    assert abs(seen.closing_m_s - 1.4) < 0.1
    assert abs(seen.contact_s - seen.distance_m / 1.4) < 0.3
    assert 0 <= seen.lower_m <= seen.distance_m


def test_standing_still_is_no_contact_and_silence_begins_a_new_track():
    uwb = UwbRange()
    for i in range(30):
        seen = uwb.track(i / 10, 4.0, CLEAR)
    assert seen.contact_s == math.inf
    assert abs(uwb.track(10, 9.0, CLEAR).distance_m - 9.0) < 0.3


def test_one_wild_range_moves_the_distance_less_than_anything_could_move():
    uwb = UwbRange()
    for i in range(30):
        before = uwb.track(i / 10, 4.0, CLEAR)
    after = uwb.track(3.0, 60.0, CLEAR)
    assert abs(after.distance_m - before.distance_m) <= 1.0  # 10 m/s for 0.1 s


def test_the_lower_bound_rises_no_faster_than_a_person_runs():
    uwb = UwbRange()
    low = [uwb.track(i / 10, 2.0 if i < 20 else 9.0, CLEAR).lower_m for i in range(60)]
    assert all(b - a <= 0.301 for a, b in itertools.pairwise(low))
    assert low[-1] > low[0] + 3


def test_a_weak_first_path_is_told_from_a_strong_one():
    uwb = UwbRange()
    clear_m, clear = uwb.push(5.0, CLEAR)
    blocked_m, blocked = uwb.push(5.0, BLOCKED)
    assert clear < 0.2 < 0.8 < blocked
    assert blocked_m < clear_m <= 5.0


@pytest.mark.parametrize("index", [0, -1, math.nan, math.inf])
def test_an_index_that_makes_no_sense_is_one_that_is_not_known(index):
    assert UwbRange().push(5.0, {**CLEAR, "fp_index": index}) == UwbRange().push(5.0, CLEAR)


def test_an_early_first_path_is_more_likely_blocked():
    odds = [UwbRange().push(5.0, {**CLEAR, "fp_index": index})[1] for index in (747.0, 735.5)]
    assert odds[0] < odds[1]


@pytest.mark.parametrize("chip", [None, {}, {**CLEAR, "std_noise": math.nan}, {"rx_power_dbm": -80}])
def test_without_diagnostics_nothing_is_known_and_the_range_is_passed_on(chip):
    assert UwbRange().push(4.2, chip) == (4.2, 0.5)
    assert UwbRange(offset_m=0.2).push(4.2, chip) == (4.0, 0.5)


def test_other_diagnostics_of_the_chip_are_ignored():
    more = {**CLEAR, "fp_ampl1": 4000, "cir_power": 1190, "rxpacc": 101}
    assert UwbRange().push(5.0, more) == UwbRange().push(5.0, CLEAR)


@pytest.mark.parametrize("range_m", [math.nan, math.inf, 1001])
def test_a_range_that_is_no_number_is_refused(range_m):
    with pytest.raises(ValueError, match="range must be"):
        UwbRange().push(range_m, None)


def test_misuse_of_the_block_api_is_refused():
    with pytest.raises(ValueError, match="range"):
        block.uwb_new(5001)
    with pytest.raises(ValueError, match="diagnostics"):
        block.uwb_push(block.uwb_new(), 1000, (1, 2))
    with pytest.raises(ValueError, match="offset"):
        UwbRange(offset_m=6)


def test_places_the_model_never_saw_are_judged_as_the_model_card_says():
    if not (DATA / "uwb").is_dir():
        pytest.skip("no UWB recordings: set JIKIMI_DATA")
    r = uwb_data.ranges()
    models = train_uwb.unseen_models(r)
    # Half a point below the card's figures: another linear algebra library moves a few ranges.
    for judged, least in zip(train_uwb.all_ways(r, models), (0.858, 0.89, 0.896), strict=True):
        assert uwb_fit.balanced(r.blocked, judged.blocked) >= least


def _standing(seed: int) -> uwb_data.Ranges:
    """Forty ranges of twenty points in two places; what they tell besides is noise."""
    draw = np.random.default_rng(seed)
    point = np.repeat(np.arange(20), 2)
    blocked = point % 2 == 0
    true_mm = np.repeat(draw.integers(2000, 8000, 20), 2)
    error_mm = np.where(blocked, np.repeat(draw.integers(0, 4000, 20), 2), draw.integers(-100, 100, 40))
    names = np.array([f"point {p}" for p in point])
    places = np.where(point < 10, "hall", "yard")
    tracked = draw.integers(0, 500, (40, 5))
    return uwb_data.Ranges(places, names, tracked[:, :4], tracked, blocked, true_mm + error_mm, true_mm)


@pytest.mark.parametrize("seed", range(3))
def test_the_price_of_a_zone_that_knows_what_is_blocked_is_the_least_of_all_pairs_of_zones(seed):
    r, zone = _standing(seed), 5000
    inside, least = r.true_mm <= zone, 1.0
    for clear, blocked in itertools.product([0, *r.range_mm[~r.blocked]], [0, *r.range_mm[r.blocked]]):
        warned = r.range_mm <= np.where(r.blocked, blocked, clear)
        if (~warned[inside]).sum() <= int(0.1 * inside.sum()):
            least = min(least, warned[~inside].mean())
    assert uwb_limits.told_false(r, zone, 0.1) == pytest.approx(least)


def test_who_knows_more_of_a_range_is_told_only_that():
    r = _standing(3)
    more = uwb_limits.knowing_more(r)
    off = r.range_mm - more[uwb_limits.NO_BLOCKED]
    assert (off[r.blocked] == r.error_mm[r.blocked]).all()
    assert not off[~r.blocked].any()
    alike = r.range_mm - more[uwb_limits.TOLD_ALIKE]
    for point in np.unique(r.point):  # of all others of its place and class, as there are fewer than are asked for
        here = r.point == point
        of = ~here & (r.place == r.place[here][0]) & (r.blocked == r.blocked[here][0])
        medians = [np.median(r.error_mm[r.point == other]) for other in np.unique(r.point[of])]
        assert alike[here] == pytest.approx(np.rint(np.median(medians)))
