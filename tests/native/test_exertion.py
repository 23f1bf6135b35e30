"""Exertion from heart rate: the plain-Python definition, artefacts, refusal, and people the constants never saw."""

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.sigcore import ExertionMonitor, block
from tests.native.conftest import DATA
from tests.native.reference_exertion import MODEL, Reference
from tools import exertion_model, exertion_refusal, train_exertion

STEP = st.one_of(st.integers(0, 3000), st.integers(0, 200_000))
WILD = st.tuples(STEP, st.integers(-5, 300))
STEADY = st.builds(lambda bpm, n, spread: [(1000, bpm + i % (spread + 1)) for i in range(n)],
                   st.integers(40, 210), st.integers(1, 40), st.integers(0, 5))  # fmt: skip
READINGS = st.lists(st.one_of(st.lists(WILD, max_size=8), STEADY), max_size=10).map(
    lambda parts: [reading for part in parts for reading in part]
)


@given(READINGS, st.sampled_from([(60, 190), (45, 205), (90, 150)]))
def test_the_core_follows_the_definition_in_plain_python(readings, person):
    state, definition, t_ms = block.exertion_new(*person), Reference(*person), 0
    for step_ms, bpm in readings:
        t_ms += step_ms
        assert block.exertion_push(state, t_ms, bpm) == definition.push(t_ms, bpm)
        assert block.exertion_high(state) == definition.high


def test_every_setting_in_the_header_is_the_tools():
    assert dict(train_exertion.pairs(train_exertion.shipped())) == {
        f"EXERTION_{name}": value for name, value in MODEL.items()
    }
    assert all(MODEL[name] >= 0 for name in ("PER_RESERVE", "PER_STRAIN", "PER_CEILING"))


@given(st.lists(st.tuples(st.floats(0, 2e6), st.floats(allow_nan=True, allow_infinity=True)), max_size=60))
def test_any_readings_give_an_exertion_from_0_to_10_or_none(readings):
    monitor = ExertionMonitor(60, 190)
    for t_s, bpm in readings:
        rpe = monitor.push(t_s, bpm)
        assert math.isnan(rpe) or 0 <= rpe <= 10
        assert not (math.isnan(rpe) and monitor.high)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=12), st.integers(0, 5))
def test_a_heart_that_beats_faster_throughout_never_gives_a_lower_estimate(slopes, more):
    lower, higher, t, bpm = ExertionMonitor(60, 190), ExertionMonitor(60, 190), 0, 100
    for slope in slopes:  # what no heart does is rejected, and rejecting is not monotone
        for _ in range(30):
            bpm, t = min(185, max(55, bpm + slope)), t + 1
            assert higher.push(t, bpm + more) >= lower.push(t, bpm)


def test_the_same_heart_rate_feels_harder_after_minutes_and_easier_after_rest():
    monitor = ExertionMonitor(60, 190)
    at_once = [monitor.push(t, 165) for t in range(10)][-1]
    later = [monitor.push(t, 165) for t in range(10, 300)][-1]
    resting = [monitor.push(t, 75) for t in range(300, 1200)][-1]
    again = [monitor.push(t, 165) for t in range(1200, 1230)][-1]
    assert resting < at_once < later
    assert resting < 1
    assert abs(again - at_once) < 1


@pytest.mark.parametrize("artefact", [0, 228, 62, 31], ids=["dropout", "spike", "halved", "noise"])
def test_artefacts_of_a_third_of_the_readings_do_not_move_the_estimate(artefact):
    clean, dirty = ExertionMonitor(60, 190), ExertionMonitor(60, 190)
    for t in range(300):
        a, b = clean.push(t, 125), dirty.push(t, artefact if t % 3 == 0 and t > 5 else 125)
    assert abs(a - b) < 0.05


def test_a_rate_that_is_halved_for_ten_seconds_is_not_believed_and_a_real_change_is():
    monitor = ExertionMonitor(60, 190)
    for t in range(120):
        before = monitor.push(t, 160)
    for t in range(120, 130):
        assert monitor.push(t, 80) == before
    for t in range(130, 200):
        after = monitor.push(t, 110)
    assert after < before - 0.5


def test_silence_is_answered_by_not_a_number_instead_of_a_guess():
    monitor = ExertionMonitor(60, 190)
    assert math.isnan(monitor.push(0, 0))
    assert monitor.push(1, 100) > 0
    assert monitor.push(60.9, 0) > 0
    assert math.isnan(monitor.push(61, math.nan))
    assert monitor.push(62, 100) > 0


