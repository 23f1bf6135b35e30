"""UWB: the plain-Python definition, missing diagnostics, and places the model never saw."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.sigcore import UwbRange, block
from tests.native.conftest import DATA
from tools import train_uwb
from tools.model_tables import SOURCES

INT32 = st.integers(-0x7FFFFFFF, 0x7FFFFFFF)
CHIP = st.one_of(
    st.tuples(st.integers(-11000, -6000), st.integers(-12000, -6000), st.integers(0, 200)),
    st.tuples(INT32, INT32, INT32),
)
CLEAR = {"rx_power_dbm": -79.8, "fp_power_dbm": -83.2, "std_noise": 44}
BLOCKED = {"rx_power_dbm": -80.5, "fp_power_dbm": -95.0, "std_noise": 32}


def model() -> train_uwb.Model:
    text = (SOURCES / "sig_uwb_model.h").read_text(encoding="utf-8")
    arrays = {name: np.array(list(map(int, body.split(",")))) for name, body in
              re.findall(r"(\w+)\[\d+\] = \{([^}]*)\}", text)}  # fmt: skip
    numbers = dict(re.findall(r"(\w+) = (-?\d+)", text))
    return train_uwb.Model(
        arrays["uwb_mean"], arrays["uwb_gain"],
        arrays["uwb_nlos_weights"], int(numbers["UWB_NLOS_BIAS"]),
        arrays["uwb_excess_weights"], int(numbers["UWB_EXCESS_BIAS"]),
    )  # fmt: skip


MODEL = model()


@given(st.integers(0, 100_000), CHIP)
def test_the_core_follows_the_definition_in_plain_python(range_mm, chip):
    features = np.array([train_uwb.features(*chip)])
    corrected_mm, permille = block.uwb_push(block.uwb_new(), range_mm, chip)
    assert corrected_mm == max(0, range_mm - int(MODEL.excess_mm(features)[0]))
    exact = 1000 / (1 + math.exp(-int(MODEL.log_odds(features)[0]) / 256))
    assert abs(permille - exact) <= 8  # the core's table of the logistic curve is straight between its points


@given(INT32, st.one_of(st.none(), CHIP), st.integers(-5000, 5000))
def test_any_input_gives_a_probability_and_a_bounded_correction(range_mm, chip, offset_mm):
    corrected_mm, permille = block.uwb_push(block.uwb_new(offset_mm), range_mm, chip)
    assert 0 <= permille <= 1000
    within = min(max(range_mm, -1_000_000), 1_000_000)
    assert within - 3000 - offset_mm <= corrected_mm <= max(0, within - offset_mm)


def test_a_weak_first_path_is_told_from_a_strong_one():
    uwb = UwbRange()
    clear_m, clear = uwb.push(5.0, CLEAR)
    blocked_m, blocked = uwb.push(5.0, BLOCKED)
    assert clear < 0.2 < 0.8 < blocked
    assert blocked_m < clear_m <= 5.0


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
    r = train_uwb.ranges()
    guess = np.zeros(len(r.blocked), dtype=bool)
    for place in np.unique(r.place):
        out = r.place == place
        guess[out] = train_uwb.fit(r.where(~out)).log_odds(r.features[out]) > 0
    assert (guess[r.blocked].mean() + (~guess[~r.blocked]).mean()) / 2 >= 0.85
