"""A tag says in time that its battery is low, or will not last the shift, and says neither for nothing."""

from typing import Any

import pytest

from jikimi.wire import kinds

BATTERY = 13  # jikimi.edge.warn
_FOUND: dict[str, Any] = {}


@pytest.fixture
def found(run_device, runtime):
    """All shifts, once per Python."""
    if runtime not in _FOUND:
        _FOUND[runtime] = run_device("battery_cases")
    return _FOUND[runtime]


def test_the_curve_ends_at_empty_and_full(found):
    assert found["curve"] == [0, 0, 100, 500, 1000, 1000]


def test_a_forecast_needs_twenty_minutes_and_a_charge_that_falls(found):
    assert found["few"] is None
    assert found["flat"] is None
    assert found["rising"] is None
    assert found["line"] == (500 - 2 * 29) // 2


def test_a_battery_that_lasts_gives_no_warning_in_ten_hours_of_noise(found):
    assert found["good"] == [[], []]


def test_a_battery_that_will_not_last_is_told_hours_before_it_is_low(found):
    records, shown = found["short"]
    (short_at, short, data), (low_at, low, _) = records[:2]
    assert [short, low] == [kinds.BATTERY_SHORT, kinds.LOW_BATTERY]
    assert short_at <= 30
    told = dict(data)
    assert told[kinds.LASTS_MIN] == pytest.approx(600 / 120 * 60 - short_at, rel=0.3)
    assert told[kinds.NEEDED_MIN] == 600 - short_at
    assert low_at == pytest.approx(250, abs=10)
    assert shown == [BATTERY, BATTERY]
    assert [kind for _at, kind, _data in records].count(kinds.BATTERY_SHORT) == 1


def test_without_a_known_shift_there_is_no_forecast(found):
    assert found["no shift"] == [[], []]


def test_an_alarm_about_a_shift_ends_when_a_new_configuration_knows_of_none(found):
    assert found["configured away"] == [[kinds.CLEARED], 0]


def test_a_battery_that_was_charged_ends_the_alarm(found):
    records, _shown = found["charged"]
    assert [kind for _at, kind, _data in records] == [kinds.BATTERY_SHORT, kinds.CLEARED]
    assert 120 < records[1][0] <= 200


def test_a_voltage_of_a_cell_is_no_fault(found):
    assert found["fault"] == [0]
