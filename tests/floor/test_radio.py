"""The statistics of the radio models."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from jikimi.fleet.floor.clips import Floats
from jikimi.fleet.floor.radio import BleModel, Link, Noise, Radio, ShadowField, UwbModel, normals

CLEAR = {"wearer": 0.0, "people": 0, "machines": 0}


def _radio(
    distance: float, ble: BleModel | None = None, uwb: UwbModel | None = None, seed: int = 1, **in_the_way: Any
) -> Radio:
    link = Link((0.0, 0.0), (distance, 0.0), **(CLEAR | in_the_way))
    return Radio(lambda _a, _b, _t: link, seed, ble, uwb)


def _rssi(radio: Radio, count: int = 4000) -> tuple[Floats, float]:
    values = [radio.rssi_dbm("d-a", "d-b", 0.1 * i) for i in range(count)]
    heard = [value for value in values if value is not None]
    return np.array(heard), 1 - len(heard) / count


def _ranges(radio: Radio, count: int = 4000) -> tuple[Floats, float]:
    values = [radio.range_m("d-a", "d-b", 0.1 * i) for i in range(count)]
    heard = [value for value in values if value is not None]
    return np.array(heard), 1 - len(heard) / count


def _power_mean_dbm(rssi: Floats) -> float:
    return 10 * math.log10(np.mean(10 ** (rssi / 10)))


def test_path_loss_follows_the_distance_with_the_models_exponent() -> None:
    flat = BleModel(shadow_db=0.0, miss=0.0)
    near, far = (_power_mean_dbm(_rssi(_radio(d, flat))[0]) for d in (1.0, 10.0))
    assert near == pytest.approx(flat.at_1m_dbm, abs=0.3)
    assert near - far == pytest.approx(10 * flat.exponent, abs=0.6)


def test_fading_is_rician_in_sight_and_rayleigh_when_blocked() -> None:
    clear = _rssi(_radio(3.0, BleModel(shadow_db=0.0)))[0].std()
    blocked = _rssi(_radio(3.0, BleModel(shadow_db=0.0), wearer=1.0))[0].std()
    assert 2.0 < clear < 3.5
    assert 4.0 < blocked < 6.5


def test_a_body_and_a_machine_in_the_way_cost_what_the_model_says() -> None:
    model = BleModel(shadow_db=0.0)
    clear = _power_mean_dbm(_rssi(_radio(3.0, model))[0])
    behind = _power_mean_dbm(_rssi(_radio(3.0, model, wearer=1.0, machines=1))[0])
    assert clear - behind == pytest.approx(model.wearer_db + model.machine_db, abs=1.0)


def test_adverts_are_missed_at_the_stated_rate_near_by_and_nearly_always_far_away() -> None:
    assert _rssi(_radio(2.0))[1] == pytest.approx(BleModel().miss, abs=0.02)
    assert _rssi(_radio(400.0, BleModel(shadow_db=0.0)))[1] > 0.95


def test_shadowing_has_unit_variance_and_the_correlation_of_its_length() -> None:
    rng = np.random.default_rng(0)
    here, near, far = [], [], []
    for seed in range(60):
        field = ShadowField(seed, 2.0)
        for x, y in rng.uniform(0, 40, (20, 2)):
            here.append(field((x, y), (5.0, 5.0)))
            near.append(field((x + 2.0, y), (5.0, 5.0)))
            far.append(field((x + 20.0, y), (5.0, 5.0)))
    assert np.std(here) == pytest.approx(1, abs=0.1)
    assert np.corrcoef(here, near)[0, 1] == pytest.approx(math.exp(-1), abs=0.12)
    assert abs(np.corrcoef(here, far)[0, 1]) < 0.12


def test_ranges_in_sight_are_unbiased_and_good_to_centimetres() -> None:
    ranges, missed = _ranges(_radio(6.0))
    assert ranges.mean() == pytest.approx(6.0, abs=0.005)
    assert ranges.std() == pytest.approx(UwbModel().sigma_m, rel=0.1)
    assert missed == pytest.approx(UwbModel().miss, abs=0.01)


@pytest.mark.parametrize(("blocked", "least"), [({"wearer": 1.0}, 0.15), ({"machines": 1}, 0.3)])
def test_ranges_past_an_obstacle_are_too_long_and_fail_more_often(blocked: dict[str, Any], least: float) -> None:
    ranges, missed = _ranges(_radio(6.0, **blocked))
    assert (ranges - 6.0).mean() > least
    assert (ranges > 6.0).mean() > 0.99
    assert missed == pytest.approx(UwbModel().miss_blocked, abs=0.02)


def test_ranging_fails_far_away() -> None:
    assert _ranges(_radio(60.0))[1] > 0.99


def test_a_link_is_the_same_both_ways_for_ranges() -> None:
    radio = _radio(6.0, wearer=0.8)
    assert [radio.range_m("a", "b", t / 10) for t in range(50)] == [radio.range_m("b", "a", t / 10) for t in range(50)]


def test_the_order_of_asking_changes_nothing_and_the_seed_does() -> None:
    asked = [(tx, rx, t / 10) for tx, rx in itertools.permutations("abc", 2) for t in range(20)]
    one, two, other = _radio(4.0), _radio(4.0), _radio(4.0, seed=2)
    forward = {key: one.rssi_dbm(*key) for key in asked}
    backward = {key: two.rssi_dbm(*key) for key in reversed(asked)}
    assert forward == backward
    assert forward != {key: other.rssi_dbm(*key) for key in asked}


def test_the_counter_based_generator_is_uniform_and_its_normals_are_normal() -> None:
    noise = Noise(3)
    u = np.array([noise.uniforms("x", "a", "b", i / 100, 2) for i in range(20000)])
    assert np.abs(u.mean(axis=0) - 0.5).max() < 0.01
    assert np.abs(u.var(axis=0) - 1 / 12).max() < 0.002
    assert abs(np.corrcoef(u.T)[0, 1]) < 0.02
    assert abs(np.corrcoef(u[1:, 0], u[:-1, 0])[0, 1]) < 0.02
    z = np.array([normals(list(row)) for row in u])
    assert np.abs(z.mean()) < 0.02
    assert z.std() == pytest.approx(1, abs=0.02)
