"""Silent devices, old records, dead letters: what the site looks after by itself."""

from __future__ import annotations

import json
from dataclasses import replace

import cbor2
import pytest
from click.testing import CliRunner

from jikimi.fleet import registry
from jikimi.fleet.cli import cli
from jikimi.fleet.ingest.retry import retry
from jikimi.fleet.ingest.sort import sort
from jikimi.fleet.mqtt import Incoming
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import DatabaseSettings, SiteSettings, render
from jikimi.fleet.store import Batch, Store, retention
from jikimi.fleet.store.retention import DAY_MS
from jikimi.fleet.upkeep import Upkeep, silence_limits_ms
from jikimi.wire import kinds, messages, topics
from tests.fleet_ingest.build import SITE, events, message, near_miss, open_store, person, report, set_state, tables
from tests.fleet_ingest.test_writers import in_threads

ALARM, EVENT = kinds.STREAM_ALARM, kinds.STREAM_EVENT
NOW_MS = 1_795_489_200_000
LIMIT_MS = 120_000


def hear(store: Store, device: str, at_ms: int, status: str = "online") -> None:
    store.store_batch(Batch(statuses=(report(device, 1, online=status == "online", recv_ms=at_ms, status=status),)))


def open_kinds(store: Store) -> list[tuple[str, str]]:
    return [(row.device, row.kind) for row in store.open_alarms()]


def test_a_device_that_should_be_heard_and_is_not_is_an_alarm_until_it_is_heard_again(store):
    hear(store, "t1", NOW_MS)
    assert store.judge_silence(NOW_MS + LIMIT_MS, {}, LIMIT_MS) == (0, 0)
    assert store.judge_silence(NOW_MS + LIMIT_MS + 1, {}, LIMIT_MS) == (1, 0)
    assert store.judge_silence(NOW_MS + LIMIT_MS + 9, {}, LIMIT_MS) == (0, 0)
    (alarm,) = store.open_alarms()
    assert (alarm.kind, alarm.zone, alarm.t_ms, alarm.state) == ("no_signal", "hall", NOW_MS, "open")
    store.store_batch(
        Batch(messages=(events("t1", 1)._replace(source=events("t1").source._replace(recv_ms=NOW_MS + 1)),))
    )
    assert store.judge_silence(NOW_MS + 2, {}, LIMIT_MS) == (0, 1)
    assert [(row.state, row.resolved_why) for row in store.alarms()] == [("resolved", "heard")]


def test_upkeep_on_several_machines_raises_one_alarm_for_a_silence_and_ends_it_once(store, url):
    hear(store, "t1", NOW_MS)
    hear(store, "t2", NOW_MS)

    def judge(at_ms: int) -> None:
        with open_store(url) as another:
            another.judge_silence(at_ms, {}, LIMIT_MS)

    in_threads(lambda number: judge(NOW_MS + LIMIT_MS + 1 + number), 4)
    assert sorted(open_kinds(store)) == [("t1", "no_signal"), ("t2", "no_signal")]
    hear(store, "t1", NOW_MS + LIMIT_MS + 10)
    in_threads(lambda number: judge(NOW_MS + LIMIT_MS + 20 + number), 4)
    assert [(row.device, row.state) for row in store.alarms()] == [("t1", "resolved"), ("t2", "open")]


def test_each_silence_is_an_alarm_of_its_own(store):
    for n in range(2):
        hear(store, "t1", NOW_MS + n * 1_000_000)
        store.judge_silence(NOW_MS + n * 1_000_000, {}, LIMIT_MS)
        store.judge_silence(NOW_MS + n * 1_000_000 + LIMIT_MS + 1, {}, LIMIT_MS)
    assert sorted((row.id, row.state) for row in store.alarms()) == [("t1.0.1", "resolved"), ("t1.0.2", "open")]


@pytest.mark.parametrize("status", ["online", "lost"])
def test_whether_the_broker_noticed_the_loss_does_not_matter(store, status):
    hear(store, "t1", NOW_MS)
    store.store_batch(Batch(statuses=(report("t1", 1, online=False, heard=False, recv_ms=NOW_MS + 5, status=status),)))
    store.judge_silence(NOW_MS + LIMIT_MS + 1, {}, LIMIT_MS)
    assert open_kinds(store) == [("t1", "no_signal")]


@pytest.mark.parametrize("state", ["revoked", "retired", "wiped"])
def test_what_is_docked_out_of_use_or_was_never_heard_is_not_silent(store, url, state):
    hear(store, "t1", NOW_MS, "docked")
    hear(store, "n1", NOW_MS)
    set_state(url, "n1", state)
    assert store.judge_silence(NOW_MS + 10 * LIMIT_MS, {}, LIMIT_MS) == (0, 0)


