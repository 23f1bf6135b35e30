"""The store: what one commit does."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from jikimi.fleet.errors import MessageError, StoreError
from jikimi.fleet.store import (
    Batch,
    DeadLetter,
    Outcome,
    RecordMessage,
    Source,
    Store,
    StreamKey,
    event_time_ms,
    schema,
)
from jikimi.fleet.store.engine import make_engine
from jikimi.wire import kinds
from tests.fleet_ingest.build import BOOT_MS, SITE, events, message, near_miss, person, report, set_state, tables

ALARM, EVENT = kinds.STREAM_ALARM, kinds.STREAM_EVENT
T1 = StreamKey("t1", 1, EVENT)


def put(store: Store, *messages: RecordMessage) -> Outcome:
    return store.store_batch(Batch(messages=messages))


def test_a_commit_is_on_the_disk_before_it_returns(store):
    with store._writing() as connection:
        if connection.dialect.name == "postgresql":
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"  # the server says off
            return
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_records_are_stored_once_and_repeated_ones_counted(store):
    assert put(store, events("t1", 1, 2)).stored == 2
    again = put(store, events("t1", 2, 3), events("t1", 3))
    assert (again.stored, again.duplicates) == (1, 2)
    assert [row.seq for row in store.records_after(0)] == [1, 2, 3]


def test_the_acknowledgement_covers_what_has_nothing_missing_below(store):
    assert put(store, events("t1", 1, 2, 4)).acks == {T1: 2}
    assert put(store, events("t1", 6)).acks == {T1: 2}
    assert put(store, events("t1", 3)).acks == {T1: 4}
    assert put(store, events("t1", 5)).acks == {T1: 6}


def test_an_acknowledgement_walks_over_more_records_than_one_query_returns(store):
    put(store, events("t1", *range(2, 1000)))
    assert put(store, events("t1", 1)).acks == {T1: 999}


def test_repetitions_far_apart_and_within_a_batch_are_told_from_what_is_new(store):
    put(store, events("t1", 1, 2, 500, 9000), events("t2", 7))
    outcome = put(store, events("t1", 2, 3, 501, 9000), events("t1", 3, 4), events("t1", 4), events("t2", 7, 8))
    assert (outcome.stored, outcome.duplicates) == (4, 5)
    seqs = sorted((row.device, row.seq) for row in store.records_after(0))
    assert seqs == [*(("t1", n) for n in (1, 2, 3, 4, 500, 501, 9000)), ("t2", 7), ("t2", 8)]


def test_a_repeated_message_is_acknowledged_again(store):
    put(store, events("t1", 1))
    assert put(store, events("t1", 1)).acks == {T1: 1}


def test_records_declared_lost_count_as_accounted_for(store):
    put(store, events("t1", 1, 6))
    lost = {kinds.LOST_COUNT: 4, kinds.LOST_BOOT: 1, kinds.LOST_STREAM: EVENT, kinds.LOST_FIRST: 2, kinds.LOST_LAST: 5}
    outcome = put(store, message("t1", EVENT, (1, kinds.LOST, lost), boot=2))
    assert outcome.acks == {T1: 6, StreamKey("t1", 2, EVENT): 1}
    first = store.sequences()[0]
    assert (first.stored, first.lost, first.missing) == (2, 4, 0)


def test_a_record_that_arrives_after_it_was_declared_lost_is_not_counted_as_lost(store):
    lost = {kinds.LOST_COUNT: 2, kinds.LOST_BOOT: 1, kinds.LOST_STREAM: EVENT, kinds.LOST_FIRST: 1, kinds.LOST_LAST: 2}
    put(store, message("t1", EVENT, (3, kinds.LOST, lost)))
    put(store, events("t1", 2))
    row = store.sequences()[0]
    assert (row.stored, row.lost, row.upto, row.missing) == (2, 1, 3, 0)


def test_a_lost_record_that_does_not_know_the_range_changes_nothing_else(store):
    assert put(store, message("t1", EVENT, (2, kinds.LOST, {kinds.LOST_COUNT: 7}))).acks == {T1: 0}


def test_one_device_cannot_declare_the_records_of_another_lost(store):
    put(store, events("t2", 2))
    lost = {kinds.LOST_COUNT: 1, kinds.LOST_BOOT: 1, kinds.LOST_STREAM: EVENT, kinds.LOST_FIRST: 1, kinds.LOST_LAST: 1}
    put(store, message("t1", EVENT, (1, kinds.LOST, lost)))
    assert {row.device: row.upto for row in store.sequences()} == {"t1": 1, "t2": 0}


def test_a_fall_opens_an_alarm_and_clearing_it_resolves_it(store):
    put(store, message("t1", ALARM, (1, kinds.FALL, {kinds.CONFIDENCE_PERMILLE: 900})))
    (alarm,) = store.open_alarms()
    assert (alarm.id, alarm.kind, alarm.zone, alarm.state, alarm.t_ms) == (
        "t1.1.1",
        "fall",
        "hall",
        "open",
        BOOT_MS + 1000,
    )
    put(store, message("t1", ALARM, (2, kinds.CLEARED, {kinds.REF_SEQ: 1, kinds.WHY: kinds.WHY_CANCELLED})))
    assert store.open_alarms() == []
    (alarm,) = store.alarms()
    assert (alarm.state, alarm.resolved_why) == ("resolved", "cancelled")


def test_an_alarm_of_an_earlier_boot_can_be_cleared(store):
    put(store, message("t1", ALARM, (3, kinds.LOW_BATTERY, {})))
    cleared = {kinds.REF_SEQ: 3, kinds.REF_BOOT: 1, kinds.WHY: kinds.WHY_RESTORED}
    put(store, message("t1", ALARM, (1, kinds.CLEARED, cleared), boot=2))
    assert store.open_alarms() == []


def test_clearing_that_comes_before_its_alarm_resolves_it_all_the_same(store):
    put(store, message("t1", ALARM, (2, kinds.CLEARED, {kinds.REF_SEQ: 1, kinds.WHY: kinds.WHY_RECOVERED})))
    assert store.alarms() == []
    put(store, message("t1", ALARM, (1, kinds.FALL, {})))
    assert store.open_alarms() == []
    assert [alarm.state for alarm in store.alarms()] == ["resolved"]


def test_one_tag_cannot_clear_the_alarm_of_another(store):
    put(store, message("t1", ALARM, (1, kinds.SOS, {})))
    put(store, message("t2", ALARM, (1, kinds.CLEARED, {kinds.REF_SEQ: 1, kinds.WHY: kinds.WHY_CANCELLED})))
    assert [alarm.device for alarm in store.open_alarms()] == ["t1"]


def test_a_device_cannot_end_an_alarm_that_the_host_raised_about_it(store):
    letter = DeadLetter(Source(f"jk/{SITE}/t1/al", b"x", 9), "value")
    store.store_batch(Batch(dead_letters=(letter,)))
    (alarm,) = store.open_alarms()
    assert alarm.id == "t1.0.1"
    cleared = {kinds.REF_BOOT: 0, kinds.REF_SEQ: 1, kinds.WHY: kinds.WHY_CANCELLED}
    put(store, message("t1", ALARM, (1, kinds.CLEARED, cleared)))
    assert store.open_alarms() == [alarm]


def test_the_first_acknowledgement_of_an_alarm_stays(store):
    put(store, message("t1", ALARM, (1, kinds.SOS, {})))
    store.acknowledge_alarm("t1.1.1", "first-aider", 50)
    alarm = store.acknowledge_alarm("t1.1.1", "shift-leader", 60)
    assert (alarm.state, alarm.acknowledged_by, alarm.acknowledged_ms) == ("acknowledged", "first-aider", 50)
    assert [row.state for row in store.open_alarms()] == ["acknowledged"]


def still_open(seq, kind=kinds.FALL, boot=1):
    return message("t1", ALARM, (9, kinds.STILL_OPEN, {10: seq, 11: boot, 24: 4000, 25: kind}), boot=2)


def test_a_device_that_asks_again_is_answered_only_when_a_person_has_taken_its_alarm_on(store):
    put(store, message("t1", ALARM, (1, kinds.FALL, {}), (2, kinds.SOS, {})))
    store.acknowledge_alarm("t1.1.2", "first-aider", 50)
    assert store.store_batch(Batch(messages=(still_open(1),))).taken_on == ()
    outcome = store.store_batch(Batch(messages=(message("t1", ALARM, (3, kinds.STILL_OPEN, {10: 2, 24: 1, 25: 2})),)))
    assert outcome.taken_on == (("t1", 1, 2),)


def test_asking_again_opens_an_alarm_whose_own_record_was_lost_and_none_that_is_known_or_no_alarm(store):
    put(store, message("t1", ALARM, (1, kinds.FALL, {}), (2, kinds.CLEARED, {kinds.REF_SEQ: 1})))
    put(store, still_open(1), still_open(5, kind=kinds.WARNING))
    assert store.open_alarms() == []
    put(store, message("t1", ALARM, (10, kinds.STILL_OPEN, {10: 7, 11: 1, 24: 4000, 25: kinds.SOS}), boot=2))
    assert [(alarm.id, alarm.kind, alarm.t_ms) for alarm in store.open_alarms()] == [("t1.1.7", "sos", BOOT_MS + 6000)]


@pytest.mark.parametrize("alarm_id", ["t1.1.9", "nonsense", "t1.1.x", "t1.1." + "9" * 30])
def test_acknowledging_what_is_no_alarm_says_so(store, alarm_id):
    with pytest.raises(StoreError, match="alarm list"):
        store.acknowledge_alarm(alarm_id, "first-aider", 50)


def test_near_misses_are_counted_by_machine_and_hour_when_they_arrive(store):
    danger = near_miss(2, person(2), level=kinds.LEVEL_DANGER)
    put(store, message("n1", EVENT, near_miss(1, person(1)), danger))
    put(store, message("n1", EVENT, danger, near_miss(3, person(1))))
    (cell,) = store.near_miss_cells()
    assert (cell.zone, cell.machine, cell.count, cell.danger_count) == ("dock", "n1", 3, 1)
    assert {who for _, who in cell.sightings} == {person(1), person(2)}


def test_a_near_miss_reported_by_a_tag_is_stored_but_never_becomes_a_row_of_an_aggregate(store):
    put(store, message("t1", EVENT, near_miss(1, person(1))))
    assert store.near_miss_cells() == []
    assert len(store.records_after(0)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"boot_epoch_ms": BOOT_MS - 299_000 + 57_999},  # 59 s into the period
        {"boot_epoch_ms": BOOT_MS + 600_000 - 61_000},  # 59 s before its end
        {"boot_epoch_ms": None, "clock_quality": kinds.CLOCK_NONE},
    ],
)
def test_a_sighting_whose_period_is_not_sure_counts_but_not_towards_the_group(store, changes):
    put(store, message("n1", EVENT, near_miss(1, person(1)), **changes))
    (cell,) = store.near_miss_cells()
    assert (cell.count, cell.sightings) == (1, frozenset())


def test_ephemeral_ids_never_leave_the_store_with_a_record(store):
    put(store, message("n1", EVENT, near_miss(1, person(1))))
    assert store.records_after(0)[0].data == {"level": "warn"}


def test_kinds_of_later_versions_are_stored_and_acknowledged_but_shown_to_nobody(store):
    assert put(store, message("t1", EVENT, (1, 999, {1: 2}))).acks == {T1: 1}
    assert store.records_after(0) == store.recent_records() == []
    assert store.last_id() == 1


def test_event_time_is_the_devices_and_receive_time_stays_beside_it(store):
    put(store, message("t1", EVENT, (5, kinds.BENDS, {}), recv_ms=77, clock_quality=kinds.CLOCK_RTC))
    (row,) = store.recent_records()
    assert (row.t_ms, row.recv_ms, row.clock) == (BOOT_MS + 5000, 77, "rtc")


def test_without_a_clock_the_receive_time_stands_in_and_says_so(store):
    put(store, message("t1", EVENT, (5, kinds.BENDS, {}), recv_ms=77, boot_epoch_ms=None, clock_quality=0))
    (row,) = store.recent_records()
    assert (row.t_ms, row.clock) == (77, "none")
    assert event_time_ms(None, 5, 77) == 77


def test_the_hosts_view_of_event_time_stands_beside_the_devices_and_changes_nothing_of_it(store):
    late = message("t1", EVENT, (1, kinds.BENDS, {}), recv_ms=BOOT_MS + 90_000, boot_epoch_ms=5, clock_quality=1)
    soon = message("t1", EVENT, (4, kinds.BENDS, {}), recv_ms=BOOT_MS + 4_100, boot_epoch_ms=5, clock_quality=1)
    put(store, late, soon)
    assert [(row.t_ms, row.host_t_ms) for row in store.records_after(0)] == [
        (5 + 1000, BOOT_MS + 1_100),
        (5 + 4000, BOOT_MS + 4_100),
    ]


def test_messages_of_an_unknown_or_revoked_device_end_as_dead_letters_without_acknowledgement(store, url):
    set_state(url, "t2", "revoked")
    outcome = put(store, events("t2", 1), events("stranger", 1), events("t1", 1))
    assert outcome.acks == {T1: 1}
    assert outcome.refused == 2
    letters = store.dead_letters()
    assert {letter.topic for letter in letters} == {f"jk/{SITE}/t2/ev", f"jk/{SITE}/stranger/ev"}
    assert {letter.reason for letter in letters} == {"unknown-device"}


def test_equal_dead_letters_are_counted_instead_of_kept_again(store):
    letters = tuple(DeadLetter(Source("topic", b"bytes", when), "size") for when in (5, 6, 7))
    store.store_batch(Batch(dead_letters=letters))
    (row,) = store.dead_letters()
    assert (row.payload, row.reason, row.count, row.recv_ms) == (b"bytes", "size", 3, 7)


def test_a_last_will_that_comes_after_the_next_birth_does_not_count(store):
    store.store_batch(Batch(statuses=(report("t1", 2, online=True), report("t1", 1, online=False, heard=False))))
    assert [row.online for row in store.device_rows()] == [True, False, False]


@pytest.mark.parametrize(("boot", "online"), [(1, True), (2, False), (3, False)])
def test_a_last_will_counts_unless_it_is_of_a_boot_before_the_last_birth_that_was_stored(store, boot, online):
    store.store_batch(Batch(statuses=(report("t1", 2, online=True),)))
    store.store_batch(Batch(statuses=(report("t1", boot, online=False, heard=False),)))
    assert store.device_rows()[0].online is online


def test_what_the_broker_says_about_a_device_is_no_sign_of_life(store):
    store.store_batch(Batch(statuses=(report("t1", 1, online=True, recv_ms=5, firmware="1.0"),)))
    store.store_batch(Batch(statuses=(report("t1", 1, online=False, heard=False, recv_ms=8),)))
    row = store.device_rows()[0]
    assert (row.online, row.last_seen_ms, row.firmware) == (False, 5, "1.0")


def test_a_device_that_said_it_is_docked_is_kept_as_docked(store):
    store.store_batch(Batch(statuses=(report("t1", 1, online=True),)))
    store.store_batch(Batch(statuses=(report("t1", 1, online=False, status="docked"),)))
    row = store.device_rows()[0]
    assert (row.online, row.status) == (False, "docked")


def test_when_a_device_connected_is_the_time_of_its_last_birth_and_of_nothing_else(store, url):
    birth = report("t1", 1, online=True, recv_ms=5, clock_quality=kinds.CLOCK_SET)
    vitals = report("t1", 1, online=True, recv_ms=6)
    farewell = report("t1", 1, online=False, recv_ms=7, status="docked")
    repeated = report("t1", 1, online=True, heard=False, recv_ms=8, clock_quality=kinds.CLOCK_SET)
    store.store_batch(Batch(statuses=(report("t2", 1, online=True, recv_ms=4), birth)))
    store.store_batch(Batch(statuses=(vitals, farewell, repeated)))
    engine, columns = make_engine(url), schema.device_status.c
    with engine.connect() as connection:
        found = connection.execute(sa.select(columns.device, columns.birth_ms)).all()
    engine.dispose()
    assert dict(map(tuple, found)) == {"t1": 5, "t2": None}


def test_records_are_a_sign_of_life(store):
    put(store, events("t1", 1))
    row = store.device_rows()[0]
    assert (row.online, row.last_seen_ms) == (False, 9)


def test_a_revoked_device_is_never_online(store, url):
    set_state(url, "t1", "revoked")
    store.store_batch(Batch(statuses=(report("t1", 1, online=True),)))
    assert store.device_rows()[0].online is False


def test_status_of_an_unknown_device_is_a_dead_letter(store):
    store.store_batch(Batch(statuses=(report("stranger", 1, online=True),)))
    assert [letter.reason for letter in store.dead_letters()] == ["unknown-device"]


def test_a_batch_that_cannot_be_stored_leaves_nothing_of_itself(store, url):
    before = tables(url)
    with pytest.raises(MessageError):
        put(store, events("t1", 1), events("t1", 2**63))
    assert tables(url) == before


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
def test_a_full_disk_is_reported_and_the_batch_can_be_stored_later(store):
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1")  # of this connection: no page may be added
    with pytest.raises(StoreError, match="full"):
        put(store, *(events("t1", *range(n * 60 + 1, n * 60 + 61)) for n in range(50)))
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1073741823")
    assert put(store, events("t1", 1)).acks == {T1: 1}


def test_two_processes_write_in_turn(store, url):
    set_state(url, "t2", "revoked")
    put(store, events("t1", 1))
    set_state(url, "t2", "active")
    assert put(store, events("t2", 1)).stored == 1


def test_a_database_that_cannot_be_opened_is_reported_in_a_sentence(tmp_path):
    with pytest.raises(StoreError, match="does not work"):
        Store.open(f"sqlite:///{tmp_path / 'missing' / 'store.db'}", SITE)


def test_following_starts_after_the_cursor(store):
    put(store, events("t1", 1, 2))
    rows = store.follow(1)
    assert next(rows).seq == 2
    put(store, events("t1", 3))
    assert next(rows).seq == 3
