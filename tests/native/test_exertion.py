"""Exertion from heart rate: the plain-Python definition, artefacts, and people the constants never saw."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.sigcore import ExertionMonitor, block
from tests.native.conftest import DATA
from tools import train_exertion
from tools.model_tables import SOURCES

READINGS = st.lists(st.tuples(st.integers(0, 200_000), st.integers(-5, 300)), max_size=120)


def constants() -> train_exertion.Constants:
    text = (SOURCES / "sig_exertion_model.h").read_text(encoding="utf-8")
    lines = [line.strip().rstrip(",").split(" = ") for line in text.splitlines() if " = " in line]
    values = {name: int(value) for name, value in lines}
    assert values["EXERTION_THRESHOLD"] == train_exertion.THRESHOLD
    assert values["EXERTION_RECOVERY_MS"] == train_exertion.RECOVERY_MS
    names = ("EXERTION_BASE", "EXERTION_PER_RESERVE", "EXERTION_PER_ROOT_STRAIN")
    return train_exertion.Constants(*(values[name] for name in names))


@given(READINGS)
def test_the_core_follows_the_definition_in_plain_python(readings):
    t_ms, now_ms = [], 0
    for step_ms, _ in readings:
        now_ms += step_ms
        t_ms.append(now_ms)
    hr = [bpm for _, bpm in readings]
    model, state = constants(), block.exertion_new(60, 190)
    expected = [
        -1 if pair is None else train_exertion.estimate(pair, model)
        for pair in train_exertion.features(t_ms, hr, 60, 190)
    ]
    assert [block.exertion_push(state, t, bpm) for t, bpm in zip(t_ms, hr, strict=True)] == expected


@given(st.lists(st.tuples(st.floats(0, 2e6), st.floats(allow_nan=True, allow_infinity=True)), max_size=60))
def test_any_readings_give_an_exertion_from_0_to_10_or_none(readings):
    monitor = ExertionMonitor(60, 190)
    for t_s, bpm in readings:
        rpe = monitor.push(t_s, bpm)
        assert math.isnan(rpe) or 0 <= rpe <= 10


def test_the_same_heart_rate_feels_harder_after_minutes_and_easier_after_rest():
    monitor = ExertionMonitor(60, 190)
    at_once = [monitor.push(t, 165) for t in range(10)][-1]
    later = [monitor.push(t, 165) for t in range(10, 300)][-1]
    resting = [monitor.push(t, 75) for t in range(300, 900)][-1]
    again = [monitor.push(t, 165) for t in range(900, 910)][-1]
    assert resting < at_once < later
    assert abs(again - at_once) < 0.3


def test_single_artefacts_do_not_move_the_estimate():
    clean, dirty = ExertionMonitor(60, 190), ExertionMonitor(60, 190)
    for t in range(120):
        a, b = clean.push(t, 120), dirty.push(t, [120, 120, 120, 228, 0][t % 5])
    assert abs(a - b) < 0.01


def test_silence_is_answered_by_not_a_number_instead_of_a_guess():
    monitor = ExertionMonitor(60, 190)
    assert math.isnan(monitor.push(0, 0))
    assert monitor.push(1, 100) > 0
    assert monitor.push(60.9, 0) > 0
    assert math.isnan(monitor.push(61, math.nan))
    assert monitor.push(62, 100) > 0


@pytest.mark.parametrize("pair", [(29, 190), (121, 190), (60, 231), (100, 120), (60, 99), (math.nan, 190)])
def test_heart_rates_no_person_has_are_refused(pair):
    with pytest.raises(ValueError, match="heart rate"):
        ExertionMonitor(*pair)
    if not math.isnan(pair[0]):
        with pytest.raises(ValueError, match="range"):
            block.exertion_new(*pair)


def test_people_the_constants_never_saw_are_rated_as_the_model_card_says():
    if not (DATA / "yoyo").is_dir():
        pytest.skip("no YoYo recordings: set JIKIMI_DATA")
    people = train_exertion.sessions()
    errors = [
        train_exertion.errors(person, train_exertion.fit([other for other in people if other is not person]))
        for person in people
    ]
    assert sum(found.sum() for found in errors) / sum(len(found) for found in errors) <= 1.10
