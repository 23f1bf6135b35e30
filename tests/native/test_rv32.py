"""The third platform: the same bits on a 32-bit RISC-V processor, and what they cost there."""

from array import array
from typing import Any

import numpy as np
import pytest

from jikimi.sigcore import block
from tests.native.signals import RAW_ACC_LSB, RAW_GYRO_LSB_X100, Raw, block_events, story, to_raw
from tests.native.test_micropython_others import jobs
from tools import rv32


@pytest.fixture(autouse=True, scope="module")
def _tools() -> None:
    if sentence := rv32.missing():
        pytest.skip(sentence)


def bends(raw: Raw, rate_hz: int) -> list[tuple[int, ...]]:
    motion, bend = block.motion_new(rate_hz, RAW_ACC_LSB, RAW_GYRO_LSB_X100), block.bend_new()
    out = array("i", [0] * 256)
    n = block.motion_push(motion, None, bend, np.ascontiguousarray(raw, dtype="<i2").tobytes(), len(raw), out)
    return [tuple(out[4 * i : 4 * i + 4]) for i in range(n)]


@pytest.mark.parametrize(("rate_hz", "placement"), [(20, 0), (52, 1), (104, 0), (200, 1)])
def test_generated_stories_give_the_same_events_on_rv32(rate_hz: int, placement: int) -> None:
    raw = to_raw(story(rate_hz, rate_hz))
    there = rv32.run(raw, rv32.Chip(rate_hz, placement, no_motion_s=4))
    assert there.events["fall"] == block_events(raw, rate_hz, placement, still=4)
    assert there.events["bend"] == bends(raw, rate_hz)
    assert there.events["fall"]
    assert sorted(there.events["both"]) == sorted(there.events["fall"] + there.events["bend"])
    assert there.events["none"] == []


def test_wild_noise_gives_the_same_events_on_rv32() -> None:
    raw = np.random.default_rng(7).integers(-(2**15), 2**15, (4000, 6)).astype("<i2")
    there = rv32.run(raw, rv32.Chip(104, no_motion_s=-1))
    assert there.events["fall"] == block_events(raw, 104, still=-1)
    assert there.events["bend"] == bends(raw, 104)


def test_recorded_trials_give_the_same_events_on_rv32(sisfall_trials: dict[str, Raw]) -> None:
    raw = np.concatenate(list(sisfall_trials.values()))[:60_000]
    there = rv32.run(raw, rv32.Chip(200))
    assert there.events["fall"] == block_events(raw, 200)
    assert there.events["bend"] == bends(raw, 200)
    assert any(row[0] == 2 for row in there.events["fall"])


def test_the_other_detectors_answer_the_same_on_rv32() -> None:
    rng = np.random.default_rng(5)
    speeds = rng.integers([1, 0, 0, 100, 0, 0, 0], [3000, 4000, 2000, 5000, 900, 900, 900], (200, 7))
    work = [*jobs(), ("separation_mm", [], speeds.tolist())]
    found, _ = rv32.answers(work)
    assert len(found) == len(work)
    for (name, new, pushes), answers in zip(work, found, strict=True):
        assert answers == on_host(name, new, pushes), name


def on_host(name: str, new: list[int], pushes: list[list[Any]]) -> list[tuple[int, ...]]:
    if name == "separation_mm":
        return [(block.separation_mm(*push),) for push in pushes]
    state, push = getattr(block, f"{name}_new")(*new), getattr(block, f"{name}_push")
    rows = [push(state, *numbers) for numbers in pushes]
    return [row if isinstance(row, tuple) else (row,) for row in rows]


def test_the_same_samples_cost_the_same_instructions_twice() -> None:
    raw = to_raw(story(1, 100))
    assert rv32.run(raw, rv32.Chip(100)).cost == rv32.run(raw, rv32.Chip(100)).cost
