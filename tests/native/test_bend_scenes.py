"""Scenes the bend counter is trained on: the bends are where the scene says, and the tag sits as it sat."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.native.signals import rotation, stand, walk
from tests.native.test_bend import bends
from tools import bend_scenes
from tools.fall_data import Trial

RATE_HZ = 100.0
SPAN_S = 2.0, 7.0  # of the one bend of `bends`


def trial(acc: NDArray[np.float64]) -> Trial:
    return Trial("D16_SA01_R01", "D16", "SA01", RATE_HZ, acc, np.zeros_like(acc), None)


def leaning_s(scene: bend_scenes.Scene) -> NDArray[np.float64]:
    """When the trunk is beyond 30 degrees of the posture at the end."""
    acc = scene.recording.acc_g
    upright = acc[-50:].mean(axis=0)
    cosine = acc @ upright / np.linalg.norm(acc, axis=1) / np.linalg.norm(upright)
    return np.flatnonzero(cosine < np.cos(np.radians(30))) / scene.recording.rate_hz


def assert_bends_are_where_it_says(scene: bend_scenes.Scene) -> None:
    when = leaning_s(scene)
    within = [(first <= when) & (when <= last) for first, last in scene.bends_s]
    assert all(some.any() for some in within)
    assert np.any(within, axis=0).all()


@pytest.mark.parametrize("seed", range(5))
def test_generated_bends_are_where_the_scene_says(seed):
    scene = bend_scenes.generated(seed)
    assert len(scene.bends_s) == 3
    assert_bends_are_where_it_says(scene)


def test_a_bend_put_within_walking_or_repeated_is_where_the_scene_says():
    rng, turn = np.random.default_rng(1), rotation(3)
    walking = trial(walk(rng, 40, RATE_HZ, bounce_g=0.2)[:, :3] @ turn.T)
    scenes = list(bend_scenes.at_work(trial(bends(1, RATE_HZ)), walking, SPAN_S, bent=True))
    assert [len(scene.bends_s) for scene in scenes] == [1, 1, 3]
    for scene in scenes:
        assert_bends_are_where_it_says(scene)


def test_what_is_no_bend_is_none_at_work_either():
    rng = np.random.default_rng(1)
    walking, standing = trial(walk(rng, 40, RATE_HZ)[:, :3]), trial(stand(rng, 9, RATE_HZ)[:, :3])
    assert all(scene.bends_s == () for scene in bend_scenes.at_work(standing, walking, SPAN_S, bent=False))


def test_at_another_pace_the_postures_stay_and_last_longer():
    slow = bend_scenes.at_pace(trial(bends(1, RATE_HZ)), 2.0)
    assert len(slow.acc_g) == pytest.approx(2 * 9 * RATE_HZ, abs=3)
    when = leaning_s(bend_scenes.Scene(slow, ()))
    assert when.min() > 2 * SPAN_S[0]
    assert when.max() < 2 * SPAN_S[1]
