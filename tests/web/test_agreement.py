"""What the page shows under which agreement, and that whoever looks is noted."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from jikimi.fleet.errors import StoreError
from jikimi.fleet.services import Supervisor, python_service
from jikimi.fleet.store import NewRecord
from jikimi.fleet.web import agreement_card, floor_plan
from jikimi.fleet.web.live import Live
from jikimi.fleet.web.plan import floor_svg
from jikimi.fleet.web.snapshot import withheld
from jikimi.wire import kinds
from tests.fleet_agreement.build import change, remove


@pytest.fixture
def live(plant) -> Live:
    plant.near_misses(5)
    plant.report(plant.tag, NewRecord(1, kinds.FALL, 60_000, {}))
    return Live(plant.store, plant.site.name, floor_plan.load(plant.site.floor_path))


def test_the_agreement_in_force_is_shown_with_its_purposes_and_all_of_it_in_plain_words(live):
    live.look()
    agreement = live.current.agreement
    assert agreement is not None
    assert live.current.refusal == ""
    for lang, words in (("en", ("Agreement 1 in force since 2", "find the hazard")), ("ko", ("합의 1호", "위험 찾기"))):
        page = agreement_card.agreement_html(agreement, "", lang)
        for word in (*words, "90"):
            assert word in page


@pytest.mark.parametrize("genuine", [True, False])
def test_without_an_agreement_the_page_shows_alarms_and_says_why_nothing_else(plant, live, genuine):
    if genuine:
        remove(plant.site, "agreement", 1)
    else:
        change(plant.site, "agreement", 1, employer_signature=b"forged")
    live.look()
    snap = live.current
    assert [alarm.kind for alarm in snap.alarms] == ["fall"]
    assert [event.kind for event in snap.events] == ["fall"]
    assert (snap.near_misses, [machine.count for machine in snap.machines]) == ((), [None])
    assert (snap.agreement, snap.refusal) == (None, "no_agreement" if genuine else "not_genuine")
    assert "near misses" not in floor_svg(snap)
    words = {True: "jikimi agreement template", False: "jikimi agreement verify"}[genuine]
    for lang in ("en", "ko"):
        assert words in agreement_card.covered(lambda _snap: "near misses", lang)(snap)
        assert words in agreement_card.as_far(lambda _snap: "events", lang)(snap)
    assert ("None signed" in agreement_card.agreement_html(None, snap.refusal, "en")) == genuine


def test_who_looks_is_noted_and_who_asks_again_and_again_once_a_minute(plant, live):
    live.look()
    for _ in range(3):
        assert live.note("first-aider", "the live page")
        assert live.note("JSON API", "the live page as JSON", 60_000)
    noted = [(row.who, row.outcome, row.n_rows) for row in plant.store.audit_log() if row.purpose != "agreement"]
    shown = len(live.current.near_misses) + len(live.current.events)
    looked = ("first-aider", "answered", shown)
    assert noted == [looked, ("JSON API", "answered", shown), looked, looked]


def test_a_look_that_cannot_be_noted_shows_alarms_and_devices_alone(plant, live, monkeypatch):
    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    live.look()
    monkeypatch.setattr(plant.store, "note", full)
    assert not live.note("live page", "the live page")
    snap = withheld(live.current)
    assert (len(snap.alarms), snap.devices) == (1, live.current.devices)
    assert (snap.events, snap.near_misses, [machine.count for machine in snap.machines]) == ((), (), [None])
    assert "could not be noted" in agreement_card.covered(lambda _snap: "", "en")(snap)


def test_the_page_and_the_api_are_in_the_log(plant):
    plant.near_misses(5)
    with Supervisor(plant.site, [python_service(plant.site, "web")]):
        url = f"http://127.0.0.1:{plant.site.ports().web}"
        found: dict[str, Any] = {}
        while not found.get("near_misses"):  # before its first look a page has nothing
            with urllib.request.urlopen(f"{url}/api/live", timeout=60) as answer:
                found = json.load(answer)
        with urllib.request.urlopen(f"{url}/", timeout=60) as page:
            assert page.status == 200
    assert (found["agreement"]["number"], found["refusal"], found["near_misses"][0]["count"]) == (1, "", 5)
    assert {row.who for row in plant.store.audit_log() if row.purpose != "agreement"} == {"JSON API", "live page"}
