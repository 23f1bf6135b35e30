"""Nothing about people's work is answered without an agreement that covers it, and each question is in the log."""

from __future__ import annotations

import ast
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from jikimi.fleet import aggregate
from jikimi.fleet.agreement import example, terms
from jikimi.fleet.agreement.terms import CAPACITY, HAZARDS, INCIDENTS, PURPOSES, WORKERS
from jikimi.fleet.errors import StoreError
from jikimi.fleet.questions import LiveView, Questions, RefusedError
from jikimi.fleet.site import Site
from jikimi.fleet.store import Batch, Store
from jikimi.fleet.upkeep import rules_of_retention
from jikimi.wire import kinds
from tests.fleet_agreement.build import agree, change, days
from tests.fleet_ingest.build import BOOT_MS, HOUR_MS, add_devices, message, near_miss, open_store, person

EVENT, ALARM = kinds.STREAM_EVENT, kinds.STREAM_ALARM
FLEET = Path(aggregate.__file__).parents[1]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def store(any_site: Site):
    """Six people at the press in the hall, five at the saw in the break-room, an old and a new fall, bends, a fault."""
    url = any_site.database_url
    with open_store(url) as opened:
        add_devices(url, press=("node", "hall"), saw=("node", "break-room"), t1=("tag", "hall"), t2=("tag", "hall"))
        messages = (
            message("press", EVENT, *(near_miss(seq, person(seq)) for seq in range(1, 7))),
            message("saw", EVENT, *(near_miss(seq, person(seq)) for seq in range(1, 6))),
            message("t1", ALARM, (1, kinds.FALL, {}), (2, kinds.CLEARED, {kinds.REF_SEQ: 1})),
            message("t2", ALARM, (1, kinds.FALL, {}), recv_ms=_now_ms()),
            message("t1", EVENT, (1, kinds.BENDS, {}), (2, kinds.FALLING, {}), (3, kinds.SELF_TEST, {})),
        )
        opened.store_batch(Batch(messages=messages))
        yield opened


def shown(store: Store) -> set[tuple[str, str]]:
    """(kind, name) of all that a live view shows."""
    return {(row.kind, row.name) for row in LiveView(store).recent(100)}


RESCUE = {("fall", "T2"), ("self_test", "—")}


def test_without_an_agreement_nothing_is_answered_but_alarms_of_today_and_what_devices_say_of_themselves(store):
    for ask in (
        lambda: Questions(store).near_misses_by_zone_hour(0),
        lambda: Questions(store).near_misses_by_machine(0),
        lambda: Questions(store).alarms(),
        lambda: Questions(store).activity(0, 2 * BOOT_MS),
    ):
        with pytest.raises(RefusedError, match="jikimi agreement template") as caught:
            ask()
        assert caught.value.code == "no_agreement"
    view = LiveView(store)
    assert (view.refusal, view.near_misses_by_machine(), view.near_misses_by_zone_hour()) == ("no_agreement", [], [])
    assert shown(store) == RESCUE
    assert [row.device for row in store.open_alarms()] == ["t2"]


def test_each_question_is_in_the_log_with_its_purpose_whether_it_was_answered_or_refused(any_site, store, keys):
    asking = Questions(store, "safety-manager")
    with pytest.raises(RefusedError):
        asking.near_misses_by_machine(0)
    agree(any_site, keys, example.terms(keys, {HAZARDS: ("proximity",)}))
    asking.near_misses_by_machine(0)
    with pytest.raises(RefusedError):
        asking.alarms()
    LiveView(store).note("live page", "the page", 3)
    rows = [row for row in store.audit_log() if row.purpose != "agreement"]
    assert [(row.who, row.purpose, row.outcome, row.n_rows) for row in rows] == [
        ("safety-manager", HAZARDS, "refused: no_agreement", 0),
        ("safety-manager", HAZARDS, "answered", 2),
        ("safety-manager", INCIDENTS, "refused: not_agreed", 0),
        ("live page", HAZARDS, "answered", 3),
    ]


def test_what_cannot_be_noted_is_not_answered(any_site, store, keys, monkeypatch):
    agree(any_site, keys, example.terms(keys))

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "note", full)
    with pytest.raises(StoreError):
        Questions(store).near_misses_by_machine(0)


@pytest.mark.parametrize(
    ("categories", "more"),
    [
        (("proximity",), {("near_miss", "PRESS"), ("near_miss", "SAW")}),
        (("posture",), {("bends", "—")}),
        (("emergency",), {("falling", "—")}),
        (
            ("emergency", "posture", "proximity"),
            {("near_miss", "PRESS"), ("near_miss", "SAW"), ("bends", "—"), ("falling", "—")},
        ),
    ],
)
def test_a_live_view_shows_the_categories_that_were_agreed_on_and_no_others(any_site, store, keys, categories, more):
    agree(any_site, keys, example.terms(keys, {HAZARDS: categories}))
    assert shown(store) == RESCUE | more
    assert LiveView(store).refusal == ("" if "proximity" in categories else "not_agreed")


