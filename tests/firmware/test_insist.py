"""An alarm is told again until a person has taken it on: not never, not for ever, and without a flood."""

import itertools
from typing import Any

from jikimi.wire import kinds
from tests.firmware.long_times import over

OFF, ALARM, FELT, SEEN, HELP, STORED = 0, 3, 8, 4, 7, 9  # jikimi.edge.warn
_FOUND: dict[str, Any] = {}


@over("just started", "up 12 days, ticks wrap", "up 50 days", "clock jumps back")
def found(run_device, runtime, request):
    """All stories, once per Python and time."""
    key = runtime + str(request.param)
    if key not in _FOUND:
        _FOUND[key] = run_device("insist_cases", more=request.param)
    return _FOUND[key]


def test_what_has_not_reached_the_site_is_not_asked_about_and_shown_as_on_its_way(found):
    assert found["offline"] == [[], ALARM]


def test_once_the_site_has_it_the_wearer_sees_that_and_the_tag_asks_for_a_person(found):
    times, shown, data = found["stored"]
    assert times == [3631, 3691]  # stored with the first second of the connection
    assert shown == STORED
    assert data == [[kinds.REF_SEQ, 1], [kinds.WAITING_MS, 3_630_000], [kinds.ALARM_KIND, kinds.SOS]]


def test_a_person_who_takes_it_on_is_shown_and_ends_the_asking_over_restarts_too(found):
    assert found["seen"] == [2, HELP, [SEEN]]
    assert found["seen, after a restart"] == [0, HELP]


def test_the_pauses_grow_to_ten_minutes_and_go_on_for_the_whole_shift(found):
    times, count = found["ten hours"]
    assert [later - earlier for earlier, later in itertools.pairwise(times)] == [60, 120, 240, 480, 600, 600]
    assert count == 4 + (36_000 - 931 + 480) // 600


def test_after_a_restart_the_tag_goes_on_asking_about_the_alarm_of_the_boot_before(found):
    times, data, shown = found["after a restart"]
    assert times == [31]
    assert data[:2] == [[kinds.REF_SEQ, 1], [kinds.REF_BOOT, 1]]
    assert shown == STORED


def test_one_question_at_a_time_is_on_its_way_however_long_the_site_is_gone(found):
    assert found["site gone"] == [1, 1]


def test_an_alarm_that_has_ended_is_not_asked_about(found):
    assert found["ended"] == [1, OFF]


def test_a_silent_call_is_asked_about_over_restarts_and_never_shown(found):
    assert found["silent"] == [OFF, 1, 1, OFF]


def test_an_alarm_the_flash_did_not_take_is_written_when_it_works_again(found):
    assert found["flash back"] == [[ALARM, 0], 1, ALARM]
