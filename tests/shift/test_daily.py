"""A tag that is worn for days and a node that is never off duty test themselves daily; a day is two seconds here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import jikimi.edge
from jikimi.fleet import registry
from jikimi.fleet.virtual import Bench, VirtualBoard, image
from jikimi.wire import kinds, topics
from tests.shift.conftest import Plant, Tag, until

EDGE = Path(next(iter(jikimi.edge.__path__)))
SHORT = {
    "self_test": ("DAY_MS = 86_400_000", "DAY_MS = 2_000"),
    "sense": ("_LOOKS = const(1500)", "_LOOKS = const(30)"),
}
BOTH = 1 << kinds.SENSOR_FLASH | 1 << kinds.SENSOR_BLE
NODE = BOTH | 1 << kinds.SENSOR_UWB
TAG = NODE | 1 << kinds.SENSOR_IMU | 1 << kinds.SENSOR_BATTERY


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> image.Image:
    """The application with shorter days."""
    edge = tmp_path_factory.mktemp("changed") / "edge"
    shutil.copytree(EDGE, edge)
    for name, (before, after) in SHORT.items():
        source = (EDGE / f"{name}.py").read_text()
        assert source.count(before) == 1
        (edge / f"{name}.py").write_text(source.replace(before, after))
    return image.application(edge=edge)


@pytest.fixture(scope="module")
def node(plant: Plant, code: image.Image) -> Tag:
    plant.world.air._channel = plant.world.uwb._channel = Bench()  # a metre from each other: each hears the other
    files = registry.add_device(plant.site, "node", "P1", "hall", "press")
    config = {
        "version": 1, "site": files.site, "device": files.device, "kind": "node", "zone": files.zone,
        "broker": {"host": files.broker.host, "port": files.broker.port, "server_name": files.broker.server_name},
        "board": "virtual", "uwb": {"driver": "ryuw122"}, "vitals_s": 1,
        "machine": {"kind": "press", "name": "P1", "warn_mm": 400, "danger_mm": 200},
    }  # fmt: skip
    flash = plant._folder / files.device
    tls = image.Tls(files.ca_der, files.cert_der, files.key_der)
    image.write_image(image.device_image(config, tls) | code, flash)
    board = VirtualBoard(files.device, flash, plant.world)
    plant._boards.append(board)
    board.start()
    board.wait_for("^jk link up ", 30)
    return Tag(plant, board)


@pytest.fixture(scope="module")
def tag(plant: Plant, code: image.Image, node: Tag) -> Tag:
    return plant.add_tag(code=code)


def _results(tag: Tag) -> list[tuple[int, int]]:
    """(passed, failed) of each self-test, in their order."""
    found = {}
    for batch in tag.said(topics.EVENT):
        for record in batch.records:
            if record.kind == kinds.SELF_TEST:
                found[batch.boot, record.seq] = (record.data[kinds.PASSED], record.data[kinds.FAILED])
    return [found[key] for key in sorted(found)]


def _faults(tag: Tag) -> list[tuple[str, str]]:
    rows = tag.plant.store.recent_records(1000)
    ours = [row for row in rows if row.device == tag.device and row.kind == "sensor_fault"]
    return [(row.data["sensor"], row.data["fault"]) for row in ours]


def test_a_tag_tests_itself_again_without_being_docked_and_shows_its_wearer_nothing(tag):
    until(lambda: len(_results(tag)) >= 1, "the test at the start")
    until(lambda: len(_results(tag)) >= 3, "two days")
    assert _results(tag)[:3] == [(TAG, 0)] * 3
    assert len([out for out in tag.plant.world.outputs(tag.device) if out.name == "haptic" and out.level]) == 1


def test_a_node_tests_itself_again_though_it_is_never_off_duty(node, tag):  # the tag is what it hears
    until(lambda: len(_results(node)) >= 3 and (NODE, 0) in _results(node)[2:], "two days, and a good one")
    assert all(failed == 0 for _passed, failed in _results(node))


def test_one_axis_that_died_while_it_was_worn_is_an_alarm_within_the_day(tag):
    chip = tag.plant.world.do(lambda: tag.plant.world.hardware(tag.device).imu)
    chip.dead_axis = 4
    until(lambda: ("imu", "frozen") in _faults(tag), "the alarm")
    found = (TAG & ~(1 << kinds.SENSOR_IMU), 1 << kinds.SENSOR_IMU)
    until(lambda: _results(tag)[-1] == found, "the result, an event, which waits for the alarm")
    chip.dead_axis = None
    until(lambda: not [a for a in tag.plant.store.open_alarms() if a.device == tag.device], "its end a day later")
