"""Bodies made from physics to train on: they move as bodies do, and say where they were hit."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tools import fall_bodies
from tools.fall_data import Trial


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    return list(fall_bodies.made(seed=9, per_kind=6))


def size(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(vectors, axis=1))


def test_falls_and_only_falls_have_an_impact_which_is_where_they_are_hit(trials):
    for trial in trials:
        assert (trial.fall_s is not None) == ("falls" in trial.activity)
        if trial.fall_s is not None:
            at = round(trial.fall_s * fall_bodies.RATE_HZ)
            felt = size(trial.acc_g)
            assert felt[at] > felt[at - 30 : at - 5].mean()


def test_at_rest_a_tag_feels_one_g_and_hardly_a_turn(trials):
    for trial in trials:
        assert np.median(size(trial.acc_g)) == pytest.approx(1, abs=0.1)
        assert np.median(size(trial.gyro_dps)) < 60


def test_the_gyroscope_says_how_far_gravity_turned(trials):
    """Followed by the rotation alone, gravity of the first seconds comes to lie where it is felt in the last."""
    for trial in trials:
        gravity = trial.acc_g[:200].mean(axis=0)
        for x, y, z in np.radians(trial.gyro_dps[100:-100]) / fall_bodies.RATE_HZ:
            a, b, c = gravity
            gravity = np.array([a + b * z - c * y, b + c * x - a * z, c + a * y - b * x])
        felt = trial.acc_g[-200:].mean(axis=0)
        assert gravity @ felt / np.linalg.norm(gravity) / np.linalg.norm(felt) > np.cos(np.radians(25))


def test_the_same_seed_makes_the_same_bodies_and_another_seed_others(trials):
    again, other = next(fall_bodies.made(seed=9)), next(fall_bodies.made(seed=10))
    assert np.array_equal(again.acc_g, trials[0].acc_g)
    assert not np.array_equal(other.acc_g[:100], trials[0].acc_g[:100])


def test_falls_hit_hard_in_pulses_short_and_long(trials):
    falls = [trial for trial in trials if trial.fall_s is not None]
    peaks = [size(trial.acc_g).max() for trial in falls]
    assert np.median(peaks) > 5
    lengths = [np.count_nonzero(size(trial.acc_g) > peak / 2) for trial, peak in zip(falls, peaks, strict=True)]
    assert min(lengths) * 1000 / fall_bodies.RATE_HZ <= 30
    assert max(lengths) * 1000 / fall_bodies.RATE_HZ >= 50