@pytest.mark.parametrize("end", ["docked", "retired"])
def test_an_alarm_of_silence_ends_when_its_device_docks_or_is_retired(store, url, end):
    hear(store, "t1", NOW_MS)
    store.judge_silence(NOW_MS + LIMIT_MS + 1, {}, LIMIT_MS)
    if end == "docked":
        hear(store, "t1", NOW_MS + LIMIT_MS + 2, "docked")
    else:
        set_state(url, "t1", end)
    assert store.judge_silence(NOW_MS + LIMIT_MS + 3, {}, LIMIT_MS) == (0, 1)
    assert [row.resolved_why for row in store.alarms()] == [end]


def test_silence_is_measured_by_each_devices_own_period_and_only_while_somebody_listens(store):
    hear(store, "t1", NOW_MS)
    hear(store, "t2", NOW_MS)
    later_ms = NOW_MS + 2 * LIMIT_MS
    assert store.judge_silence(later_ms, {}, LIMIT_MS, later_ms - 5) == (0, 0)
    store.judge_silence(later_ms, {"t1": 3 * LIMIT_MS}, LIMIT_MS)
    assert open_kinds(store) == [("t2", "no_signal")]


def test_a_silence_from_before_a_restart_stays_an_alarm(store):
    hear(store, "t1", NOW_MS)
    store.judge_silence(NOW_MS + LIMIT_MS + 1, {}, LIMIT_MS)
    assert store.judge_silence(NOW_MS + LIMIT_MS + 9, {}, LIMIT_MS, NOW_MS + LIMIT_MS) == (0, 0)


@pytest.fixture
def site(tmp_path, url) -> Site:
    """A site on the test's database."""
    made = Site.init(tmp_path / SITE, settings=Settings(site=SiteSettings(SITE)))
    (made.path / "site.toml").write_text(render(replace(made.settings, database=DatabaseSettings(url))))
    return Site.open(made.path)


def test_limits_come_from_the_configuration_four_vitals_and_never_less_than_the_sites_least(site, store):
    assert set(silence_limits_ms(site, store).values()) == {120_000}
    (site.path / "fleet.toml").write_text(
        "[defaults]\nvitals_s = 5\n[kind.tag.imu]\ndriver = 'lsm6dsox'\n[device.t2]\nvitals_s = 300\n"
    )
    assert silence_limits_ms(site, store) == {"t1": 60_000, "t2": 1_200_000, "n1": 120_000}


def test_upkeep_raises_ends_and_deletes_by_itself(site, store):
    hear(store, "t1", NOW_MS)
    store.store_batch(Batch(messages=(message("t2", EVENT, (1, kinds.BENDS, {}), recv_ms=NOW_MS - 31 * DAY_MS),)))
    upkeep = Upkeep(site, store, NOW_MS)
    upkeep.step(NOW_MS + 1)
    assert open_kinds(store) == []
    assert [(row.category, row.count) for row in store.deletions()] == [("posture", 1)]
    for s in range(1, 140, 30):
        upkeep.step(NOW_MS + s * 1000)
    assert ("t1", "no_signal") in open_kinds(store)


def test_a_silence_is_listed_and_can_be_taken_on_without_a_word_to_the_device(site, store):
    hear(store, "t1", NOW_MS)
    store.judge_silence(NOW_MS + LIMIT_MS + 1, {}, LIMIT_MS)
    listed = CliRunner().invoke(cli, ["alarm", "list", "--json", "--site", str(site.path)])
    (row,) = json.loads(listed.stdout)
    assert (row["id"], row["kind"]) == ("t1.0.1", "no_signal")
    taken = CliRunner().invoke(cli, ["alarm", "ack", row["id"], "--by", "shift-leader", "--site", str(site.path)])
    assert taken.exit_code == 0, taken.output
    assert [one.state for one in store.open_alarms()] == ["acknowledged"]


# ---- retention

RULES = {"emergency": 365, "proximity": 90, "posture": 30, "device": 90, "unknown": 30}


def aged(device: str, stream: int, days: int, *records: tuple[int, int, dict[int, object]]):
    return message(device, stream, *records, recv_ms=NOW_MS - days * DAY_MS)


