"""Days for the load: what a model makes of a shift, what a site recorded, and devices that live it at a real site."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from functools import partial
from itertools import pairwise
from pathlib import Path

import cbor2
import pytest
from click.testing import CliRunner
from pycddl import Schema  # type: ignore[import-untyped]

from jikimi.fleet.agreement import example
from jikimi.fleet.cli import cli
from jikimi.fleet.errors import ProfileError
from jikimi.fleet.load import MODELS, recorded
from jikimi.fleet.load.contents import Contents, Crowd
from jikimi.fleet.load.day import OFF, ON, Act, Script
from jikimi.fleet.load.play import kept_up
from jikimi.fleet.load.shift import Model
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import SiteSettings
from jikimi.fleet.store import Activity, Batch, Store
from jikimi.wire import kinds, messages
from tests.fleet_ingest.build import BOOT_MS, HOUR_MS, SITE, add_devices, message, near_miss, open_store, person

_CDDL = (Path(__file__).parents[2] / "proto" / "wire.cddl").read_text(encoding="utf-8")
_EVENT, _ALARM = kinds.STREAM_EVENT, kinds.STREAM_ALARM
# Bytes of the data of records from tags and nodes on virtual boards, in the database after a run of `tools.bench_tag`.
_FIRMWARE_BYTES = {
    "warning": 15,
    "near_miss": 31,
    "fall": 9,
    "cleared": 5,
    "falling": 5,
    "self_test": 8,
    "no_motion": 1,
}
_TAGS = 60

_day_names = pytest.mark.parametrize("name", MODELS)


def _on_duty_h(script: Script, day_s: int) -> float:
    """Hours between each ON and the next OFF, or the day's end."""
    changes = [(act.t_s, act.what) for act in script.acts if act.what in (ON, OFF)]
    ends = [*changes[1:], (day_s, OFF)]
    return sum(end_s - t_s for (t_s, what), (end_s, _) in zip(changes, ends, strict=True) if what == ON) / 3600


@_day_names
def test_the_same_seed_makes_the_same_day_and_another_one_another(name):
    day = MODELS[name]
    assert day.scripts(10, 1) == day.scripts(10, 1)
    assert day.scripts(10, 1) != day.scripts(10, 2)


@_day_names
@pytest.mark.parametrize("tags", [1, 45])
def test_every_device_does_one_thing_after_the_other_and_comes_from_its_charger_before_it_goes_back(name, tags):
    day = MODELS[name]
    scripts = day.scripts(tags, 7)
    assert len(scripts.tags) == tags
    assert scripts.machines
    for script in [*scripts.tags, *scripts.machines]:
        assert all(before.t_s <= after.t_s for before, after in pairwise(script.acts))
        assert all(act.t_s >= 0 for act in script.acts)
        duties = [act.what for act in script.acts if act.what in (ON, OFF)]
        assert duties[::2] == [ON] * len(duties[::2])
        assert duties[1::2] == [OFF] * len(duties[1::2])
    assert all(act.what == kinds.NEAR_MISS for script in scripts.machines for act in script.acts)


@_day_names
def test_records_come_as_often_as_the_model_says(name):
    day = MODELS[name]
    scripts = day.scripts(_TAGS, 3)
    hours = sum(_on_duty_h(script, day.seconds) for script in scripts.tags)
    assert 7.5 * _TAGS < hours < 9.5 * _TAGS  # ten hours less what lies before the shift, in breaks and at the change
    counts = Counter(act.what for group in scripts for script in group for act in script.acts)
    met = counts[kinds.NEAR_MISS]
    # People come in clusters of 1 + Poisson(1.5): the variance of their number is E[n²] / E[n] = 3.1 times its mean.
    assert abs(met - day.encounters * hours) < 4.5 * (3.1 * day.encounters * hours) ** 0.5
    danger = counts[kinds.WARNING] - met  # of each encounter a second warning with probability 0.35
    assert abs(danger - 0.35 * met) < 4.5 * (met * 0.35 * 0.65) ** 0.5
    quarters = 4 * hours
    assert counts[kinds.BENDS] <= day.bends * quarters + 4.5 * quarters**0.5
    assert counts[kinds.BENDS] >= 0.85 * day.bends * quarters - 4.5 * quarters**0.5  # no quarter is begun in vain
    assert abs(counts[kinds.FALL] - day.falls * hours) < 4.5 * max(1.0, day.falls * hours) ** 0.5
    assert counts[kinds.SELF_TEST] == counts[ON]


