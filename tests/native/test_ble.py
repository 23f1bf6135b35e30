"""BLE: the median of five seconds in plain Python, monotone tables, bounds."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.sigcore import BleProximity, block
from tests.native.conftest import DATA
from tools import ble_limits, train_ble
from tools.model_tables import SOURCES

ADVERTS = st.lists(st.tuples(st.integers(0, 2500), st.integers(-130, 10)), min_size=1, max_size=100)


def tables() -> dict[str, list[int]]:
    text = (SOURCES / "sig_ble_model.h").read_text(encoding="utf-8")
    return {n: list(map(int, body.split(","))) for n, body in re.findall(r"(\w+)\[\d+\] = \{([^}]*)\}", text)}


TABLES = tables()


@given(ADVERTS)
def test_the_estimate_is_the_table_at_the_median_of_the_last_five_seconds(adverts):
    state, t_ms, seen = block.ble_new(), 0, []
    for step_ms, rssi in adverts:
        t_ms += step_ms
        seen.append((t_ms // 1000, min(-20, max(-110, rssi))))
        window = sorted(dbm for second, dbm in seen if second > t_ms // 1000 - 5)
        level = window[(len(window) - 1) // 2] + 110
        expected = (TABLES["ble_distance_mm"][level], TABLES["ble_within_permille"][level])
        assert block.ble_push(state, t_ms, rssi) == expected


def test_a_stronger_signal_is_never_farther_away_or_less_likely_near():
    results = [block.ble_push(block.ble_new(), 0, dbm) for dbm in range(-130, 10)]
    assert results == sorted(results, key=lambda pair: (-pair[0], pair[1]))


def test_a_few_outliers_do_not_move_the_estimate():
    steady, disturbed = BleProximity(), BleProximity()
    for i in range(40):
        a = steady.push(i * 0.1, -70)
        b = disturbed.push(i * 0.1, -100 if i % 4 == 3 else -70)
    assert a == b


def test_old_adverts_are_forgotten_after_five_seconds():
    ble = BleProximity()
    for i in range(50):
        ble.push(i * 0.1, -50)
    assert ble.push(9.9, -90) == BleProximity().push(0, -90)


@given(st.floats(0, 2e6), st.floats(-1e9, 1e9))
def test_any_strength_gives_a_distance_and_a_probability(t_s, rssi):
    estimate_m, p_within = BleProximity().push(t_s, rssi)
    assert 0.3 <= estimate_m <= 50
    assert 0 <= p_within <= 1


@pytest.mark.parametrize(("t_s", "rssi"), [(0, math.nan), (0, math.inf), (-1, -60), (math.nan, -60), (1e9, -60)])
def test_input_that_is_no_measurement_is_refused(t_s, rssi):
    with pytest.raises(ValueError, match="must be"):
        BleProximity().push(t_s, rssi)


def test_no_threshold_reaches_the_goal_in_any_carrying_position_even_knowing_the_answers():
    if not (DATA / "ble").is_dir():
        pytest.skip("no BLE recordings: set JIKIMI_DATA")
    w = train_ble.windows()
    best = [train_ble.best_threshold(w.where(w.position == position)) for position in np.unique(w.position)]
    density = train_ble.densities(w)
    assert len(best) == 8
    assert max(best) < 0.85
    assert np.maximum(density[0], density[1]).sum() / 2 < 0.70
    assert 0 < train_ble.information_bits(density) < 0.2


@pytest.mark.parametrize(("density", "bits"), [([[1, 0], [0, 1]], 1), ([[0.5, 0.5], [0.5, 0.5]], 0)])
def test_information_is_a_bit_when_nothing_overlaps_and_none_when_all_does(density, bits):
    assert train_ble.information_bits(np.array(density, dtype=float)) == pytest.approx(bits)


@pytest.mark.parametrize("way", [ble_limits.logistic, ble_limits.neighbours, ble_limits.trees])
def test_each_way_to_look_at_windows_finds_what_can_be_found_in_positions_it_has_not_seen(way):
    rng = np.random.default_rng(2)
    near = rng.random(600) < 0.4
    features = rng.normal(0, 1, (600, 13)) + 3 * near[:, None]
    w = ble_limits.Numbers(rng.choice(["hand", "pocket", "purse"], 600), near, features)
    assert min(ble_limits.unseen(w, way, slice(None))) > 0.9
    shuffled = ble_limits.Numbers(w.position, rng.permutation(near), features)
    assert 0.35 < np.mean(ble_limits.unseen(shuffled, way, slice(None))) < 0.65


def test_the_numbers_of_a_window_are_its_quantiles_means_and_shape():
    found = ble_limits.of_window(np.array([-60.0, -80.0, -60.0, -70.0]))
    assert found[:3] == [-65, -80, -77]
    assert found[6:8] == [-60, -67.5]
    assert found[8] == pytest.approx(10 * math.log10((2e-6 + 1e-7 + 1e-8) / 4))
    assert found[10:] == pytest.approx([50 / 3, math.log(4), 0.5])
