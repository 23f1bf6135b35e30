"""Fatigue against one's own baseline: what the rule does, and people it was not chosen on."""

import numpy as np
import pytest

from tests.native.conftest import DATA
from tools import eval_fatigue

RULE = eval_fatigue.Rule(prior=4, cap=9, allowance=1.5, limit=4)
STEADY = 400 + 10 * np.array([0, 1, -1, 1, 0, -1, 0, 1, -1, 0, 1, 0, -1, 1, 0])


def follow(permille):
    values = np.column_stack([permille, np.zeros((len(permille), 3))]).astype(np.int64)
    return eval_fatigue.follow(1, values, RULE, (100, 1))


def test_nothing_is_said_before_there_is_a_baseline():
    assert follow(STEADY)[:3] == [None, None, None]


def test_a_steady_day_is_never_fatigue():
    assert not any(follow(STEADY))


@pytest.mark.parametrize("shift", [-60, 60])
def test_a_lasting_change_is_found_in_either_direction_and_a_single_window_is_not(shift):
    assert follow(STEADY + np.where(np.arange(15) >= 9, shift, 0))[-4:] == [True] * 4
    assert follow(STEADY + np.where(np.arange(15) == 9, shift // 2, 0))[-1] is False


@pytest.mark.parametrize("feature", ["hip", "heart rate"])
def test_people_the_rule_was_not_chosen_on_are_told_as_the_model_card_says(feature):
    if not (DATA / "fatigue").is_dir():
        pytest.skip("no fatigue recordings: set JIKIMI_DATA")
    found = eval_fatigue.unseen(eval_fatigue.sessions(feature))
    assert len(found) == 15
    assert np.mean([u.right.mean() for u in found]) >= 0.85
