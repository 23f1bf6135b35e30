"""The C core is what the plain-Python definition says, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
