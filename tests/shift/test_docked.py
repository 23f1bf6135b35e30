"""On its charger a tag says that it is docked, and then neither advertises, records nor sends anything."""

from __future__ import annotations

import pytest

from jikimi.wire import kinds, messages, topics
from tests.shift.conftest import Plant, Tag, until

UWB_LISTENS, UWB_SLEEPS = "0", "2"


@pytest.fixture(scope="module")
def tag(plant: Plant) -> Tag:
    return plant.add_tag(alarms={"check_in_min": 5})


def _mode(tag: Tag) -> str:
    return tag.plant.world.do(lambda: tag.plant.world.hardware(tag.device).uwb.settings["MODE"])


def _statuses(tag: Tag) -> list[str]:
    return [birth.status for birth in tag.said(topics.STATE)]


def _lit(tag: Tag, since_s: float) -> set[str]:
    return {out.name for out in tag.plant.world.outputs(tag.device) if out.t_s > since_s and out.level}


def _dock(tag: Tag) -> None:
    """On its charger, everything said."""
    tag.plant.world.set_docked(tag.device, True)
    until(lambda: _statuses(tag)[-1] == "docked", "the farewell")


def _undock(tag: Tag) -> None:
    tag.plant.world.set_docked(tag.device, False)
    until(lambda: _statuses(tag)[-1] == "online", "the birth")


def test_on_duty_it_advertises_and_a_green_light_says_so(tag):
    until(lambda: tag.adverts > 4, "adverts")
    until(lambda: "led_green" in _lit(tag, 0), "the light of duty")
    until(lambda: _mode(tag) == UWB_LISTENS, "the ranging module awake")


def _nothing_open(tag: Tag) -> None:
    until(lambda: not tag.plant.store.open_alarms(), "the end of what was open")


def test_what_the_shift_owes_goes_out_first_then_it_says_docked_then_nothing_leaves(tag):
    _undock(tag)
    _nothing_open(tag)
    boots, lines, since = tag.board.boots, len(tag.board.lines()), len(tag.plant.ear.heard)
    world, faults = tag.plant.world, tag.plant.world.faults(tag.device)
    faults.imu_nak = True  # an alarm, so that there is something to send
    tag.wait_line(rf"^jk rec \d+ 0 \d+ {kinds.SENSOR_FAULT} ", lines)
    _dock(tag)
    until(lambda: kinds.SENSOR_FAULT in tag.records(since), "the alarm of the shift")
    until(lambda: _mode(tag) == UWB_SLEEPS, "the ranging module asleep")
    since, adverts, began_s, lines = len(tag.plant.ear.heard), tag.adverts, world.now(), len(tag.board.lines())
    faults.imu_nak = False  # on duty this would end the alarm, with a record
    until(lambda: world.now() > began_s + 4, "four seconds on the charger")
    assert tag.adverts == adverts
    assert tag.plant.ear.heard[since:] == []
    assert not [line for line in tag.board.lines(lines) if line.startswith("jk rec ")]
    assert _lit(tag, began_s) == set()
    assert _mode(tag) == UWB_SLEEPS
    _undock(tag)
    assert tag.board.boots == boots
    _nothing_open(tag)


def test_it_starts_docked_without_a_word_on_the_air(tag):
    _dock(tag)
    adverts, since = tag.adverts, len(tag.plant.ear.heard)
    lines = len(tag.board.lines())
    tag.board.reset()
    tag.wait_line("^jk link up ", lines)
    until(lambda: tag.said(topics.STATE, since), "its state")
    assert {birth.status for birth in tag.said(topics.STATE, since)} == {"docked"}
    assert tag.adverts == adverts
    assert tag.records(since) == []


def test_a_call_for_help_from_the_charger_gets_through_and_the_tag_then_docks_again(tag):
    _dock(tag)
    lines = len(tag.board.lines())
    tag.press(2.0)
    tag.wait_line(rf"^jk rec \d+ 0 \d+ {kinds.SOS} ", lines)
    alarm = until(lambda: [a for a in tag.plant.store.open_alarms() if a.kind == "sos"], "the call at the site")[0]
    until(lambda: _statuses(tag)[-1] == "online", "the birth")
    tag.press(0.6)
    until(lambda: alarm.id not in [a.id for a in tag.plant.store.open_alarms()], "its end at the site")
    until(lambda: _statuses(tag)[-1] == "docked", "the farewell")


def test_taken_off_the_charger_it_is_on_duty_again(tag):
    _dock(tag)
    adverts = tag.adverts
    _undock(tag)
    until(lambda: tag.adverts > adverts, "adverts")
    _nothing_open(tag)
    until(lambda: _mode(tag) == UWB_LISTENS, "the ranging module awake")


def test_the_site_can_end_and_begin_the_duty(tag):
    _undock(tag)
    tag.order(messages.CMD_DUTY, {messages.ARG_ON: 0})
    until(lambda: _statuses(tag)[-1] == "docked", "the farewell")
    tag.order(messages.CMD_DUTY, {messages.ARG_ON: 1})
    until(lambda: _statuses(tag)[-1] == "online", "the birth")
