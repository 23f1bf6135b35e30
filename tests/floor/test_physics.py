"""Motion from physics: what a belt sensor must feel."""

from __future__ import annotations

import numpy as np
import pytest

from jikimi.fleet.floor.clips import Clip, Floats
from jikimi.fleet.floor.physics import PhysicsMotion

RATE = 104.0


def _magnitude(clip: Clip, begin: float = 0.0, end: float | None = None) -> tuple[Floats, Floats]:
    t = np.arange(begin, clip.duration_s if end is None else end, 1 / RATE)
    return t, np.linalg.norm(clip.sample(t)[:, :3], axis=1)


@pytest.fixture(params=range(12))
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    return np.random.default_rng(int(request.param))


def test_standing_feels_gravity_on_minus_y_and_hardly_anything_else(rng: np.random.Generator) -> None:
    values = PhysicsMotion().stand(rng).sample(np.arange(0, 5, 1 / RATE))
    assert values[:, 1].mean() == pytest.approx(-1, abs=0.01)
    assert values[:, 3:].std() < 2


def test_walking_swings_about_1_g_at_step_frequency(rng: np.random.Generator) -> None:
    t, magnitude = _magnitude(PhysicsMotion().walk(rng), end=20.0)
    assert magnitude.mean() == pytest.approx(1, abs=0.05)
    spectrum = np.abs(np.fft.rfft(magnitude - magnitude.mean()))
    strongest = np.fft.rfftfreq(len(t), 1 / RATE)[spectrum.argmax()]
    assert 1.6 < strongest < 2.2
    assert 1.15 < magnitude.max() < 1.8


def test_work_stays_far_below_an_impact_and_comes_back_upright(rng: np.random.Generator) -> None:
    clip = PhysicsMotion().work(rng)
    _, magnitude = _magnitude(clip)
    assert magnitude.min() > 0.4
    assert magnitude.max() < 1.8
    assert clip.sample(np.array([clip.duration_s]))[0, 1] == pytest.approx(-1, abs=0.1)


def test_a_fall_topples_hits_and_lies(rng: np.random.Generator) -> None:
    clip = PhysicsMotion().fall(rng)
    assert clip.impact_s is not None
    t, magnitude = _magnitude(clip)
    assert t[magnitude.argmax()] == pytest.approx(clip.impact_s, abs=0.02)
    assert magnitude.max() > 3.5
    toppling = magnitude[(t > clip.impact_s - 0.3) & (t < clip.impact_s - 0.05)]
    assert toppling.min() < 0.5
    lying = clip.sample(t[t > clip.impact_s + 1.5])
    assert np.abs(lying[:, 1]).max() < 0.4
    assert np.abs(np.linalg.norm(lying[:, :3], axis=1) - 1).max() < 0.05
    assert clip.duration_s - clip.impact_s > 8


def test_the_gyroscope_agrees_with_the_turn_of_gravity(rng: np.random.Generator) -> None:
    clip = PhysicsMotion().fall(rng)
    t = np.arange(0, clip.duration_s, 1e-3)
    turned = np.trapezoid(clip.sample(t)[:, 3], t)
    x, before, after = 0, clip.sample(np.array([0.5]))[0], clip.sample(np.array([clip.duration_s]))[0]
    angle = np.degrees(np.arctan2(-after[2], -after[1]) - np.arctan2(-before[2], -before[1]))
    assert turned == pytest.approx(angle, abs=15)
    assert abs(before[x]) < 0.2
