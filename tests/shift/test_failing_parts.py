"""A tag whose parts fail, on duty and docked, each for half a minute, out of reach of its site: it never restarts.

What it only waits for is skipped (tools/fast_clock.c), so that ten seconds without a sign of life pass in no time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from jikimi.fleet.virtual import VirtualBoard, image
from jikimi.fleet.virtual.interpreter import HEAP_BYTES
from jikimi.fleet.virtual.wiring import CHARGER_PIN
from jikimi.wire import kinds
from tests.shift.conftest import until
from tools import shift
from tools.shift_world import Wearer

_HOURS_S = 1e6  # until the wearer falls: not in this story
_HELD_S = 30.0  # three times what a task may be silent
_FAULTS = {"imu_nak": True, "imu_frozen": True, "uwb_silent": True, "uart_garbage": 1.0}
_COMPLAINT = re.compile(r"^jk log (task|no memory|record of)|MemoryError|Traceback|virtual board:")

pytestmark = pytest.mark.timeout(600)


class _Story:
    """Faults and charger at given times of the world; `over_s` is when all is well again, and worn."""

    def __init__(self, plant: shift.Plant) -> None:
        self._world, self._device = plant.world, plant.device
        self.over_s = plant.world.now() + _HELD_S
        for faults in (*([name] for name in _FAULTS), list(_FAULTS)):
            for docked in (1, 0):
                self._then(faults, docked)
            self._then([], 0)

    def _then(self, faults: list[str], docked: int) -> None:
        self._world.at(self.over_s, lambda: self._set(faults, docked))
        self.over_s += _HELD_S

    def _set(self, faults: list[str], docked: int) -> None:
        hardware = self._world.hardware(self._device)
        for name, value in _FAULTS.items():
            setattr(hardware.faults, name, value if name in faults else type(value)(0))
        hardware.drive_input(CHARGER_PIN, docked)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[shift.Plant]:
    plant = shift.Plant(tmp_path, Wearer(_HOURS_S), HEAP_BYTES, None)
    with plant.world:
        yield plant


def test_whatever_part_fails_on_duty_or_docked_a_tag_goes_on_and_ends_its_alarms(plant, tmp_path):
    flash = tmp_path / "flash"
    image.write_image(plant._image, flash)
    story: _Story = plant.world.do(lambda: _Story(plant))
    with VirtualBoard(plant.device, flash, plant.world, environment=plant._clock.environment) as board:
        board.start()
        until(lambda: plant.world.now() > story.over_s or board.boots > 1, "the end of the story", 300)
        lines = board.lines()
        assert [line for line in lines if _COMPLAINT.search(line)] == []
        assert board.boots == 1, lines[-20:]
        assert any(re.match(rf"jk rec \d+ 0 \d+ {kinds.SENSOR_FAULT} ", line) for line in lines)
        assert lines.count("jk duty off") == lines.count("jk duty on") - 1 == len(_FAULTS) + 1
        until(lambda: json.loads((flash / "state/alarms").read_bytes())["on"] == [], "the end of every alarm")
