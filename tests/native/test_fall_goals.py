"""The goals of fall detection as the model card has them, from trials and scores made up."""

import numpy as np

from tools import fall_goals, fall_models
from tools.card_overview import Goal
from tools.card_tables import goal_rows
from tools.fall_data import Candidates
from tools.fall_models import Example
from tools.fall_verdict import Scored

WAIST, WRIST = fall_models.PLACEMENTS
IMPACT_S = 10.0


def scored(*, fell: bool, told: bool, person: str = "SA01", variant: str = "as recorded") -> Scored:
    """A trial of an hour with one candidate, announced 0.3 s before it when `told`."""
    none = np.zeros((1, 0), np.uint8)
    seen = Candidates(np.array([IMPACT_S]), none, np.array([IMPACT_S - 0.3]), none, np.array([True]))
    example = Example("trial", "F01" if fell else "D01", person, IMPACT_S if fell else None, 3600.0, variant, seen)
    score = np.array([1 if told else -1])
    return Scored(example, score, score)


def rows(placement: fall_models.Placement, trials: list[Scored]) -> dict[str, Goal]:
    text = "\n".join(fall_goals.lines(placement, trials))
    return {row[0]: Goal("falls", "eval_fall", *row) for row in goal_rows(text)}


def test_a_detector_that_is_always_right_meets_every_goal_that_can_be_measured():
    variants = ("as recorded", "20 Hz points, 8 g, no gyro", "25 Hz points, soft mat, 8 g")
    trials = [scored(fell=fell, told=fell, variant=v) for v in variants for fell in (True, False)]
    trials += [scored(fell=False, told=False, person="generated 1", variant=v) for v in variants]
    found = rows(WAIST, trials)
    assert {goal.met.partition(",")[0] for goal in found.values()} == {"yes", "no data"}
    assert found["waist: `falling`: mean lead before the impact"].here == "300 ms"
    assert {goal.met.partition(",")[0] for goal in rows(WRIST, trials).values()} == {"yes"}


def test_misses_and_false_alarms_are_counted_where_they_belong():
    slow = "20 Hz points, 8 g, no gyro"
    trials = [scored(fell=True, told=told) for told in (True, True, True, False)]
    trials += [scored(fell=False, told=told) for told in (True, False)]
    trials += [scored(fell=fell, told=True, variant=slow) for fell in (True, False)]
    trials += [scored(fell=False, told=True, person="generated 1", variant=v) for v in ("as recorded", slow)]
    found = rows(WAIST, trials)
    assert found["waist: falls found"].here.startswith("75.00 %")
    assert found["waist: activities without alarm"].here.startswith("50.00 %")
    assert found["waist: false alarms in activities chosen to provoke them"].here == "1 in 2.0 h"
    thing = found["waist: tags without a person that raise an alarm (generated)"]
    assert (thing.here, thing.met) == ("1 of 1; on 1 other chips 1 of 1", "no")


def test_f1_is_the_harmonic_mean_of_precision_and_sensitivity():
    trials = [scored(fell=True, told=told) for told in (True, True, False)] + [scored(fell=False, told=True)]
    assert fall_goals.f1([s.verdict() for s in trials]) == "0.667"
