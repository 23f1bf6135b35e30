"""How much arrived of what was recorded, by device and shift."""

from __future__ import annotations

import datetime
import itertools
import json
import time
import tracemalloc

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from jikimi.fleet.cli import cli
from jikimi.fleet.cli.shifts import spans
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import SiteSettings
from jikimi.fleet.store import Batch, CompletenessRow, DeadLetter, RecordMessage, Source, Store, StreamKey
from jikimi.wire import kinds
from tests.fleet_ingest.build import BOOT_MS, SITE, add_devices, events, message, open_store, report

EVENT = kinds.STREAM_EVENT
HOUR_MS = 3_600_000
SHIFTS = [datetime.time(6), datetime.time(14), datetime.time(22)]


def put(store: Store, *messages: RecordMessage) -> None:
    """Store them as received a minute after their boot."""
    now = [one._replace(source=one.source._replace(recv_ms=BOOT_MS + 60_000)) for one in messages]
    store.store_batch(Batch(messages=tuple(now)))


def of(rows: list[CompletenessRow], device: str) -> CompletenessRow:
    return next(row for row in rows if row.device == device)


def reasons(row: CompletenessRow) -> tuple[int, int, int, int, int]:
    return row.recorded, row.stored, row.lost, row.parked, row.missing


def second(seq: int) -> int:
    """Event time of the record with that seq (see `build.message`)."""
    return BOOT_MS + seq * 1000


def test_what_arrived_and_why_the_rest_did_not(store):
    lost = {kinds.LOST_COUNT: 2, kinds.LOST_BOOT: 1, kinds.LOST_STREAM: EVENT, kinds.LOST_FIRST: 3, kinds.LOST_LAST: 4}
    put(store, events("t1", 1, 2, 5), message("t1", EVENT, (9, kinds.LOST, lost)))
    letter = DeadLetter(Source(f"jk/{SITE}/t1/ev", b"x", 9), "value", StreamKey("t1", 1, EVENT), 6)
    store.store_batch(Batch(dead_letters=(letter,)))
    row = of(store.completeness(BOOT_MS), "t1")
    assert reasons(row) == (9, 4, 2, 1, 2)
    assert row.arrived_permille == 444


def test_a_device_whose_numbers_jump_by_millions_is_accounted_for_in_little_memory(store):
    far = 2_000_000  # a number of the wire may be two thousand times as large
    lost = {kinds.LOST_COUNT: 3, kinds.LOST_BOOT: 1, kinds.LOST_STREAM: EVENT, kinds.LOST_FIRST: 3, kinds.LOST_LAST: 5}
    put(store, events("t1", 1, 4), message("t1", EVENT, (far, kinds.LOST, lost)))
    letter = DeadLetter(Source(f"jk/{SITE}/t1/ev", b"x", 9), "value", StreamKey("t1", 1, EVENT), 2)
    store.store_batch(Batch(dead_letters=(letter,)))
    tracemalloc.start()
    try:
        row = of(store.completeness(BOOT_MS), "t1")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reasons(row) == (far, 3, 2, 1, far - 6)
    assert peak_bytes < 10_000_000


def test_what_a_device_says_it_still_holds_counts_against_the_running_shift_alone(store):
    put(store, events("t1", 1, 2, 3))
    store.store_batch(Batch(statuses=(report("t1", 1, online=True, journal_depth=3),)))
    running, over = store.completeness(BOOT_MS), store.completeness(BOOT_MS, second(9))
    assert (of(running, "t1").on_device, of(running, "t1").arrived_permille) == (3, 500)
    assert (of(over, "t1").on_device, of(over, "t1").arrived_permille) == (None, 1000)


def test_devices_that_recorded_nothing_are_listed_without_a_share(store):
    row = of(store.completeness(BOOT_MS), "n1")
    assert (reasons(row), row.arrived_permille) == ((0, 0, 0, 0, 0), None)


@settings(max_examples=25, deadline=None)
@given(
    seqs=st.sets(st.integers(1, 30), min_size=1),
    cuts=st.lists(st.integers(1, 30), max_size=4, unique=True).map(sorted),
)
def test_spans_that_follow_each_other_share_nothing_and_leave_nothing_out(tmp_path_factory, seqs, cuts):
    url = f"sqlite:///{tmp_path_factory.mktemp('span') / 'store.db'}"
    with open_store(url) as store:
        add_devices(url, t1=("tag", "hall"))
        put(store, events("t1", *sorted(seqs)))
        whole = of(store.completeness(BOOT_MS), "t1")
        edges: list[int | None] = [BOOT_MS, *(second(cut) for cut in cuts), None]
        parts = [of(store.completeness(since, until), "t1") for since, until in itertools.pairwise(edges) if since]
        assert [sum(column) for column in zip(*map(reasons, parts), strict=True)] == list(reasons(whole))
        assert reasons(whole) == (max(seqs), len(seqs), 0, 0, max(seqs) - len(seqs))


@pytest.fixture
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC).timestamp() * 1000)


def test_shifts_lie_between_the_times_of_day_at_which_they_begin(utc):
    now = at("2026-11-24T15:30")
    assert spans(SHIFTS, None, None, now) == [(at("2026-11-24T14:00"), None)]
    assert spans(SHIFTS, None, None, at("2026-11-24T01:00")) == [(at("2026-11-23T22:00"), None)]
    assert spans(SHIFTS, at("2026-11-24T05:00"), None, now) == [
        (at("2026-11-24T05:00"), at("2026-11-24T06:00")),
        (at("2026-11-24T06:00"), at("2026-11-24T14:00")),
        (at("2026-11-24T14:00"), None),
    ]
    assert spans(SHIFTS, at("2026-11-23"), at("2026-11-23T06:00"), now) == [(at("2026-11-23"), at("2026-11-23T06:00"))]


def test_completeness_is_a_report(tmp_path, utc):
    site = Site.init(tmp_path / SITE, settings=Settings(site=SiteSettings(SITE)))
    with open_store(site.database_url) as store:
        add_devices(site.database_url, t1=("tag", "hall"))
        put(store, events("t1", 1, 2, 4))
    command = ["report", "completeness", "--since", "2026-11-24T00:00", "--site", str(site.path)]
    done = CliRunner().invoke(cli, [*command, "--until", "2026-11-24T06:00", "--json"])
    assert done.exit_code == 0, done.output
    (shift,) = json.loads(done.stdout)["shifts"]
    (row,) = shift["devices"]
    assert (row["recorded"], row["stored"], row["missing"], row["arrived_permille"]) == (4, 3, 1, 750)
    table = CliRunner().invoke(cli, command)
    assert "75.0 %" in table.stdout
    assert CliRunner().invoke(cli, [*command, "--shifts", "noon"]).exit_code == 2
