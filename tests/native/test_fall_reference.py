"""The C core is what the plain-Python definition says, bit for bit."""

from collections import deque
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jikimi.sigcore._sigcore import ffi, lib

from jikimi.sigcore import block
from tests.native import reference_fall as reference
from tests.native.signals import RAW_ACC_LSB, RAW_GYRO_LSB_X100, Raw, block_events, story, to_raw


def reference_rows(raw: Raw, rate_hz: int, placement: int = 0, still: int = 0) -> list[tuple[int, ...]]:
    seconds = 120 if still == 0 else still
    found = reference.detect(raw.tolist(), rate_hz * 100, placement, RAW_ACC_LSB, RAW_GYRO_LSB_X100, seconds)
    return [(*row, 0) for row in found]


@pytest.mark.parametrize("placement", [0, 1])
@pytest.mark.parametrize("rate_hz", [20, 50, 104, 200])
def test_generated_stories_give_the_same_events_as_the_definition(rate_hz, placement):
    raw = to_raw(story(1, rate_hz))
    expected = reference_rows(raw, rate_hz, placement, still=4)
    assert block_events(raw, rate_hz, placement, still=4) == expected
    assert expected


def test_recorded_trials_give_the_same_events_as_the_definition(sisfall_trials):
    for name, raw in sisfall_trials.items():
        assert block_events(raw, 200) == reference_rows(raw, 200), name


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(20, 200),
    st.integers(0, 1),
    st.sampled_from([60, 2000, 32767]),
)
def test_noise_of_any_size_gives_the_same_events_as_the_definition(seed, rate_hz, placement, size):
    rng = np.random.default_rng(seed)
    gravity = np.array([0, -RAW_ACC_LSB, 0, 0, 0, 0])
    steps = rng.integers(-size, size, (rate_hz * 4, 6)) * rng.integers(0, 2, (rate_hz * 4, 1))
    raw = np.clip(steps + gravity, -32768, 32767).astype("<i2")
    assert block_events(raw, rate_hz, placement) == reference_rows(raw, rate_hz, placement)


def core_numbers(raw: Raw, rate_hz: int) -> Iterator[tuple[list[int], list[int]]]:
    """What the core would decide from after each cell: about an impact, and about a beginning fall."""
    motion, fall = block.motion_new(rate_hz, RAW_ACC_LSB, RAW_GYRO_LSB_X100), block.fall_new(0)
    impact, falling = (ffi.new("uint8_t[]", n) for n in (lib.SIG_FALL_FEATURES, lib.SIG_FALL_PRE_FEATURES))
    out = ffi.new("sig_event_t[8]")
    cells = 0
    for row in raw:
        lib.sig_motion_push(motion, fall, ffi.NULL, ffi.NULL, ffi.from_buffer("uint8_t[]", row.tobytes()), 1, out, 8)
        if fall.cells_seen != cells:
            cells = fall.cells_seen
            lib.sig_fall_features(fall, impact)
            lib.sig_fall_pre_features(fall, falling)
            yield list(impact), list(falling)


def reference_numbers(raw: Raw, rate_hz: int) -> Iterator[tuple[list[int], list[int]]]:
    motion = reference.resample(raw.tolist(), rate_hz * 100, RAW_ACC_LSB, RAW_GYRO_LSB_X100)
    history: deque[reference.Cell] = deque(maxlen=reference.CELLS)
    memory, gravity = None, None
    for cell in reference.cells(motion):
        if memory is None or gravity is None:
            history.extend([cell] * reference.CELLS)
            memory, gravity = reference.Memory(cell), reference.Gravity(cell)
        history.append(cell)
        past = list(history)
        memory.take(past[-1 - reference.LATE])
        gravity.take(cell)
        yield (
            reference.features(past, reference.POST, memory),
            reference.falling_features(past, memory, gravity),
        )


@pytest.mark.parametrize("rate_hz", [20, 50, 104])
def test_the_numbers_decisions_are_made_from_are_those_of_the_definition_after_every_cell(rate_hz):
    raw = to_raw(story(2, rate_hz))
    assert list(core_numbers(raw, rate_hz)) == list(reference_numbers(raw, rate_hz))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([300, 5000, 32767]))
def test_so_they_are_for_noise_up_to_the_ends_of_the_range(seed, size):
    raw = np.random.default_rng(seed).integers(-size, size, (150, 6)).astype("<i2")
    assert list(core_numbers(raw, 50)) == list(reference_numbers(raw, 50))
