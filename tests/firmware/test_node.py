"""A machine node: its machine's speed, the zones that follow from it, what it shows, and who is exempt."""

from typing import Any

import pytest

from tests.firmware.long_times import over

_FOUND: dict[str, Any] = {}
FULL_SPEED, SILENT = 2000, 1


@over("just started", "up 12 days, ticks wrap", "up 50 days")
def found(run_device, runtime, request):
    """All cases once per Python and time."""
    key = runtime + str(request.param)
    if key not in _FOUND:
        _FOUND[key] = run_device("node_cases", more=request.param)
    return _FOUND[key]


def test_pulses_give_the_speed(found):
    assert found["steady pulses"] == [1500, [True, 0]]  # 15 a second, ten a metre


def test_pulses_that_stop_while_the_drive_is_on_mean_full_speed_and_a_fault(found):
    assert found["pulses stop while the drive is on"] == [FULL_SPEED, [False, SILENT]]
    assert found["no pulse ever"] == [FULL_SPEED, [False, SILENT]]


def test_pulses_that_stop_while_the_drive_is_off_mean_standstill(found):
    assert found["pulses stop while the drive is off"] == [0, [True, 0]]


def test_a_fault_ends_when_the_pulses_come_back(found):
    assert found["pulses come back"] == [1500, [True, 0]]


def test_one_pulse_a_second_is_a_tenth_of_a_metre_and_never_less(found):
    assert min(found["slow pulses"]) >= 83
    assert max(found["slow pulses"]) <= 200


def test_a_register_gives_the_speed_whatever_its_sign(found):
    assert found["register"] == [[FULL_SPEED, 1000, 1000, 0], [0, 0, 0], [3, 3]]
    assert found["input register"] == [4, 3]
    assert found["faster than it can be"] == 9000


def test_a_register_that_goes_silent_means_full_speed_after_the_time_configured(found):
    assert found["register goes silent"][0] == [FULL_SPEED, 1000, 1000, 1000, FULL_SPEED, FULL_SPEED, 500]
    assert found["register goes silent"][1] == [0, SILENT, SILENT, 0]


def separation_mm(v_mm_s):
    """ISO/TS 15066 at constant speeds, in metres and seconds: Sh + Sr + Ss + C + Zd + Zr."""
    reaction_s, braking = 0.5, 1.0
    v = v_mm_s / 1000
    stop_s = v / braking
    return 1000 * (1.6 * (reaction_s + stop_s) + v * reaction_s + v * v / (2 * braking) + 0.2 + 0.3 + 0.1)


def test_the_inner_zone_is_the_protective_separation_distance_of_the_speed_of_now(found):
    zones = found["zones"]
    assert zones["at rest"] == [1500, 3000, False]  # the formula asks for 1400
    assert zones["slow"][0] == pytest.approx(separation_mm(500), abs=4)
    assert zones["fast"][0] == pytest.approx(separation_mm(2000), abs=4)
    assert zones["fast"][1] - zones["fast"][0] == 1500
    assert zones["no input"] == zones["fast"]
    assert zones["fixed"] == [1500, 3000, False]
    assert zones["beyond what an advert can say"][1] == 25_500


def test_a_person_who_stands_still_is_warned_when_the_machine_speeds_up_and_not_after_it_stopped(found):
    assert found["the same place while the machine speeds up and stops"] == [0, 2, 0]


def test_the_stack_light_says_who_is_where_and_the_relay_is_energised_only_while_all_is_clear(found):
    red_amber_green_buzzer_relay = found["signs"]
    assert red_amber_green_buzzer_relay == {
        "nobody watches yet": "11000",
        "all clear": "00101",
        "outer zone": "01001",
        "inner zone": "10010",
        "a sensor failed": "11000",
        "inner zone with a failed sensor": "10010",
        "mended": "00101",
        "nothing said for a second": "00101",
        "the watching task stands still": "11000",
        "identify": "11101",
    }
    assert found["slow at the outer zone"] == "01000"
    assert found["without any lamp"] is True
    assert (found["lamps work"], found["a lamp that does not follow"]) == (True, False)


def test_an_operator_paired_in_contact_is_not_warned_of_the_outer_zone_and_not_written_down(found):
    assert found["paired in contact"] is True
    level, said, records = found["operator in the outer zone"]
    assert (level, said) == (0, [["an", 0x80]])
    assert records in ([], [2])  # where the operator stood too near before the button was pressed


def test_an_operator_is_warned_of_the_inner_zone_as_everybody(found):
    assert found["operator in the inner zone"] == 2
    assert found["somebody else in the outer zone"] == 1


def test_the_exemption_follows_a_tag_over_the_rotation_of_its_id_by_the_tags_own_answer(found):
    assert found["id rotates and the tag answers for itself"] == [0, [["na", 0x80]]]
    assert found["a stranger with a wrong answer"] == 1


def test_while_the_operators_id_is_heard_nobody_takes_over_from_it(found):
    assert found["two at once with an answer"] == [True, False]


def test_the_exemption_ends_with_leaving_with_time_and_with_the_tag(found):
    assert found["left and came back"] == 1
    assert found["time is up"] == [0, 1]
    assert found["vanished operator"] == [True, None, None]


def test_the_button_pairs_with_nobody_when_no_tag_or_more_than_one_is_in_contact(found):
    assert found["nobody in contact"] is False
    assert found["two in contact"] is False


@pytest.mark.parametrize("moment", ["at", "just after"])
def test_a_press_while_the_operators_id_rotates_pairs_with_the_new_one(found, moment):
    said, blinks, with_new_id = found[f"press {moment} rotation"]
    assert said == ["jk log paired with a tag"]
    assert blinks == [True]
    if moment == "just after":
        assert with_new_id


def test_a_press_between_two_tags_that_stay_is_refused_without_a_blink(found):
    assert found["press between two"] == [["jk log no single tag in contact"], [], False]


def test_a_paired_tag_holds_back_its_own_warning_and_answers_in_its_advert(found):
    levels, answers = found["paired tag close to its machine"]
    assert (set(levels) <= {0}, answers) == (True, True)
    assert found["its answer after rotation"] is True
    assert found["paired tag in the inner zone"] == 2
    assert found["another is paired"] == [[1], None]


def test_a_ranging_module_that_dies_is_found_within_a_minute_although_nobody_is_near(found):
    assert found["the module dies while nobody is near"] == ["no answer", 3]


def test_a_program_that_hangs_loses_the_relay_and_its_green_within_a_second_and_gets_them_back(found):
    (clear, back), (danger, danger_back) = found["hung"]
    assert clear == ["00101"] * 3 + ["11000"] * 2  # red, amber, green, buzzer, relay; four times 250 ms
    assert back == "00101"
    assert danger == ["10010"] * 5  # whoever was in the inner zone is still warned
    assert danger_back == "10010"


def test_as_pulses_the_relay_is_asked_for_by_each_step_while_somebody_watches_and_by_none_in_danger(found):
    levels = found["pulses"]
    assert levels[:10] == [1, 0] * 5
    assert levels[20:30] in ([1, 0] * 5, [0, 1] * 5)
    assert levels[10:20] == [0] * 10
    assert levels[30:] == levels[28:30] * 5  # half a second after the last word of who watches
