"""At every beginning of duty a tag says which of its parts work; a dead, frozen or lying sensor is an alarm."""

from __future__ import annotations

import pytest

from jikimi.wire import kinds, topics
from tests.shift.conftest import Plant, Tag, until

ALL = sum(1 << part for part in (kinds.SENSOR_IMU, kinds.SENSOR_BLE, kinds.SENSOR_UWB))
ALL |= 1 << kinds.SENSOR_FLASH | 1 << kinds.SENSOR_BATTERY
IMU = 1 << kinds.SENSOR_IMU


@pytest.fixture(scope="module")
def tag(plant: Plant) -> Tag:
    """Tested already: a sensor that fails in its own test is bad for as long as the duty."""
    tag = plant.add_tag()
    until(lambda: _results(tag), "the result of the first test")
    return tag


def _results(tag: Tag) -> list[tuple[int, int]]:
    """(passed, failed) of each self-test."""
    found = {}
    for batch in tag.said(topics.EVENT):
        for record in batch.records:
            if record.kind == kinds.SELF_TEST:
                found[batch.boot, record.seq] = (record.data[kinds.PASSED], record.data[kinds.FAILED])
    return list(found.values())


def _faults(tag: Tag) -> list[tuple[str, str]]:
    """(sensor, how) of each fault raised so far."""
    rows = tag.plant.store.recent_records(1000)
    ours = [row for row in rows if row.device == tag.device and row.kind == "sensor_fault"]
    return [(row.data["sensor"], row.data["fault"]) for row in ours]


def _open(tag: Tag) -> list[str]:
    return [alarm.kind for alarm in tag.plant.store.open_alarms() if alarm.device == tag.device]


def _begin_duty(tag: Tag) -> None:
    lines = len(tag.board.lines())
    tag.plant.world.set_docked(tag.device, True)
    tag.wait_line("^jk duty off", lines)
    tag.plant.world.set_docked(tag.device, False)
    tag.wait_line("^jk duty on", lines)


def test_all_parts_of_a_good_tag_pass_and_each_output_is_shown_once(tag):
    until(lambda: _results(tag) == [(ALL, 0)], "the result")
    outputs = {"haptic", "buzzer", "led_red", "led_amber", "led_green"}
    until(lambda: {out.name for out in tag.plant.world.outputs(tag.device) if out.level} == outputs, "all of them")


def test_a_sensor_that_says_the_same_for_ever_is_an_alarm_until_it_lives_again(tag):
    tag.plant.world.faults(tag.device).imu_frozen = True
    until(lambda: ("imu", "frozen") in _faults(tag), "the alarm")
    tag.plant.world.faults(tag.device).imu_frozen = False
    until(lambda: _open(tag) == [], "its end")


def test_a_sensor_that_does_not_answer_is_an_alarm_until_it_answers(tag):
    tag.plant.world.faults(tag.device).imu_nak = True
    until(lambda: ("imu", "silent") in _faults(tag), "the alarm")
    tag.plant.world.faults(tag.device).imu_nak = False
    until(lambda: _open(tag) == [], "its end")


def test_a_sensor_that_does_not_react_to_its_own_test_is_an_alarm_although_it_gives_samples(tag):
    chip = tag.plant.world.do(lambda: tag.plant.world.hardware(tag.device).imu)
    chip.stuck_axis = 1
    _begin_duty(tag)
    until(lambda: _results(tag)[-1:] == [(ALL & ~IMU, IMU)], "the result")
    until(lambda: ("imu", "self-test") in _faults(tag), "the alarm")
    assert _open(tag) == ["sensor_fault"]
    chip.stuck_axis = None
    _begin_duty(tag)
    until(lambda: _open(tag) == [], "its end after a good test")
    until(lambda: _results(tag)[-1] == (ALL, 0), "the result, an event, which waits for what ends the alarm")


def test_a_voltage_no_cell_has_is_an_alarm(tag):
    tag.plant.world.set_battery(tag.device, 5000)
    _begin_duty(tag)
    until(lambda: ("battery", "self-test") in _faults(tag), "the alarm")
    tag.plant.world.set_battery(tag.device, 4000)
    _begin_duty(tag)
    until(lambda: _open(tag) == [], "its end")
