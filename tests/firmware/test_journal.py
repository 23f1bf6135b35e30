"""The journal survives everything a battery and a flash can do to it."""

import json

import pytest

from tests.firmware.long_times import TIMES


def test_power_cut_inside_every_file_operation_leaves_a_journal_that_lost_nothing(run_device):
    result = run_device("journal_cut")
    assert result["cuts"] == 3 * result["operations"]
    assert result["operations"] > 70


def test_events_never_push_out_an_alarm_and_what_made_room_is_reported_with_its_count(run_device):
    result = run_device("journal_full")
    assert result["alarms"] == 5
    assert result["lost_count"] == result["evicted"] > 0
    assert result["events"] + result["lost_count"] == 5000 + result["lost_records"]
    assert result["files"] <= 6
    assert result["bytes"] <= 6 * 4096


def test_reports_of_lost_records_survive_being_pushed_out_themselves(run_device):
    result = run_device("journal_full")
    assert result["lost_first"] == 1


def test_a_damaged_segment_is_reported_lost_and_does_not_block_what_follows(run_device):
    result = run_device("journal_damaged")
    assert result["sent"] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert result["after_damage"] == result["kept"]
    assert result["lost"] == result["gone"]


def test_a_segment_that_does_not_read_holds_up_nothing_and_is_sent_once_it_does(run_device):
    assert run_device("journal_worn")["reading"] == [True, True, True, True]


def test_an_alarm_that_the_flash_does_not_take_is_held_in_memory_and_sent_in_its_place(run_device):
    found = run_device("journal_worn")
    assert found["held"] == [[[0, 2]], [[1, 1, 1], [1, 2, 2]], 2, True]
    assert found["events are not held"]
    assert found["in order"] == [[1, 1, 1], [1, 2, 2], [1, 3, 3]]
    assert found["acknowledged"] == [[[1, 3, 3]], False, 1]


def test_only_so_many_alarms_are_held_and_acknowledged_ones_make_room(run_device):
    found = run_device("journal_worn")
    assert found["most"] == [True, True]
    assert found["room again"] == [False, 1]
    assert found["after a restart"] == [[13, 2]]


_DAY_MS = 86_400_000
_NOW_MS = 1_790_000_000_000


@pytest.mark.parametrize("time", list(TIMES)[:4])
@pytest.mark.parametrize(
    "clocks",
    [
        [1000, None, 5000],
        [_NOW_MS, _NOW_MS + 400 * _DAY_MS, None],  # the clock was put on a year
        [_NOW_MS, _NOW_MS - 400 * _DAY_MS, _NOW_MS],  # and back
        [None, _NOW_MS, 0],
    ],
    ids=["lost", "jumps forward", "jumps back", "begins anew"],
)
def test_records_of_an_earlier_boot_are_sent_under_their_own_boot_and_clock(run_device, clocks, time):
    qualities = [0 if epoch is None else 1 for epoch in clocks]
    boots = [[epoch, quality, n] for epoch, quality, n in zip(clocks, qualities, (2, 1, 0), strict=True)]
    sent = run_device("journal_boots", json.dumps(boots), more=TIMES[time])
    assert sent == [[1, clocks[0], qualities[0], [[1, 0], [2, 1]]], [2, clocks[1], qualities[1], [[1, 0]]]]