def test_a_part_of_a_day_is_as_full_as_the_day():
    day = MODELS["busy"]
    part = day.scripts(_TAGS, 3, 5400, 9000)  # from nine to ten, when all are at work
    assert all(script.on and 5400 <= act.t_s < 9000 for script in part.tags for act in script.acts)
    met = sum(act.what == kinds.NEAR_MISS for script in part.machines for act in script.acts)
    assert abs(met - day.encounters * _TAGS) < 4.5 * (3.1 * day.encounters * _TAGS) ** 0.5


def test_near_misses_come_in_clusters():
    acts = [act for script in MODELS["busy"].scripts(_TAGS, 5).machines for act in script.acts]
    by_half_minute = Counter(int(act.t_s // 30) for act in acts if 3600 < act.t_s < 2.5 * 3600)
    counts = [by_half_minute[i] for i in range(120, 300)]
    mean = sum(counts) / len(counts)
    variance = sum((n - mean) ** 2 for n in counts) / len(counts)
    assert variance > 1.8 * mean  # of a Poisson process it is the mean; of 180 counts rarely 1.5 times as much


def test_an_alarm_is_told_again_with_growing_pauses_until_somebody_has_come():
    day = Model("calls", encounters=0, bends=0, falls=0, calls=0.1, dropouts=0, outages=())
    asked = []
    for script in day.scripts(100, 1).tags:
        alarms = [act for act in script.acts if act.what in (kinds.SOS, kinds.STILL_OPEN, kinds.CLEARED)]
        if [act.what for act in alarms].count(kinds.SOS) == 1:
            assert (alarms[0].what, alarms[-1].what) == (kinds.SOS, kinds.CLEARED)
            asked.append([round(act.t_s - alarms[0].t_s) for act in alarms[1:-1]])
    assert max(asked, key=len)[:4] == [30, 90, 210, 450]
    assert all(one == max(asked, key=len)[: len(one)] for one in asked)


def test_a_part_of_a_day_begins_as_the_part_before_it_ended():
    script = Script(on=False, acts=[Act(1, ON), Act(5, kinds.BENDS), Act(9, OFF), Act(12, ON)])
    assert script.part(0, 100) == script
    assert script.part(2, 9) == Script(on=True, acts=[Act(5, kinds.BENDS)])
    assert script.part(10, 12) == Script(on=False, acts=[])


@pytest.mark.parametrize("kind", kinds.KINDS, ids=kinds.name)
def test_made_records_are_by_the_law_and_as_large_as_the_firmwares(kind):
    crowd = Crowd([b"mach"], 5)
    contents = Contents(random.Random(4), crowd)
    t_ms, epoch_ms = 3_600_000, HOUR_MS
    for size in (0, 40, 200):
        data = contents.make(kind, 3, t_ms, epoch_ms, size)
        body = cbor2.dumps(data)
        Schema(f"root = {kinds.name(kind).replace('_', '-')}\n{_CDDL}").validate_cbor(body)
        payload = messages.encode_records(1, kinds.stream_of(kind), [(3, kind, t_ms, data)], epoch_ms, kinds.CLOCK_SET)
        Schema(f"root = records\n{_CDDL}").validate_cbor(payload)
        if size == 0:
            assert len(body) == _FIRMWARE_BYTES.get(kinds.name(kind), len(body))
        elif size == 40:
            assert abs(len(body) - 40) <= 4


# ---- what a site recorded ----


_ALL = ("device", "emergency", "posture", "proximity")
_heard = partial(message, recv_ms=BOOT_MS + 3_600_000)


def _fill(store: Store, url: str) -> None:
    """In the first hour two tags and a machine, in the second hour one tag alone."""
    add_devices(url, t3=("tag", "hall"))
    machine = _heard("n1", _EVENT, *[near_miss(seq, person(seq)) for seq in (1, 2)])
    falls = _heard("t1", _ALARM, (1, kinds.FALL, {kinds.CONFIDENCE_PERMILLE: 900}))
    warnings = _heard("t2", _EVENT, (1, kinds.WARNING, {kinds.MACHINE: b"fork"}), (2, kinds.WARNING, {}))
    alone = _heard("t3", _ALARM, (1, kinds.SOS, {}), boot_epoch_ms=BOOT_MS + 3_600_000)
    store.store_batch(Batch((machine, falls, warnings, alone)))


def test_what_a_site_recorded_tells_kinds_and_sizes_and_leaves_out_hours_of_few(store, url):
    _fill(store, url)
    found = store.activity(BOOT_MS, BOOT_MS + 7_200_000, 2, _ALL)
    assert found == Activity(
        tags=2,
        machines=1,
        records=[
            (1, _ALARM, kinds.FALL, 5), (1, _EVENT, kinds.NEAR_MISS, 19), (1, _EVENT, kinds.WARNING, 7),
            (2, _EVENT, kinds.NEAR_MISS, 19), (2, _EVENT, kinds.WARNING, 1),
        ],
        withheld=1,
    )  # fmt: skip
    assert store.activity(BOOT_MS, BOOT_MS + 7_200_000, 3, _ALL).records == []
    assert store.activity(BOOT_MS + 2000, BOOT_MS + 7_200_000, 1, _ALL).records[0] == (0, _EVENT, kinds.NEAR_MISS, 19)


def test_a_recorded_day_holds_nothing_that_leads_to_a_person_or_a_date(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    site = Site.init(tmp_path / SITE, settings=Settings(site=SiteSettings(SITE)))
    example.put_in_force(site)
    names = [f"tag{number}" for number in range(5)]
    with open_store(site.database_url) as store:
        add_devices(site.database_url, **dict.fromkeys(names, ("tag", "paintshop")))
        store.store_batch(Batch(tuple(_heard(name, _EVENT, (1, kinds.WARNING, {3: 4321})) for name in names)))
    arguments = ["--site", str(site.path), "--since", "2026-11-24T03:00", "--until", "2026-11-24T05:00"]
    result = CliRunner().invoke(cli, ["bench", "record", str(tmp_path / "day.jsonl"), *arguments])
    monkeypatch.undo()
    time.tzset()
    assert result.exit_code == 0, result.output
    head, *lines = map(json.loads, (tmp_path / "day.jsonl").read_text().splitlines())
    assert head == {"jikimi_day": 1, "begins": "03:00", "seconds": 7200, "tags": 5, "machines": 0}
    assert lines == [[301, _EVENT, kinds.WARNING, 5]] * 5  # no device, zone, distance, absolute time


def test_a_recorded_day_is_lived_record_by_record_or_by_more_tags_with_as_many_for_each(tmp_path):
    rows = sorted((second, _EVENT, kinds.WARNING, 15) for second in range(400))
    activity = Activity(20, 2, [*rows, (500, _EVENT, kinds.NEAR_MISS, 31), (600, _EVENT, kinds.SELF_TEST, 8)], 0)
    recorded.write(tmp_path / "day.jsonl", activity, HOUR_MS, HOUR_MS + 900_000)
    day = recorded.read(tmp_path / "day.jsonl")
    same = day.scripts(20, 1)
    assert same == day.scripts(20, 1)
    acts = [act for script in same.tags for act in script.acts]
    assert Counter(int(act.t_s) for act in acts if act.what == kinds.WARNING) == Counter(range(400))
    assert [act.what for act in sorted(acts)[-3:]] == [OFF, ON, kinds.SELF_TEST]
    assert [len(script.acts) for script in same.machines] in ([1, 0], [0, 1])
    more = [act for script in day.scripts(50, 1).tags for act in script.acts if act.what == kinds.WARNING]
    assert abs(len(more) - 1000) < 4.5 * (400 * 0.25) ** 0.5  # 2 or 3 for each, with probability 1/2
    assert all(act.size == 15 for act in more)


_HEAD = '{"jikimi_day": 1, "begins": "06:00", "seconds": 600, "tags": 5, "machines": 1}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "first line is no header"),
        ("t,stream,kind\n1,1,18", "first line is no header"),
        (_HEAD.replace('day": 1', 'day": 2'), "version 2"),
        (_HEAD.replace("600", "0"), '"seconds"'),
        (_HEAD.replace("06:00", "6 am"), '"begins"'),
        (_HEAD + "\n[1, 1, 18, 15]\n[2, 1, 18]", "line 3"),
        (_HEAD + "\n[600, 1, 18, 15]", "line 2"),
        (_HEAD + "\n[1, 0, 18, 15]", "kind 18 is not of stream 0"),
        (_HEAD + "\n[9, 1, 18, 15]\n[8, 1, 18, 15]", "line 3"),
    ],
)
def test_a_file_that_is_no_day_is_refused_with_the_line_and_what_to_do(tmp_path, text, says):
    (tmp_path / "day.jsonl").write_text(text)
    with pytest.raises(ProfileError, match="bench record") as refused:
        recorded.read(tmp_path / "day.jsonl")
    assert says in str(refused.value)


# ---- a run ----


@pytest.mark.parametrize(
    ("lost", "unanswered", "lag_ms", "behind_ms", "said"),
    [
        (0, 0, 4000, 4000, True),
        (0, 0, 6000, 10, False),
        (0, 0, 6000, 900, None),
        (0, 3, 10, 900, False),
        (1, 0, 10, 900, False),
    ],
)
def test_a_site_keeps_up_when_nothing_waits_until_it_would_be_sent_again(lost, unanswered, lag_ms, behind_ms, said):
    assert kept_up(lost, unanswered, lag_ms, behind_ms) is said


def test_a_day_of_storm_is_lived_through_an_outage_and_a_shift_with_nothing_lost_or_doubled():
    arguments = ["--profile", "storm", "--tags", "8", "--start-at", "08:58", "--speed", "60", "--seconds", "4"]
    result = CliRunner().invoke(cli, ["bench", "load", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout.splitlines()[-1])
    assert (found["tags"], found["machines"], found["lost"], found["duplicates"]) == (8, 1, 0, 0)
    assert (found["from"], found["to"], found["kept_up"]) == ("08:58", "09:02", True)
    assert found["seconds"] >= 4
    assert found["reconnected"] >= 8  # all of them, at nine
    assert found["offered_events_per_s"]["peak"] >= found["offered_events_per_s"]["mean"] > 5
    assert found["lag_ms"]["p99"] >= found["behind_ms"]["p50"]
    assert 0 < found["services"]["ingest"]["cores"] < 4
    assert 5 < found["services"]["broker"]["mib"] < 500
    assert set(found["events"]) >= {"warning", "near_miss"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--profile", "bussy"], "calm, busy, storm"),
        (["--profile", "busy", "--start-at", "22:00"], "07:30 to 17:30"),
        (["--profile", "busy", "--start-at", "noon"], "07:55"),
        (["--speed", "60"], "--profile"),
    ],
)
def test_a_day_that_cannot_be_lived_is_misuse_and_says_what_can(arguments, says):
    result = CliRunner().invoke(cli, ["bench", "load", *arguments])
    assert result.exit_code == 2
    assert says in result.output
