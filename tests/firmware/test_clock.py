"""Time is what the chip knows, or nothing."""

from datetime import UTC, datetime

import pytest

pytestmark = pytest.mark.parametrize("runtime", ["micropython"])


def test_a_chip_just_powered_up_has_no_utc(run_device):
    assert run_device("clock_cases")["unset"] == [None, 0]


def test_the_sites_time_is_taken_once_and_set_on_the_chip(run_device):
    result = run_device("clock_cases")
    assert result["taken"] == [True, False, 2]
    moment = datetime.fromtimestamp(1_790_000_123, UTC)
    assert result["chip"][:3] == [moment.year, moment.month, moment.day]
    assert result["chip"][4:] == [moment.hour, moment.minute, moment.second, 456_000]


def test_the_calendar_is_right_around_leap_days(run_device):
    days = ((2026, 11, 24), (2028, 2, 29), (2028, 3, 1), (2100, 2, 28), (2100, 3, 1), (2025, 1, 1))
    expected = [int(datetime(*day, 12, 34, 56, tzinfo=UTC).timestamp()) * 1000 + 789 for day in days]
    assert run_device("clock_cases")["said"] == expected


UNKNOWN = [None, 0]


def test_a_clock_that_was_put_at_the_sites_beginning_is_not_believed_by_any_later_start(run_device):
    result = run_device("clock_cases")
    since = datetime.fromtimestamp(1_790_000_000, UTC)
    assert result["guessed"] == [[since.year, since.month, since.day], UNKNOWN]
    assert result["a year after the guess"] == [None, UNKNOWN]
    assert result["guessed again"] == [[since.year, since.month, since.day], UNKNOWN]


def test_once_the_site_has_told_the_time_every_later_start_believes_it_until_the_power_goes(run_device):
    result = run_device("clock_cases")
    assert result["told"] == result["told stays told"] == [1_800_000_000_000, 1]
    assert result["a year after it was told"] == 1
    assert result["after a power cut"] == UNKNOWN
