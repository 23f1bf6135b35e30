"""The engines of several machines at one rollout: what is due is sent by one of them."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from jikimi.fleet import registry, release, signing
from jikimi.fleet.rollout import database, machine
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import DatabaseSettings
from tools import postgres

_FILES = {"jikimi/edge/app.mpy": b"application"}
_ENGINES = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request, tmp_path, monkeypatch):
    monkeypatch.setattr(signing, "HEIGHT", 5)
    if request.param == "sqlite":
        yield _with_release(tmp_path, DatabaseSettings.url)
        return
    if postgres.binaries() is None:
        pytest.skip(f"needs Debian's package {postgres.PACKAGE}")
    with postgres.Server() as server:
        yield _with_release(tmp_path, server.schema_url())


def _with_release(directory, url: str) -> Site:
    site = Site.init(directory / "site", settings=replace(Settings(), database=DatabaseSettings(url)))
    release.build(site, directory / "out", version="1.4.0", arch="x64", files=_FILES)
    release.sign(site, directory / "out")
    release.publish(site, directory / "out")
    return site


def _all_at_once(site: Site, number: int, now_ms: int, monkeypatch: pytest.MonkeyPatch) -> list[machine.Actions]:
    """Steps of all engines, each of which has read before any of them writes."""
    have_read = threading.Barrier(_ENGINES)
    advance = machine.advance

    def judge(*arguments):
        have_read.wait(60)
        return advance(*arguments)

    found: list[machine.Actions] = []
    with monkeypatch.context() as patched:
        patched.setattr(machine, "advance", judge)
        steps = [
            threading.Thread(target=lambda: found.append(database.step(site, number, now_ms)[1]))
            for _ in range(_ENGINES)
        ]
        for step in steps:
            step.start()
        for step in steps:
            step.join()
    assert len(found) == _ENGINES
    return found


def test_of_engines_that_judge_the_same_moment_one_offers_and_one_takes_back(site, monkeypatch):
    devices = [registry.add_device(site, "tag", f"Tag {number}", "hall").device for number in range(3)]
    number = database.start_rollout(site, "x64", 1, machine.Plan(canary=3), "engineer")
    database.approve_rollout(site, number, "manager")
    now_ms = database.rollouts(site)[0].changed_ms + 1
    offers = [device for actions in _all_at_once(site, number, now_ms, monkeypatch) for device in actions.offer]
    assert sorted(offers) == sorted(devices)
    assert all(member.offers == 1 for member in database.devices_of(site, number).values())
    database.abort_rollout(site, number)
    withdrawn = [device for actions in _all_at_once(site, number, now_ms, monkeypatch) for device in actions.withdraw]
    assert sorted(withdrawn) == sorted(devices)
