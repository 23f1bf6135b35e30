"""Taking an alarm on at the page: who may, what is kept, and what people are told when it does not work."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from jikimi.fleet.alarms import responders
from jikimi.fleet.errors import StoreError
from jikimi.fleet.store import NewRecord
from jikimi.fleet.web import desk as desks
from jikimi.fleet.web import floor_plan
from jikimi.fleet.web.live import Live
from jikimi.fleet.web.sign_in import COOKIE, add_routes
from jikimi.wire import kinds


@pytest.fixture
def live(plant) -> Live:
    return Live(plant.store, plant.site.name, floor_plan.load(plant.site.floor_path))


@pytest.fixture
def desk(plant, live) -> desks.SiteDesk:
    return desks.SiteDesk(plant.site, plant.store, live)


@pytest.fixture
def alarm(plant) -> str:
    """The id of an open alarm."""
    plant.report(plant.tag, NewRecord(1, kinds.FALL, 60_000, {kinds.CONFIDENCE_PERMILLE: 930}))
    (row,) = plant.store.open_alarms()
    return str(row.id)


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """Topics on which something was published; the broker takes it."""
    topics: list[str] = []
    monkeypatch.setattr("jikimi.fleet.alarms.publish_once", lambda _site, topic, _payload: topics.append(topic))
    return topics


def test_who_has_a_code_takes_an_alarm_on_in_its_role_the_tag_is_told_and_the_next_look_shows_it(
    plant, live, desk, alarm, told
):
    live.look()
    assert [one.taken_on_by for one in live.current.alarms] == [None]
    assert desk.take_on(alarm, responders.add(plant.site, "first-aider")) == desks.DONE
    assert told == [f"jk/plant/{plant.tag}/cmd"]
    live.look()
    (shown,) = live.current.alarms
    (row,) = plant.store.open_alarms()
    assert (shown.state, shown.taken_on_by, shown.taken_on_ms) == ("acknowledged", "first-aider", row.acknowledged_ms)


def test_the_first_to_take_an_alarm_on_stays_noted(plant, desk, alarm, told):
    first, second = (responders.add(plant.site, role) for role in ("first-aider", "shift-leader"))
    assert [desk.take_on(alarm, code) for code in (first, second)] == [desks.DONE] * 2
    assert plant.store.open_alarms()[0].acknowledged_by == "first-aider"
    assert len(told) == 2


def test_a_code_that_was_removed_takes_nothing_on_where_it_is_still_signed_in(plant, desk, alarm, told):
    code = responders.add(plant.site, "first-aider")
    responders.remove(plant.site, "first-aider")
    assert desk.take_on(alarm, code) == desks.ENDED
    assert (plant.store.open_alarms()[0].state, told) == ("open", [])


def test_what_did_not_work_is_told_apart(plant, desk, alarm, monkeypatch):
    code = responders.add(plant.site, "first-aider")
    assert desk.take_on("dunknown.1.1", code) == desks.NOT_NOTED
    monkeypatch.setattr("jikimi.fleet.mqtt._ONCE_S", 0.2)
    assert desk.take_on(alarm, code) == desks.NOT_TOLD  # no broker runs
    assert plant.store.open_alarms()[0].state == "acknowledged"


def test_a_database_that_is_away_signs_nobody_in_and_breaks_nothing(desk, monkeypatch):
    def away(*_: object) -> str:
        raise StoreError("the database is away")

    monkeypatch.setattr(responders, "role_of", away)
    assert desk.role_of("code") is None
    assert desk.take_on("d.1.1", "code") == desks.NOT_NOTED


class _Known:
    """A desk at which one code counts."""

    def role_of(self, code: str) -> str | None:
        return "first-aider" if code == "abc" else None

    def take_on(self, alarm_id: str, code: str) -> str:
        raise AssertionError((alarm_id, code))


def _post(
    path: str, url: str = "http://plant:8080", headers: dict[str, str] | None = None, **data: str
) -> httpx.Response:
    """What the two forms answer."""
    app = FastAPI()
    add_routes(app, _Known())

    async def post() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=url) as client:
            return await client.post(path, data=data, headers=headers)

    return asyncio.run(post())


def test_signing_in_keeps_the_code_where_no_script_and_no_other_site_reaches_it_and_signing_out_drops_it():
    answer = _post("/sign-in", code="abc", lang="ko")
    assert (answer.status_code, answer.headers["location"]) == (303, "./?lang=ko")
    kept = answer.headers["set-cookie"]
    assert kept.startswith(f"{COOKIE}=abc;")
    assert all(word in kept for word in ("HttpOnly", "SameSite=strict", "Path=/"))
    assert "Secure" not in kept  # over plain HTTP the browser would throw it away
    assert 'jikimi_responder=""' in _post("/sign-out", lang="ko").headers["set-cookie"]


def test_over_https_the_cookie_never_travels_without():
    assert "Secure" in _post("/sign-in", "https://plant", code="abc").headers["set-cookie"]


def test_a_wrong_code_leads_back_to_the_page_which_says_so():
    answer = _post("/sign-in", code="wrong", lang="en")
    assert (answer.status_code, answer.headers["location"]) == (303, "./?lang=en&refused=1")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://plant:8080"}, 303),
        ({"origin": "http://elsewhere"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://name-before-the-proxy", "sec-fetch-site": "same-origin"}, 303),
        ({"origin": "http://plant:8080", "sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_a_form_on_another_site_signs_nobody_in_or_out(path, headers, status):
    assert _post(path, headers=headers, code="abc").status_code == status
