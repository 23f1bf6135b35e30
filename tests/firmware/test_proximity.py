"""People walk past machines: who is warned, and what is written down afterwards."""

from typing import Any

from tests.firmware.long_times import over

_FOUND: dict[str, Any] = {}


@over("just started", "up 12 days, ticks wrap", "up 25 days", "up 50 days")
def found(run_device, runtime, request):
    """The same walks for all questions, once per Python and time."""
    key = runtime + str(request.param)
    if key not in _FOUND:
        _FOUND[key] = run_device("proximity_cases", more=request.param)
    return _FOUND[key]


def test_one_who_passes_is_warned_twice_and_leaves_one_near_miss(found):
    passing = found["passing"]
    assert [level for level, _ in passing["levels"]] == [1, 2, 1, 0]
    assert {source for _, source in passing["levels"]} == {2}
    assert passing["records"] == 1


def test_the_near_miss_has_level_nearest_distance_speed_dwell_and_the_id_of_the_hour(found):
    first = found["passing"]["first"]
    assert first["level"] == 2
    assert 1000 <= first["min"] <= 1150
    assert 1300 <= first["closing"] <= 1700  # 150 mm per 100 ms
    assert 2500 <= first["dwell"] <= 4000
    assert first["who"] == b"anna-ida".hex()
    assert first["period"] == 1_790_000_000 // 900


def test_the_period_is_null_while_the_node_has_no_clock_and_known_as_soon_as_it_has_one(found):
    assert found["clock set late"] == [None, 1_790_000_000 // 900]


def test_one_who_stays_outside_is_not_warned_and_not_written_down(found):
    assert found["outside"] == [[], []]


def test_a_tag_that_vanishes_inside_the_zone_ends_its_near_miss(found):
    assert found["vanished"] == [1, 0, 0]


def test_a_distance_that_flickers_around_the_border_is_one_near_miss_at_most(found):
    assert found["flicker"] == [0, 1]


def test_a_crowd_does_not_take_more_memory_than_there_is(found):
    assert found["crowd"] == 12


def test_strength_of_adverts_counts_only_where_uwb_has_not_answered_for_seconds(found):
    before, after = found["no answer"]
    assert before == []
    assert after[0][0] in (1, 2)
    assert after[0][1] == 1


def test_without_uwb_weak_adverts_warn_of_nothing_and_strong_ones_do(found):
    weak, strong = found["ble only"]
    assert weak == []
    assert strong


def test_the_advert_names_the_most_endangered_first(found):
    assert found["advert"] == [["an", 2], ["bo", 1]]


def test_a_tag_is_warned_by_the_measurement_itself_and_lets_go_when_it_is_not_repeated(found):
    levels, warnings = found["tag by uwb"]
    assert levels == [[1, 2], [2, 2], [0, 1]]
    assert warnings == [[1, 2900], [2, 1400]]


def test_a_tag_takes_the_warning_of_a_nodes_advert_only_when_it_is_meant(found):
    other, own = found["tag by advert"]
    assert other == []
    assert own == [[2, 1]]


def test_a_tag_without_uwb_warns_itself_by_strong_adverts(found):
    assert found["tag by strength"]
    assert found["tag by strength"][0][1] == 1


def test_forged_adverts_neither_stop_a_tag_nor_warn_it_and_an_honest_one_still_does(found):
    assert found["forged adverts"] == []
    assert found["an honest advert after forged ones"] == [[2, 1]]


def test_one_who_is_near_for_forty_days_is_warned_on_the_last_as_on_the_first(found):
    assert found["for forty days"] == [1, 1, 2]


def test_adverts_that_come_faster_than_they_are_heard_do_not_hold_up_the_rest_and_none_is_forgotten(found):
    at_once, then = found["a crowd that talks faster"]
    assert 0 < at_once < then < 1000


def test_what_was_heard_as_the_radio_was_switched_off_warns_nobody_when_it_is_on_again(found):
    assert found["switched off and on"] == [True, True]
