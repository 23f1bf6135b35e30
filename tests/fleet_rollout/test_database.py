"""Rollouts as people and devices meet them: commands, database, and what is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from jikimi.fleet import registry, release, signing
from jikimi.fleet.cli import cli
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.rollout import database, engine, machine
from jikimi.fleet.site import Site
from jikimi.fleet.store.schema import device_status
from jikimi.wire import messages

_FILES = {"jikimi/edge/app.mpy": b"application"}


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(signing, "HEIGHT", 5)
    site = Site.init(tmp_path / "site")
    release.build(site, tmp_path / "out", version="1.4.0", arch="x64", files=_FILES)
    release.sign(site, tmp_path / "out")
    release.publish(site, tmp_path / "out")
    return site


@pytest.fixture
def devices(site):
    return [registry.add_device(site, "tag", f"Tag {number}", "hall").device for number in range(3)]


class Delivery:
    """The engine, with what it sent."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine, "_PERIOD_S", 0.0)
        monkeypatch.setattr(engine, "_REST", 0)
        self.sent: list[tuple[str, int]] = []
        self._engine = engine.Engine(site, self._send)

    def _send(self, topic: str, payload: bytes) -> None:
        what, arguments, _ident, _expires = messages.decode_command(payload)
        if what == messages.CMD_RELEASE:
            assert len(str(arguments[messages.ARG_DIGEST])) > 0
        self.sent.append((topic.split("/")[2], what))

    def step(self) -> list[tuple[str, int]]:
        self.sent.clear()
        self._engine.step()
        return list(self.sent)


@pytest.fixture
def delivery(site, monkeypatch):
    return Delivery(site, monkeypatch)


def says(site: Site, device: str, **said: Any) -> None:
    """What ingest writes when a birth comes."""
    row = {"site": site.name, "device": device, "boot": 1, "online": True, "last_seen_ms": 1, "slot": "a", **said}
    with transaction(site) as connection:
        where = (device_status.c.site == site.name) & (device_status.c.device == device)
        connection.execute(sa.delete(device_status).where(where))
        connection.execute(device_status.insert().values(row))


def run(site: Site, *words: str, fails: str = "") -> Any:
    result = CliRunner().invoke(cli, ["release", "rollout", *words, "--site", str(site.path)], catch_exceptions=True)
    if fails:
        assert result.exception is not None
        assert fails in str(result.exception)
        return None
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout) if "--json" in words else result.stdout


def test_a_rollout_is_asked_for_approved_offered_and_done_by_what_devices_say(site, devices, delivery):
    (published,) = release.published(site)
    number = run(site, "start", "--sequence", "1", "--by", "maintenance", "--shares", "100", "--json")["rollout"]
    assert delivery.step() == []
    run(site, "approve", str(number), "--by", "maintenance", fails="somebody else")
    run(site, "approve", str(number), "--by", "safety-manager")
    assert delivery.step() == [(devices[0], messages.CMD_RELEASE)]
    says(site, devices[0], release=1, trial=True, firmware=published.firmware)
    assert delivery.step() == []
    says(site, devices[0], release=1, trial=False, firmware=published.firmware)
    assert sorted(delivery.step()) == sorted((device, messages.CMD_RELEASE) for device in devices[1:])
    for device in devices[1:]:
        says(site, device, release=1, trial=False, firmware=published.firmware)
    delivery.step()
    (row,) = run(site, "status", "--json")
    assert (row["state"], row["counts"], row["approved_by"]) == ("done", {"done": 3}, "safety-manager")
    assert [one.version for one in release.devices(site)] == ["1.4.0"] * 3


