"""The third platform: the same bits on a 32-bit RISC-V processor, and what they cost there."""

from array import array
from typing import Any

import numpy as np
import pytest
from jikimi.sigcore._sigcore import ffi, lib

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
    work = [*jobs(), ("separation_mm", [], speeds.tolist()), *tracks(rng), strained(), *days(rng)]
    found, _ = rv32.answers(work)
    assert len(found) == len(work)
    for (name, new, pushes), answers in zip(work, found, strict=True):
        assert answers == on_host(name, new, pushes), name


def tracks(rng: np.random.Generator) -> list[rv32.Job]:
    """Somebody walking to and fro, some ranges without diagnostics, a silence; and ranges that make no sense."""
    times = np.cumsum(np.where(np.arange(600) == 300, 5000, rng.integers(0, 400, 600))).tolist()
    walked = (4000 + 3000 * np.sin(np.arange(600) / 20) + rng.normal(0, 60, 600)).astype(int).tolist()
    wild = rng.integers(-(2**31), 2**31, 600).tolist()
    chips = rng.integers([-11000, -12000, 0, -1000], [-6000, -6000, 200, 66000], (600, 4)).tolist()
    seen = [None if i % 7 == 0 or i < 5 else chip for i, chip in enumerate(chips)]
    return [
        ("uwb_track", [offset], [list(push) for push in zip(times, ranges, seen, strict=True)])
        for offset, ranges in ((-150, walked), (150, wild))
    ]


def strained() -> rv32.Job:
    """An hour up to the highest heart rate and down again."""
    return ("exertion_high", [55, 180], [[4500 * i, 60 + min(i, 800 - i) * 3 // 10] for i in range(801)])


def days(rng: np.random.Generator) -> list[rv32.Job]:
    """A hip and a heart that change after an hour and a half; minutes of samples, a reading every two seconds."""
    windows = [(600 if i < 90 else 150) + int(rng.integers(-60, 60)) for i in range(200)]
    hip = [[3000, 1000 + size, 100, 200 + size // 50, 975] for size in windows]
    heart = [[2000 * i, 100 + i % 3 + (40 if i > 2700 else 0)] for i in range(6000)]
    return [("load_hip", [], hip), ("load_heart", [60, 190], heart)]


def on_hip(pushes: list[list[Any]]) -> list[tuple[int, ...]]:
    state, motion = block.load_new(0), ffi.new("sig_motion_t *")
    rows: list[tuple[int, ...]] = []
    for samples, norm, *acc in pushes:
        motion.acc_norm_mg, motion.acc_mg = norm, acc
        for _ in range(samples):
            lib.sig_load_tick(state, motion)
        rows.append((block.load_state(state, None),))
    return rows


def on_heart(new: list[int], pushes: list[list[Any]]) -> list[tuple[int, ...]]:
    state, exertion = block.load_new(1), block.exertion_new(*new)
    rows: list[tuple[int, ...]] = []
    for push in pushes:
        block.exertion_push(exertion, *push)
        rows.append((block.load_state(state, exertion),))
    return rows


def on_host(name: str, new: list[int], pushes: list[list[Any]]) -> list[tuple[int, ...]]:
    if name == "separation_mm":
        return [(block.separation_mm(*push),) for push in pushes]
    if name.startswith("load"):
        rows = on_hip(pushes) if name == "load_hip" else on_heart(new, pushes)
        assert {state for (state,) in rows} == {-1, 0, 1}
        return rows
    if name == "uwb_track":
        state = block.uwb_new(*new)
        return [block.uwb_track(state, *push) for push in pushes]
    if name == "exertion_high":
        state = block.exertion_new(*new)
        rows = [(block.exertion_push(state, *push), int(block.exertion_high(state))) for push in pushes]
        assert {high for _, high in rows} == {0, 1}
        return rows
    state, push = getattr(block, f"{name}_new")(*new), getattr(block, f"{name}_push")
    rows = [push(state, *numbers) for numbers in pushes]
    return [row if isinstance(row, tuple) else (row,) for row in rows]


def test_the_same_samples_cost_the_same_instructions_twice() -> None:
    raw = to_raw(story(1, 100))
    assert rv32.run(raw, rv32.Chip(100)).cost == rv32.run(raw, rv32.Chip(100)).cost
