"""From the store to a snapshot: what the page may say and what it must withhold."""

from __future__ import annotations

import time

import pytest

from jikimi.fleet.errors import SiteError, StoreError
from jikimi.fleet.store import NewRecord, Presence, Store
from jikimi.fleet.web import floor_plan, fragments
from jikimi.fleet.web.live import Live
from jikimi.fleet.web.snapshot import Snapshot
from jikimi.fleet.web.texts import text
from jikimi.wire import kinds


def _look(plant) -> Snapshot:
    live = Live(plant.store, plant.site.name, floor_plan.load(plant.site.floor_path))
    live.look()
    return live.current


def test_a_fall_is_an_open_alarm_with_zone_and_label(plant):
    plant.report(plant.tag, NewRecord(1, kinds.FALL, 60_000, {kinds.CONFIDENCE_PERMILLE: 930}))
    snap = _look(plant)
    assert [(a.kind, a.name, a.zone, a.state) for a in snap.alarms] == [("fall", "Tag 1", "hall", "open")]
    assert (snap.events[0].kind, snap.events[0].name, snap.events[0].detail) == ("fall", "Tag 1", ("93 %",))


def test_a_silent_sos_says_that_nobody_should_call_out(plant):
    plant.report(plant.tag, NewRecord(1, kinds.SOS, 60_000, {kinds.SILENT: 1}))
    snap = _look(plant)
    assert snap.events[0].detail == ("silent",)
    assert [alarm.silent for alarm in snap.alarms] == [True]


def test_a_warning_of_a_tag_names_neither_tag_nor_zone(plant):
    data = {kinds.LEVEL: kinds.LEVEL_WARN, kinds.SOURCE: kinds.SOURCE_UWB, kinds.DISTANCE_MM: 2000}
    plant.report(plant.tag, NewRecord(1, kinds.WARNING, 60_000, data))
    (event,) = _look(plant).events
    assert (event.kind, event.device, event.name, event.zone, event.detail) == ("warning", "", "—", "—", ())


@pytest.mark.parametrize("value", ["fast", b"\xff", None, -(2**53) + 1, 2**53 - 1])
def test_what_a_device_claims_is_shown_or_left_out_whatever_its_type(plant, value):
    claims = dict.fromkeys(range(1, 31), value)
    for kind, seq in ((kinds.FALL, 1), (kinds.SENSOR_FAULT, 2), (kinds.CLEARED, 3), (kinds.NEAR_MISS, 4)):
        plant.send(plant.tag, kinds.STREAM_ALARM, NewRecord(seq, kind, 60_000, claims))
    plant.near_misses(5)
    plant.report(plant.node, NewRecord(6, kinds.NEAR_MISS, 60_000, claims))
    snap = _look(plant)
    assert {alarm.kind for alarm in snap.alarms} == {"fall", "sensor_fault"}
    assert "fast" not in str([event.detail for event in snap.events if event.kind != "cleared"])
    assert fragments.events_html(snap.events, "ko")


def test_an_alarm_of_a_year_that_no_calendar_has_is_shown_without_a_time(plant):
    plant.send(plant.tag, kinds.STREAM_ALARM, NewRecord(1, kinds.FALL, 0, {}), boot_epoch_ms=2**53 - 1)
    snap = _look(plant)
    assert "?" in fragments.alarm_html(snap.alarms[0], snap.now_ms, "en")
    assert "?" in fragments.events_html(snap.events, "en")


@pytest.mark.parametrize("kind", [kinds.WARNING, kinds.NEAR_MISS, kinds.BENDS])
def test_only_alarms_name_their_device_whatever_the_stream_a_record_was_sent_in(plant, kind):
    plant.send(plant.tag, kinds.STREAM_ALARM, NewRecord(1, kind, 60_000, {kinds.LEVEL: 1, kinds.DISTANCE_MM: 700}))
    (event,) = _look(plant).events
    assert (event.device, event.name, event.zone, event.detail) == ("", "—", "—", ())


def test_near_misses_of_four_people_are_counted_nowhere_and_name_no_machine(plant):
    plant.near_misses(4)
    snap = _look(plant)
    assert [cell.count for cell in snap.near_misses] == [None]
    assert [machine.count for machine in snap.machines] == [None]
    assert snap.machines[0].last_near_miss_ms == 0
    assert {event.name for event in snap.events} == {"—"}


def test_near_misses_of_five_people_are_shown(plant):
    plant.near_misses(5)
    snap = _look(plant)
    assert [cell.count for cell in snap.near_misses] == [5]
    assert [machine.count for machine in snap.machines] == [5]
    assert snap.machines[0].last_near_miss_ms > 0
    assert snap.events[0].name == "Press A"
    assert snap.events[0].detail == ("1.3 m", "0.9 m/s", "2.0 s")


