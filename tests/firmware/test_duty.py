"""Off duty a tag keeps still and keeps nothing; an alarm and a call for help come first."""

from typing import Any

import pytest

from jikimi.wire import kinds

_FOUND: dict[str, Any] = {}


@pytest.fixture
def found(run_device, runtime):
    """All stories, once per Python."""
    if runtime not in _FOUND:
        _FOUND[runtime] = run_device("duty_cases")
    return _FOUND[runtime]


def test_a_charger_ends_the_duty_once_its_contact_is_steady_and_taking_the_tag_begins_it(found):
    bouncing, early, steady = found["charger"]
    assert bouncing == early == [True]
    assert steady == [True, False]
    assert found["undocked"] == [True, False, True]
    assert found["starts docked"] == [False]


def test_an_order_ends_the_duty_over_restarts_until_the_tag_is_next_taken_along(found):
    ordered, restarted, taken = found["order"]
    assert ordered == [True, False]
    assert restarted == [False]
    assert taken == [False, True]
    assert found["order is over"] == [True]


def test_an_alarm_of_the_wearer_keeps_the_tag_on_duty_and_a_call_for_help_brings_it_back(found):
    assert found["alarm first"] == [[True], [True, False]]
    assert found["help from the charger"] == [True, False, True]


def test_off_duty_nothing_is_recorded_but_a_call_for_help_and_its_end(found):
    assert found["kept off duty"] == [kinds.SOS, kinds.CLEARED, kinds.CONFIRMED]
    assert found["kept on duty"] == len(kinds.KINDS)


def test_a_part_is_switched_off_until_that_succeeds_and_started_again_without_a_fault(found):
    assert found["part"] == ["start", "fault 0", "stop", 2000, "stop", 250, "start"]


def test_an_inertial_unit_that_cannot_be_switched_off_is_tried_again_after_a_pause_and_is_no_alarm(found):
    assert found["unit"] == [["stop", 2000, "stop", 2000, "stop", 250, "self-test"], []]


def test_with_an_inertial_unit_that_is_dead_a_tags_sensing_is_heard_of_on_and_off_duty(found):
    assert found["silence"] == [2000, 2000]