def test_each_category_goes_by_its_own_rule_and_the_log_says_what_went(store):
    old, young = aged("t1", EVENT, 31, (1, kinds.BENDS, {}), (2, kinds.WARNING, {})), events("t1", 3)
    store.store_batch(Batch(messages=(old,)))
    store.store_batch(Batch(messages=(young._replace(source=young.source._replace(recv_ms=NOW_MS)),)))
    done = store.delete_old(RULES, 90, NOW_MS)
    assert [(row.category, row.count, row.days) for row in done] == [("posture", 1, 30)]
    assert [row.seq for row in store.records_after(0)] == [2, 3]
    assert store.deletions() == done
    assert store.delete_old(RULES, 90, NOW_MS + 1) == []
    assert len(store.deletions()) == 1


def test_records_of_an_open_alarm_stay_and_go_once_it_is_over(store):
    store.store_batch(Batch(messages=(aged("t1", ALARM, 400, (1, kinds.SOS, {}), (2, kinds.FALL, {})),)))
    store.store_batch(Batch(messages=(aged("t1", ALARM, 399, (3, kinds.CLEARED, {kinds.REF_SEQ: 2, kinds.WHY: 1})),)))
    assert sum(row.count for row in store.delete_old(RULES, 90, NOW_MS)) == 2
    assert [(row.seq, row.kind) for row in store.records_after(0)] == [(1, "sos")]
    assert open_kinds(store) == [("t1", "sos")]
    store.store_batch(Batch(messages=(message("t1", ALARM, (4, kinds.CLEARED, {kinds.REF_SEQ: 1, kinds.WHY: 1})),)))
    assert sum(row.count for row in store.delete_old(RULES, 90, NOW_MS + 1)) == 2


def test_aggregates_and_completeness_outlive_the_records_behind_them(store):
    store.store_batch(Batch(messages=(aged("n1", EVENT, 91, *(near_miss(n, person(n)) for n in range(1, 7))),)))
    cells, complete = store.near_miss_cells(), store.sequences()
    assert sum(row.count for row in store.delete_old(RULES, 90, NOW_MS)) == 6
    assert store.records_after(0) == []
    assert store.near_miss_cells() == cells
    assert store.sequences() == complete
    again = aged("n1", EVENT, 0, near_miss(7, person(7)))
    assert list(store.store_batch(Batch(messages=(again,))).acks.values()) == [7]


def test_many_windows_of_old_records_go_and_none_of_the_young(store, monkeypatch):
    monkeypatch.setattr("jikimi.fleet.store.retention._WINDOW", 7)
    for n in range(10):
        age = 31 if n < 6 else 29
        store.store_batch(
            Batch(messages=(aged("t1", EVENT, age, *((seq, kinds.BENDS, {}) for seq in range(n * 5 + 1, n * 5 + 6))),))
        )
    assert [row.count for row in store.delete_old(RULES, 90, NOW_MS)] == [30]
    assert [row.seq for row in store.records_after(0)] == list(range(31, 51))


def test_several_machines_that_delete_at_once_count_each_record_once(store, url, monkeypatch):
    monkeypatch.setattr("jikimi.fleet.store.retention._WINDOW", 7)
    for device in ("t1", "t2"):
        records: list[tuple[int, int, dict[int, object]]] = [
            (seq, kinds.BENDS if seq % 2 else kinds.WARNING, {}) for seq in range(1, 22)
        ]
        store.store_batch(Batch(messages=(aged(device, EVENT, 400, *records),)))
    before = store.sequences()

    def delete(_number: int) -> None:
        with open_store(url) as another:
            another.delete_old(RULES, 90, NOW_MS)

    in_threads(delete, 4)
    assert store.records_after(0) == []
    assert sum(row.count for row in store.deletions()) == 42
    assert store.sequences() == before


