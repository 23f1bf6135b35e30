"""What a wearer may cancel, must answer, can call for silently, and is told."""

from typing import Any

from jikimi.wire import kinds
from tests.firmware.long_times import over

OFF = [0, 0, 0, 0, 0]  # vibration, tone, red, amber, green
ALARM = [1, 1, 1, 0, 0]
FALL = [kinds.FALL, [[kinds.CONFIDENCE_PERMILLE, 900], [kinds.CANCEL_MS, 30_000]]]
_FOUND: dict[str, Any] = {}


@over()
def found(run_device, runtime, request):
    """The same shift for all questions, once per Python and time."""
    key = runtime + str(request.param)
    if key not in _FOUND:
        _FOUND[key] = run_device("alarm_cases", more=request.param)
    return _FOUND[key]


def test_a_fall_is_alarmed_and_recorded_at_once_although_it_may_be_cancelled(found):
    assert found["at once"] == [ALARM, [FALL]]


def test_a_fall_cancelled_in_time_is_cleared_and_never_confirmed(found):
    cancelled = [kinds.CLEARED, [[kinds.REF_SEQ, 1], [kinds.WHY, kinds.WHY_CANCELLED]]]
    assert found["cancelled in time"] == [OFF, [cancelled]]


def test_a_fall_that_nobody_cancels_is_confirmed_once_and_stays_on(found):
    assert found["not cancelled"] == [ALARM, [[kinds.CONFIRMED, [[kinds.REF_SEQ, 1]]]]]


def test_a_check_in_asks_after_its_time_and_an_answer_gives_a_whole_period(found):
    before, asked, answered, records = found["answered"]
    assert before == answered == OFF
    assert asked == [1, 1, 0, 1, 0]
    assert records == []


def test_a_check_in_that_nobody_answers_is_an_alarm(found):
    assert found["not answered"] == [ALARM, [[kinds.CHECK_IN_MISSED, []]]]


def test_at_both_ends_of_its_range_a_check_in_comes_to_the_second_and_the_alarm_a_minute_later(found):
    assert found["bounds"] == [[5 * 60, 60], [180 * 60, 60]]


def test_nobody_is_asked_where_check_in_is_not_configured(found):
    assert found["no check-in"] == []


def test_a_silent_call_for_help_is_felt_and_never_seen_or_heard_nor_ended_by_the_button(found):
    felt, seen, records, in_alarm, after_restart = found["silent"]
    assert felt == seen == [1, 0, 0, 0, 0]
    assert records == [[kinds.SOS, [[kinds.SILENT, 1]]]]
    assert in_alarm is False
    assert after_restart == []


def test_help_on_its_way_is_shown_for_the_alarm_that_is_meant_until_another_one_is_raised(found):
    other, seen, later, raised = found["help"]
    assert other == raised == ALARM
    assert seen == [1, 0, 0, 0, 1]
    assert later == [1, 0, 1, 0, 1]


def test_a_wearer_who_does_not_hear_feels_every_tone_and_one_without_colours_sees_every_light(found):
    assert found["deaf"] == [1, 0, 1, 0, 0]
    assert found["colourless"] == [1, 1, 1, 1, 1]
