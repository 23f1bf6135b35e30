"""A machine node takes a release from its site, end to end; the walkthrough does the same with tags."""

from __future__ import annotations

from jikimi.fleet import registry, release
from jikimi.fleet.provision import Batch, Row
from jikimi.fleet.registry import Description
from jikimi.fleet.rollout import Plan, approve_rollout, rollouts, start_rollout
from jikimi.fleet.services import Supervisor, broker_service, ingest_service, python_service
from tests.provision.conftest import PATIENCE_S, until

_NODE = Description("node", "Press 3", "press-hall", "press")
_REPORTED_S = 120.0  # two restarts and what is fetched between them


def test_a_node_is_never_off_duty_and_takes_a_release_while_nobody_is_near(site, boards, run, tmp_path):
    (board,) = boards(1)
    services = [broker_service(site), ingest_service(site), python_service(site, "delivery")]
    with Supervisor(site, services):
        (result,) = run([board], Batch([Row(_NODE)], _NODE, lambda _name: True))
        assert result.result == "pass", result.reason
        board.wait_for("jk link up", PATIENCE_S)
        release.build(site, tmp_path / "release", version="1.1.0", arch="x64")
        release.sign(site, tmp_path / "release")
        made = release.publish(site, tmp_path / "release")
        number = start_rollout(site, "x64", made.sequence, Plan(shares=(100,)), "maintenance", None)
        approve_rollout(site, number, "safety-manager")
        until(lambda: rollouts(site)[0].state == "done", "the rollout is done", _REPORTED_S)
    (told,) = release.devices(site)
    assert (told.device, told.release, told.firmware, told.trial) == (result.id, 1, made.firmware, False)
    assert (board.flash_dir / "slots/now").read_text().split() == [told.slot] != ["cable"]
    assert registry.devices(site)[0].kind == "node"
