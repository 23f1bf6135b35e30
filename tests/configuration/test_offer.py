"""Whom the site offers its configuration: every device that says it runs another one, and did not refuse this one."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from jikimi.fleet import registry, signing
from jikimi.fleet.configuration import STARTER, applied, drift
from jikimi.fleet.configuration import plan as planning
from jikimi.fleet.delivery import offers
from jikimi.fleet.mqtt import Incoming
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.fleet.store.schema import device_status
from jikimi.wire import messages, topics

DETAILS = {
    "boot": 3,
    "kind": "tag",
    "reset_reason": "power",
    "firmware": "f",
    "core": "0.1.0",
    "clock_quality": 0,
    "capabilities": [],
}


@pytest.fixture
def site(tmp_path, monkeypatch) -> Site:
    monkeypatch.setattr(signing, "HEIGHT", 5)
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
    return Site.init(tmp_path / "plant", settings=settings)


@pytest.fixture
def device(site) -> str:
    """A device that was told its settings."""
    device = registry.add_device(site, "tag", "Tag 1", "floor").device
    planning.apply(site, STARTER)
    return device


def _heard(site: Site, device: str, **fields: object) -> tuple[str, bytes] | None:
    payload = messages.encode_state(fields)
    births = offers.Offers(site)
    try:
        return births.answer(Incoming(topics.topic(site.name, device, topics.STATE), payload, False, 0, 0, 0, 0))
    finally:
        births.close()


@pytest.mark.parametrize("status", ["online", "docked"])
def test_a_device_that_runs_other_settings_is_offered_those_it_was_told(site, device, status):
    topic, payload = _heard(site, device, status=status, config="other", **DETAILS) or ("", b"")
    assert topic == topics.topic(site.name, device, topics.COMMAND)
    operation, arguments, _ident, _expires = messages.decode_command(payload)
    document = applied.told(site)[device].document
    assert (operation, arguments[messages.ARG_SIZE]) == (messages.CMD_CONFIG, len(document))


def test_a_device_that_runs_what_it_was_told_or_only_left_its_will_is_offered_nothing(site, device):
    digest = applied.told(site)[device].digest
    assert _heard(site, device, status="online", config=digest, **DETAILS) is None
    assert _heard(site, device, status="lost", boot=3) is None
    assert _heard(site, "dunknown", status="online", config="other", **DETAILS) is None


def test_a_birth_is_answered_while_another_process_writes(site, device):
    path = site.database_url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        assert _heard(site, device, status="online", config="other", **DETAILS) is not None


def test_a_device_that_refused_is_not_asked_again_and_drift_says_why(site, device):
    assert _heard(site, device, status="online", config="other", refused="1 link", **DETAILS) is None
    (row,) = drift.statuses(site)
    assert (row.state, row.reason) == ("refused", "link")
    assert _heard(site, device, status="online", config="other", refused="0 link", **DETAILS) is not None


def test_drift_tells_waiting_from_differing_and_from_in_sync(site, device):
    told = applied.told(site)[device]
    assert [row.state for row in drift.statuses(site)] == ["waiting"]
    for reported, seen_ms, state in (("other", told.applied_ms + 1, "differs"), (told.digest, 1, "in sync")):
        with registry.database.transaction(site) as connection:
            connection.execute(device_status.delete())
            row = {"site": site.name, "device": device, "boot": 1, "online": True}
            connection.execute(device_status.insert().values(**row, last_seen_ms=seen_ms, config=reported))
        assert [row.state for row in drift.statuses(site)] == [state]


def test_applying_again_changes_nothing_and_uses_no_signature(site, device):
    left = signing.current(site, signing.CONFIG).remaining
    done = planning.apply(site, STARTER)
    assert (done.changes, done.wanted) == ((), {})
    assert signing.current(site, signing.CONFIG).remaining == left
