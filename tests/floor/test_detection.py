"""The floor's people seen through the signal core: falls are found, work is not mistaken for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jikimi.fleet.floor import Floor, default_plan, workers
from jikimi.sigcore import FallDetector

WORKERS = [f"d-tag{i}" for i in range(8)]
SECONDS, RATE, BLOCK = 60, 104, 13


def _run(seed: int, recordings: Path | None = None) -> tuple[int, int, int]:
    """Acted, detected and false falls of one run of a minute."""
    crew = dict(zip(WORKERS, workers(len(WORKERS), recordings, seed), strict=True))
    floor = Floor(default_plan(1), crew, ["d-node"], seed)
    floor.open(1.0)
    acted = [fall for fall in floor.acted_falls(SECONDS) if fall.impact_s < SECONDS - 3]
    detected = false = 0
    for board in WORKERS:
        impacts = [fall.impact_s for fall in acted if fall.board == board]
        alarms = _alarms(floor, board)
        detected += sum(any(-1 <= alarm - impact <= 2.2 for alarm in alarms) for impact in impacts)
        false += sum(all(not -1 <= alarm - impact <= 2.2 for impact in impacts) for alarm in alarms)
    return len(acted), detected, false


def _alarms(floor: Floor, board: str) -> list[float]:
    detector = FallDetector(RATE, no_motion_s=None)
    events = []
    for i in range(SECONDS * RATE // BLOCK):
        block = floor.bodies[board].samples(i * BLOCK / RATE, 1 / RATE, BLOCK)
        events += detector.push(block[:, :3], block[:, 3:])
    return [event.t_s for event in events if event.kind == "fall"]


@pytest.mark.parametrize("seed", range(3))
def test_every_fall_made_from_physics_is_found_and_nothing_else(seed: int) -> None:
    acted, detected, false = _run(seed)
    assert acted >= 6
    assert (detected, false) == (acted, 0)


def test_recorded_falls_on_the_floor_are_found_as_often_as_in_the_recordings(sisfall: Path) -> None:
    acted, detected, false = (sum(counts) for counts in zip(*(_run(seed, sisfall) for seed in range(4)), strict=True))
    assert acted >= 24
    assert detected >= 0.95 * acted
    assert false <= 1