def test_a_sensor_that_reads_noise_is_refused():
    monitor, noise = ExertionMonitor(60, 190), random.Random(3)
    answers = [monitor.push(t, noise.randint(-200, 700)) for t in range(600)]
    assert sum(map(math.isnan, answers)) > 450


@pytest.mark.parametrize("step_s", [1, 3])
def test_noise_that_is_all_within_what_a_heart_can_do_is_refused_nearly_always(step_s):
    monitor, noise = ExertionMonitor(60, 190), random.Random(3)
    answers = [monitor.push(step_s * i, noise.randint(30, 230)) for i in range(2000)]
    assert sum(map(math.isnan, answers)) > 1900


def test_a_sensor_that_starts_to_read_noise_is_refused_within_half_a_minute():
    monitor, noise = ExertionMonitor(60, 190), random.Random(4)
    before = [monitor.push(t, 120 + t % 3) for t in range(300)]
    after = [monitor.push(t, noise.randint(30, 230)) for t in range(300, 360)]
    assert not any(map(math.isnan, before))
    assert all(map(math.isnan, after[30:]))


def test_readings_that_are_lost_count_less_against_a_sensor_than_those_that_contradict_it():
    lossy, wrong = ExertionMonitor(60, 190), ExertionMonitor(60, 190)
    lost = [lossy.push(t, 0 if t % 2 else 120) for t in range(200)]
    contradicted = [wrong.push(t, (40, 220)[t // 2 % 2] if t % 2 else 120) for t in range(200)]
    assert not any(map(math.isnan, lost))
    assert all(map(math.isnan, contradicted[40:]))


def test_very_hard_is_raised_once_under_a_heart_rate_that_wavers_and_ended_by_rest():
    monitor, states = ExertionMonitor(60, 190), []
    for t in range(1500):
        monitor.push(t, 186 + t % 3 if t < 600 else 80)
        states.append(monitor.high)
    assert [a for a, b in itertools.pairwise(states) if a != b] == [False, True]
    assert not states[0]
    assert not states[-1]


@pytest.mark.parametrize("pair", [(29, 190), (121, 190), (60, 231), (100, 120), (60, 99), (math.nan, 190)])
def test_heart_rates_no_person_has_are_refused(pair):
    with pytest.raises(ValueError, match="heart rate"):
        ExertionMonitor(*pair)
    if not math.isnan(pair[0]):
        with pytest.raises(ValueError, match="range"):
            block.exertion_new(*pair)


def test_people_the_constants_never_saw_are_rated_and_warned_as_the_model_card_says():
    if not (DATA / "yoyo").is_dir():
        pytest.skip("no YoYo recordings: set JIKIMI_DATA")
    people = exertion_model.sessions(DATA / "yoyo")
    unseen = {p.person: exertion_model.fit([other for other in people if other is not p]) for p in people}
    errors = np.concatenate([exertion_model.errors(p, unseen[p.person]) for p in people])
    alarms = [exertion_model.alarm(p, unseen[p.person]) for p in people]
    assert errors.mean() <= 1.02
    assert all(a.late_s is not None and a.late_s <= 30 and a.false <= 1 for a in alarms)


def test_recordings_whose_readings_are_lost_or_noise_are_refused_and_good_ones_are_not():
    if not (DATA / "yoyo").is_dir():
        pytest.skip("no YoYo recordings: set JIKIMI_DATA")
    people = exertion_model.sessions(DATA / "yoyo")
    shipped = {p.person: train_exertion.shipped() for p in people}
    good, noisy = (exertion_refusal.spoilt(people, shipped, share, noise=True) for share in (0, 1))
    assert (good.answered > 0.99, good.rated) == (True, good.ratings)
    assert noisy.answered < 0.03
    assert exertion_refusal.spoilt(people, shipped, 1, noise=False).answered == 0


@pytest.mark.parametrize(
    ("late_s", "close"), [(-31, False), (-30, True), (0, True), (30, True), (31, False), (None, False)]
)
def test_a_warning_is_to_the_point_when_it_is_neither_late_nor_early(late_s, close):
    assert exertion_model.Alarm(late_s, 5, 0, 0, 0).is_close is close