@pytest.mark.parametrize("into_hour_ms", [0, 59_999, 450_000, 840_000, 3_599_999])
def test_the_group_of_a_finished_period_is_shown_whatever_the_time_of_day(plant, monkeypatch, into_hour_ms):
    midnight_ms = 1_790_035_200_000
    monkeypatch.setattr(time, "time_ns", lambda: (midnight_ms + into_hour_ms) * 1_000_000)
    plant.near_misses(5)
    assert [cell.count for cell in _look(plant).near_misses] == [5]


@pytest.mark.parametrize(
    ("kind", "data", "detail", "english", "korean"),
    [
        (
            kinds.SENSOR_FAULT,
            {kinds.SENSOR: kinds.SENSOR_IMU, kinds.FAULT: kinds.FAULT_SILENT},
            ("sensor_imu", "fault_silent"),
            "inertial unit, does not answer",
            "관성 센서, 응답 없음",
        ),
        (kinds.SENSOR_FAULT, {kinds.SENSOR: kinds.SENSOR_UWB}, ("sensor_uwb",), "UWB", "UWB"),
        (kinds.SENSOR_FAULT, {kinds.SENSOR: 99, kinds.FAULT: 99}, (), "", ""),
        (kinds.LOW_BATTERY, {kinds.BATTERY_PCT: 9}, ("9 %",), "9 %", "9 %"),
    ],
)
def test_a_fault_says_which_part_it_is_and_how_it_fails(plant, kind, data, detail, english, korean):
    plant.report(plant.node, NewRecord(1, kind, 60_000, data))
    (event,) = _look(plant).events
    assert event.detail == detail
    for lang, words in (("en", english), ("ko", korean)):
        assert ", ".join(text(word, lang) for word in event.detail) == words


class _Asked(Store):
    """A store that counts how often all devices are asked for; that takes `cost_s` of a clock which stands else."""

    def __init__(self, plant, monkeypatch: pytest.MonkeyPatch, cost_s: float) -> None:
        super().__init__(plant.store._engine, plant.site.name)
        self.times, self.now_s, self._cost_s = 0, 1_000.0, cost_s
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)

    def presence(self, most: int) -> Presence:
        self.times += 1
        self.now_s += self._cost_s
        return super().presence(most)


def test_what_is_stored_is_shown_without_reading_the_devices_again(plant, monkeypatch):
    store = _Asked(plant, monkeypatch, cost_s=0.0)
    live = Live(store, plant.site.name, floor_plan.load(plant.site.floor_path))
    live.look()
    for seq in range(1, 21):
        plant.report(plant.tag, NewRecord(seq, kinds.BENDS, seq * 1000, {kinds.COUNT: seq}))
        before = live.current
        live.look()
        assert live.current is not before
        assert live.current.devices == before.devices
    assert store.times == 1


@pytest.mark.parametrize(("cost_s", "times"), [(0.0, 60), (0.5, 12), (5.0, 2)])
def test_devices_are_read_each_second_and_never_for_more_than_a_tenth_of_the_time(plant, monkeypatch, cost_s, times):
    store = _Asked(plant, monkeypatch, cost_s)
    live = Live(store, plant.site.name, floor_plan.load(plant.site.floor_path))
    end_s = store.now_s + 60
    while store.now_s < end_s:
        live.look()
        store.now_s += 0.25
    assert 0 < store.times <= times


def test_the_snapshot_is_kept_until_something_is_stored(plant):
    live = Live(plant.store, plant.site.name, floor_plan.load(plant.site.floor_path))
    live.look()
    first = live.current
    live.look()
    assert live.current is first
    plant.near_misses(1)
    live.look()
    assert live.current is not first


def test_a_broken_database_is_an_error_the_caller_sees(plant, monkeypatch):
    live = Live(plant.store, plant.site.name, floor_plan.load(plant.site.floor_path))

    def broken() -> int:
        raise StoreError("the database is away")

    monkeypatch.setattr(plant.store, "last_id", broken)
    with pytest.raises(StoreError):
        live.look()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "not a floor plan"),
        ('{"width_mm": 1}', "height_mm"),
        ('{"width_mm": 0, "height_mm": 1, "zones": [], "machines": []}', "width_mm"),
        ('{"width_mm": 1, "height_mm": 1, "zones": [{"name": "x"}], "machines": []}', "not a floor plan"),
    ],
)
def test_a_damaged_floor_plan_is_named(tmp_path, content, word):
    path = tmp_path / "floor.json"
    path.write_text(content)
    with pytest.raises(SiteError, match=word):
        floor_plan.load(path)