def test_alarms_that_are_over_need_the_purpose_of_learning_from_them(any_site, store, keys):
    agree(any_site, keys, example.terms(keys, {INCIDENTS: ("emergency",)}))
    assert shown(store) == RESCUE | {("fall", "T1"), ("cleared", "T1")}
    assert {row.device for row in Questions(store).alarms().rows} == {"t1", "t2"}
    agree(any_site, keys, example.terms(keys, {INCIDENTS: ("device",)}))
    assert [row.device for row in Questions(store).alarms().rows] == ["t2"]


def test_hidden_zones_are_in_no_answer_and_their_alarms_are(any_site, store, keys):
    agree(any_site, keys, replace(example.terms(keys), hidden_zones=("break-room",)))
    assert [cell.zone for cell in Questions(store).near_misses_by_zone_hour(0).rows] == ["hall"]
    assert [cell.machine for cell in Questions(store).near_misses_by_machine(0).rows] == ["press"]
    assert ("near_miss", "SAW") not in shown(store)
    agree(any_site, keys, replace(example.terms(keys), hidden_zones=("hall",)))
    assert [row.device for row in Questions(store).alarms().rows] == ["t2"]
    assert shown(store) == RESCUE | {("near_miss", "SAW")}


def test_the_agreed_group_holds_where_it_is_larger(any_site, store, keys):
    agree(any_site, keys, replace(example.terms(keys), minimum_group=6))
    assert [cell.count for cell in Questions(store).near_misses_by_machine(0).rows] == [6, None]
    assert LiveView(store).group_min == 6
    assert ("near_miss", "SAW") not in shown(store)
    assert terms.GROUP_MIN == aggregate.GROUP_MIN


def test_a_profile_of_the_day_has_agreed_categories_and_zones_alone(any_site, store, keys):
    span = (HOUR_MS, HOUR_MS + 3_600_000)
    agree(any_site, keys, example.terms(keys))
    (whole,) = Questions(store).activity(*span).rows
    assert whole.withheld > 0
    few = example.terms(keys, {CAPACITY: ("posture",)})
    agree(any_site, keys, few)
    (less,) = Questions(store).activity(*span).rows
    assert less.withheld == 1
    agree(any_site, keys, replace(few, hidden_zones=("hall",)))
    assert Questions(store).activity(*span).rows[0].withheld == 0


def test_a_signature_counts_at_once_in_a_view_that_is_open(any_site, store, keys, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    view = LiveView(store)
    assert view.refusal == "no_agreement"
    agree(any_site, keys, example.terms(keys))
    clock[0] += 1
    assert (view.refusal, len(view.near_misses_by_machine())) == ("", 2)
    agree(any_site, keys, example.terms(keys, {CAPACITY: PURPOSES[CAPACITY]}), WORKERS)
    clock[0] += 1
    assert (view.refusal, view.near_misses_by_machine()) == ("not_agreed", [])


def test_a_database_that_was_changed_answers_nothing_but_rescue(any_site, store, keys):
    agree(any_site, keys, example.terms(keys))
    change(any_site, "agreement", 1, employer_signature=b"forged")
    with pytest.raises(RefusedError, match="jikimi agreement verify") as caught:
        Questions(store).near_misses_by_machine(0)
    assert caught.value.code == "not_genuine"
    assert LiveView(store).refusal == "not_genuine"
    assert shown(store) == RESCUE


def test_records_are_kept_as_long_as_agreement_and_settings_both_allow(any_site, store, keys):
    assert rules_of_retention(any_site, store) == any_site.settings.retention
    wide = example.terms(keys)
    agree(any_site, keys, replace(wide, retention_days=days(wide, posture=3, unreadable=4)))
    found = rules_of_retention(any_site, store)
    assert (found.posture_days, found.letter_days) == (3, 4)
    assert (found.emergency_days, found.proximity_days) == (365, 90)
    change(any_site, "agreement", 1, employer_signature=b"forged")
    assert rules_of_retention(any_site, store) == any_site.settings.retention


_ASKED = {"near_miss_cells", "records_after", "recent_records", "follow", "activity", "alarms"}
_STORE = re.compile(r"(^|[._])store$")


def _calls(path: Path) -> set[str]:
    """Names of the store's methods for data about people that a module calls on a store."""
    calls = (node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    return {
        func.attr
        for func in calls
        if isinstance(func, ast.Attribute) and func.attr in _ASKED and _STORE.search(ast.unparse(func.value))
    }


def test_no_module_but_the_query_layer_asks_the_store_about_people():
    asking = {
        path.relative_to(FLEET).parts[0]
        for path in FLEET.rglob("*.py")
        if _calls(path) and "store" not in path.relative_to(FLEET).parts
    }
    assert asking == {"questions", "aggregate"}