def test_a_device_that_connects_is_offered_the_release_it_missed_by_one_engine_once(
    site, devices, delivery, monkeypatch
):
    number = database.start_rollout(site, "x64", 1, machine.Plan(), "maintenance")
    database.approve_rollout(site, number, "safety-manager")
    assert delivery.step() == [(devices[0], messages.CMD_RELEASE)]
    (offered_ms,) = (one.last_offer_ms for one in database.devices_of(site, number).values() if one.offers)
    assert offered_ms is not None
    for device in devices:
        says(site, device, birth_ms=offered_ms + 1)
    assert delivery.step() == []  # it connected within seconds of the offer, and so soon it is not repeated
    back_ms = offered_ms + machine.RETURN_MS
    monkeypatch.setattr(engine, "_now_ms", lambda: back_ms)
    other = Delivery(site, monkeypatch)
    assert [*delivery.step(), *other.step(), *delivery.step()] == [(devices[0], messages.CMD_RELEASE)]


def test_a_bad_release_stops_and_its_reason_is_listed(site, devices, delivery):
    number = run(site, "start", "--sequence", "1", "--by", "a", "--json")["rollout"]
    run(site, "approve", str(number), "--by", "b")
    delivery.step()
    says(site, devices[0], failed_release=1, failed_why="radio")
    assert delivery.step() == []
    (row,) = run(site, "status", str(number), "--json")
    assert (row["state"], row["why"]) == ("stopped", "radio")
    assert row["devices"][devices[0]]["why"] == "radio"
    assert "radio" in run(site, "status")
    assert "failed" in run(site, "status", str(number))


def test_an_aborted_rollout_takes_its_offers_back_once(site, devices, delivery):
    number = run(site, "start", "--sequence", "1", "--by", "a", "--canary", "2", "--json")["rollout"]
    run(site, "approve", str(number), "--by", "b")
    assert len(delivery.step()) == 2
    run(site, "abort", str(number))
    assert sorted(delivery.step()) == sorted((device, messages.CMD_STOP_RELEASE) for device in devices[:2])
    assert delivery.step() == []


def test_pause_and_resume_work_from_another_process(site, devices, delivery):
    number = run(site, "start", "--sequence", "1", "--by", "a", "--json")["rollout"]
    run(site, "approve", str(number), "--by", "b")
    run(site, "pause", str(number))
    assert delivery.step() == []
    run(site, "resume", str(number))
    assert delivery.step() == [(devices[0], messages.CMD_RELEASE)]


def test_what_cannot_be_rolled_out_is_refused_with_the_reason(site, devices):
    run(site, "start", "--sequence", "2", "--by", "a", fails="not published")
    run(site, "start", "--sequence", "1", "--by", "a", "--device", "dnobody", fails="no active device")
    number = run(site, "start", "--sequence", "1", "--by", "a", "--json")["rollout"]
    run(site, "start", "--sequence", "1", "--by", "a", fails=f"rollout {number} has not ended")
    run(site, "approve", "99", "--by", "b", fails="no rollout 99")


def test_a_revoked_device_is_left_out(site, devices, delivery):
    number = run(site, "start", "--sequence", "1", "--by", "a", "--shares", "100", "--json")["rollout"]
    run(site, "approve", str(number), "--by", "b")
    registry.revoke(site, devices[1])
    (published,) = release.published(site)
    for device in (devices[0], devices[2]):
        delivery.step()
        says(site, device, release=1, trial=False, firmware=published.firmware)
    delivery.step()
    (row,) = run(site, "status", "--json")
    assert (row["state"], row["counts"]) == ("done", {"done": 2, "skipped": 1})


def test_a_step_that_somebody_overtook_does_nothing(site, devices, monkeypatch):
    number = int(run(site, "start", "--sequence", "1", "--by", "a"))
    run(site, "approve", str(number), "--by", "b")
    real = machine.advance

    def overtaken(rollout, reports, now_ms):
        database.pause_rollout(site, number)
        return real(rollout, reports, now_ms)

    monkeypatch.setattr(machine, "advance", overtaken)
    _, actions = database.step(site, number, 1)
    assert actions.offer == []
    (row,) = run(site, "status", "--json")
    assert (row["state"], row["counts"]) == ("paused", {"queued": 3})