def test_what_is_deleted_and_what_the_log_says_of_it_are_one_transaction(store, monkeypatch):
    monkeypatch.setattr("jikimi.fleet.store.retention._WINDOW", 7)
    store.store_batch(Batch(messages=(aged("t1", EVENT, 31, *((seq, kinds.BENDS, {}) for seq in range(1, 31))),)))
    note, left = retention._note, [2]

    def power_cut(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        note(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(retention, "_note", power_cut)
        with pytest.raises(KeyboardInterrupt):
            store.delete_old(RULES, 90, NOW_MS)
    assert sum(row.count for row in store.deletions()) == 30 - len(store.records_after(0)) == 14
    store.delete_old(RULES, 90, NOW_MS)
    assert [(row.at_ms, row.count) for row in store.deletions()] == [(NOW_MS, 30)]


# ---- dead letters


def incoming(payload: bytes, leaf: str = topics.EVENT, device: str = "t1") -> Incoming:
    return Incoming(f"jk/{SITE}/{device}/{leaf}", payload, False, NOW_MS, 1, 1, 1)


def bury(store: Store, arrived: Incoming) -> None:
    letter = sort(SITE, arrived)
    assert letter is not None
    store.store_batch(Batch(dead_letters=(letter,)))  # type: ignore[arg-type]


def of_a_later_version(payload: bytes) -> bytes:
    return cbor2.dumps({**cbor2.loads(payload), 0: 2})


def test_a_message_of_a_later_version_is_kept_and_read_after_an_upgrade(store, url, monkeypatch):
    payload = messages.encode_records(1, EVENT, [(1, kinds.WARNING, 5, {}), (2, kinds.WARNING, 6, {})], NOW_MS, 2)
    bury(store, incoming(of_a_later_version(payload)))
    letters = store.dead_letters(reason="version")
    done = retry(SITE, store, letters)
    assert (done.read, done.stored, done.left) == (0, 0, 1)
    assert store.dead_letters() == letters
    monkeypatch.setattr("jikimi.wire.checks.VERSION", 2)
    done = retry(SITE, store, letters)
    assert (done.read, done.stored, done.left) == (1, 2, 0)
    assert [(row.seq, row.recv_ms) for row in store.records_after(0)] == [(1, NOW_MS), (2, NOW_MS)]
    assert tables(url)["dead_letter"] == []


def test_messages_of_a_device_that_is_registered_after_all_can_be_read(store, url):
    set_state(url, "t2", "revoked")
    stray = events("t2", 1)
    payload = messages.encode_records(1, EVENT, [(1, kinds.WARNING, 5, {})], NOW_MS, 2)
    content = sort(SITE, incoming(payload, device="t2"))
    assert content is not None
    store.store_batch(Batch(messages=(content,)))  # type: ignore[arg-type]
    (letter,) = store.dead_letters(reason="unknown-device")
    assert retry(SITE, store, [letter]).left == 1
    assert store.dead_letters() == [letter]
    set_state(url, "t2", "active")
    assert retry(SITE, store, [letter]).stored == 1
    assert stray.key in {row.key for row in [content]}  # type: ignore[union-attr]


def test_an_alarm_nobody_can_read_is_an_open_alarm_until_somebody_looks(store):
    bury(store, incoming(b"\xff\xff", topics.ALARM))
    bury(store, incoming(b"\xff\xfe", topics.ALARM))
    bury(store, incoming(b"\xff\xff", topics.EVENT, "t2"))
    (alarm,) = store.open_alarms()
    assert (alarm.id, alarm.kind, alarm.zone, alarm.t_ms) == ("t1.0.1", "unreadable", "hall", NOW_MS)
    assert store.acknowledge_alarm("t1.0.1", "first-aider", NOW_MS + 9).resolved_why == "looked at"
    assert store.open_alarms() == []
    bury(store, incoming(b"\xff\xfd", topics.ALARM))
    assert [row.id for row in store.open_alarms()] == ["t1.0.2"]


def test_an_alarm_that_can_be_read_after_all_takes_its_place(store, monkeypatch):
    payload = messages.encode_records(1, ALARM, [(1, kinds.SOS, 5, {})], NOW_MS, 2)
    bury(store, incoming(of_a_later_version(payload), topics.ALARM))
    assert open_kinds(store) == [("t1", "unreadable")]
    monkeypatch.setattr("jikimi.wire.checks.VERSION", 2)
    retry(SITE, store, store.dead_letters())
    assert open_kinds(store) == [("t1", "sos")]


def test_dead_letters_are_listed_and_read_again_by_command(site, store):
    bury(store, incoming(b"\xff\xff"))
    listed = CliRunner().invoke(cli, ["site", "dead-letters", "list", "--json", "--site", str(site.path)])
    (row,) = json.loads(listed.stdout)
    assert (row["payload"], row["reason"], row["count"], row["topic"]) == ("ffff", "type", 1, f"jk/{SITE}/t1/ev")
    done = CliRunner().invoke(cli, ["site", "dead-letters", "retry", "--json", "--site", str(site.path)])
    assert json.loads(done.stdout) == {"read": 0, "stored": 0, "left": 1}


def test_the_deletion_log_is_listed_and_deleting_can_be_asked_for(site, store):
    store.store_batch(Batch(messages=(message("t2", EVENT, (1, kinds.BENDS, {}), recv_ms=1),)))
    done = CliRunner().invoke(cli, ["site", "retention", "--now", "--json", "--site", str(site.path)])
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)["deleted"]
    assert (row["category"], row["count"], row["days"]) == ("posture", 1, 30)
    listed = CliRunner().invoke(cli, ["site", "retention", "--site", str(site.path)])
    assert "posture" in listed.stdout
    assert registry.devices(site)
