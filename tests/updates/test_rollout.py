"""A release reaches a canary and then all; a bad one stops at its canary, which goes back by itself."""

from __future__ import annotations

import pytest

from jikimi.fleet import release
from jikimi.fleet.rollout import Plan, approve_rollout, devices_of, rollouts, start_rollout
from tests.shift.conftest import until

_WITHIN_S = 60.0


def _ends(site, number):
    row = next(row for row in rollouts(site) if row.rollout == number)
    return row if row.state in ("done", "stopped", "paused") else None


def _rolled_out(fleet, sequence):
    number = start_rollout(fleet.site, "x64", sequence, Plan(shares=(100,), retry_ms=5_000), "maintenance")
    approve_rollout(fleet.site, number, "safety-manager")
    return number, until(lambda: _ends(fleet.site, number), "the end of the rollout", _WITHIN_S)


def _runs(fleet):
    return {row.device: (row.release, row.version, row.trial) for row in release.devices(fleet.site)}


@pytest.mark.slow
def test_a_release_goes_to_the_canary_then_to_all_and_a_bad_one_stops_itself_and_is_rolled_back(fleet):
    good = fleet.publish("1.1.0", changed={"note": "TEXT = 'new in this release'\n"})
    number, row = _rolled_out(fleet, good.sequence)
    assert (row.state, row.counts) == ("done", {"done": 3})
    assert set(_runs(fleet).values()) == {(good.sequence, "1.1.0", False)}
    for tag in fleet.tags:
        assert (tag.board.flash_dir / "slots/now").read_text() == "a"
        assert (tag.board.flash_dir / "slots/a/jikimi/edge/note.mpy").exists()

    # Its inertial unit seems dead; it gives itself three seconds instead of two minutes: a test need not wait.
    bad = fleet.publish(
        "1.2.0",
        edits={"sense": ("return count > 0", "return False"), "health": ("LIMIT_MS = 120_000", "LIMIT_MS = 3_000")},
    )
    starts = {tag.device: tag.board.boots for tag in fleet.tags}
    number, row = _rolled_out(fleet, bad.sequence)
    assert (row.state, row.why, row.counts) == ("stopped", "sensor", {"failed": 1, "queued": 2})
    assert set(_runs(fleet).values()) == {(good.sequence, "1.1.0", False)}
    canary = next(device for device, member in devices_of(fleet.site, number).items() if member.state == "failed")
    assert {tag.device: tag.board.boots - starts[tag.device] for tag in fleet.tags} == {
        tag.device: 3 if tag.device == canary else 0 for tag in fleet.tags
    }
    (failed,) = [one for one in release.devices(fleet.site) if one.failed_why]
    assert (failed.device, failed.failed_release, failed.failed_why) == (canary, bad.sequence, "sensor")
