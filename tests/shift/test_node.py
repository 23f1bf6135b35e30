"""A whole machine node on either Python beside a whole tag: speed, zones, stack light, relay, operator, near miss."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from jikimi.fleet import registry
from jikimi.fleet.virtual import Bench, VirtualBoard, image
from jikimi.fleet.virtual.wiring import DRIVE_OFF_PIN
from jikimi.wire import kinds
from tests.shift.conftest import Plant, Tag, until

WARNED, ALL_CLEAR = {"stack_amber", "clear"}, {"stack_green", "clear"}
_MACHINE = {
    "kind": "forklift", "name": "F1", "warn_mm": 2000, "danger_mm": 400, "slow_signal": "level",
    "separation": {"max_mm_s": 2000, "braking_mm_s2": 2000, "reaction_ms": 100},
    "speed": {"pulses_per_m": 50, "poll_ms": 100, "stale_ms": 500},
    "pairing": {"contact_mm": 1500},
}  # fmt: skip


def _add_node(plant: Plant, runtime: str) -> Tag:
    files = registry.add_device(plant.site, "node", "F1", "hall", "forklift")
    config = {
        "version": 1, "site": files.site, "device": files.device, "kind": "node", "zone": files.zone,
        "broker": {"host": files.broker.host, "port": files.broker.port, "server_name": files.broker.server_name},
        "board": "virtual", "uwb": {"driver": "ryuw122"}, "machine": _MACHINE, "vitals_s": 1,
    }  # fmt: skip
    flash = plant._folder / files.device
    image.write_image(image.device_image(config, image.Tls(files.ca_der, files.cert_der, files.key_der)), flash)
    gateway = [sys.executable, "-u", "-m", "jikimi.edge", "--root", str(flash)]
    board = VirtualBoard(files.device, flash, plant.world, command=gateway if runtime == "cpython" else None)
    plant._boards.append(board)
    board.start()
    node = Tag(plant, board)
    node.wait_line("^jk link up ")
    return node


@pytest.fixture(scope="module", params=["micropython", "cpython"])
def both(plant: Plant, request: pytest.FixtureRequest) -> Iterator[tuple[Tag, Tag]]:
    """Node and tag, warned; `Bench` puts them a metre from each other. They are gone before the next two come."""
    plant.world.air._channel = plant.world.uwb._channel = Bench()
    node, tag = _add_node(plant, request.param), plant.add_tag()
    tag.wait_line("^jk log clock set")  # it changes its id then, and a press in that moment would be for the old one
    until(lambda: _lit(node) == {"stack_red", "buzzer"}, "red, the buzzer, and the relay dropped")
    yield node, tag
    for one in (node, tag):
        plant._boards.remove(one.board)
        one.board.close()
        registry.retire(plant.site, one.device)


def _lit(node: Tag) -> set[str]:
    last: dict[str, float] = {}
    for output in node.plant.world.outputs(node.device):
        last[output.name] = output.level
    return {name for name, level in last.items() if level}


def _drive(node: Tag, on: bool) -> None:
    world = node.plant.world
    world.do(lambda: world.hardware(node.device).drive_input(DRIVE_OFF_PIN, 1 if on else 0))


def _exempt_the_operator(node: Tag) -> None:
    """As by the tests before, which another process may have run."""
    _drive(node, on=False)
    until(lambda: _lit(node) in (WARNED, ALL_CLEAR), "the outer zone")
    if _lit(node) == WARNED:
        node.press(0.3)
        node.wait_line("^jk log paired with a tag")
    until(lambda: _lit(node) == ALL_CLEAR, "green")


def _rows(node: Tag, kind: str) -> list[dict[str, Any]]:
    return [row.data for row in node.plant.store.recent_records(200) if (row.device, row.kind) == (node.device, kind)]


def test_without_pulses_full_speed_is_assumed_the_tag_is_warned_and_the_fault_reported(both):
    node, tag = both
    tag.wait_line(f"^jk warn {kinds.LEVEL_DANGER} ")
    until(lambda: {"sensor": "speed", "fault": "silent"} in _rows(node, "sensor_fault"), "the fault of the input")


def test_while_the_drive_is_off_the_same_place_is_in_the_outer_zone_only(both):
    node, _tag = both
    _drive(node, on=False)
    until(lambda: _lit(node) == WARNED, "amber, and the relay energised")


def test_an_operator_paired_at_the_button_is_exempt_and_the_stay_before_it_is_a_near_miss(both):
    node, tag = both
    _exempt_the_operator(node)
    until(lambda: _rows(node, "near_miss"), "the near miss of before")
    # Two of them when the tag's id changed meanwhile, as it does when the site sets its clock.
    found = _rows(node, "near_miss")
    assert "danger" in [near_miss["level"] for near_miss in found]
    assert all(800 <= near_miss["distance_mm"] <= 1200 for near_miss in found)
    assert tag.device not in str(found)


def test_the_inner_zone_counts_for_an_operator_as_for_everybody(both):
    node, tag = both
    _exempt_the_operator(node)
    lines = len(tag.board.lines())
    _drive(node, on=True)
    until(lambda: "stack_red" in _lit(node) and "clear" not in _lit(node), "red again at full speed")
    tag.wait_line(f"^jk warn {kinds.LEVEL_DANGER} ", lines)
