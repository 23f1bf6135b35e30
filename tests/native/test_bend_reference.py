"""The bend counter in C is what the plain-Python definition says, bit for bit."""

from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jikimi.sigcore._sigcore import ffi, lib
from numpy.typing import NDArray

from jikimi.sigcore import block
from tests.native import reference_bend as reference
from tests.native.signals import RAW_ACC_LSB, Raw, walk
from tests.native.test_bend import bends


def core(raw: Raw, rate_hz: int) -> tuple[list[tuple[int, ...]], list[list[int]], list[int], int]:
    """Events, features of every excursion judged, times in bands and the last angle, from the C core."""
    motion, state = block.motion_new(rate_hz, RAW_ACC_LSB, 0), block.bend_new()
    out, row = array("i", [0] * 32), ffi.new("int16_t[]", lib.SIG_BEND_FEATURES)
    events: list[tuple[int, ...]] = []
    judged: list[list[int]] = []
    step = max(1, rate_hz // 20)
    for start in range(0, len(raw), step):
        part = np.ascontiguousarray(raw[start : start + step], dtype="<i2")
        n = block.motion_push(motion, None, state, part.tobytes(), len(part), out)
        events += [tuple(out[4 * i : 4 * i + 4]) for i in range(n)]
        if state.candidates > len(judged):
            lib.sig_bend_features(state, row)
            judged.append(list(row))
    return events, judged, list(block.bend_bands_ms(state)), block.bend_angle_deg(state)


def agree(raw: Raw, rate_hz: int) -> reference.BendCounter:
    expected = reference.count(raw.tolist(), rate_hz * 100, RAW_ACC_LSB)
    assert core(raw, rate_hz) == (expected.events, expected.judged, expected.band_ms, expected.angle_deg)
    return expected


def to_raw(acc_g: NDArray[np.float64]) -> Raw:
    counts = np.clip(np.rint(acc_g * RAW_ACC_LSB), -32768, 32767)
    return np.hstack([counts, np.zeros_like(counts)]).astype("<i2")


@pytest.mark.parametrize("rate_hz", [20, 52, 104, 200])
def test_generated_bends_are_counted_as_the_definition_says(rate_hz):
    walking = walk(np.random.default_rng(2), 6, rate_hz)[:, :3]
    found = agree(to_raw(np.vstack([bends(2, rate_hz), walking])), rate_hz)
    assert len(found.events) == 2


def test_recorded_trials_are_judged_as_the_definition_says(sisfall_trials):
    judged = [agree(raw, 200).judged for raw in sisfall_trials.values()]
    assert any(judged)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(20, 200), st.sampled_from([10, 400, 32767]), st.sampled_from([0, 0.01, 1])
)
def test_leaning_any_way_and_coming_back_is_judged_as_the_definition_says(seed, rate_hz, size, share):
    rng = np.random.default_rng(seed)
    n, upright, tilt = rate_hz * 30, np.array([0, -1, 0]), rng.normal(0, 0.7, (4, 3))
    knots = np.concatenate(
        [[upright, upright, upright + v, upright + v * rng.uniform()] for v in tilt] + [[upright] * 3]
    )
    at = np.linspace(0, len(knots) - 1, n)
    posture = np.stack([np.interp(at, range(len(knots)), column) for column in knots.T], axis=1)
    hits = rng.integers(-size, size, (n, 3)) * (rng.uniform(size=(n, 1)) < share)
    agree(to_raw(posture + hits / RAW_ACC_LSB), rate_hz)


@pytest.mark.parametrize("raw", [(0, 0, 0), (-32768, 32767, -32768), (5, 0, 0)])
def test_no_gravity_and_too_much_of_it_are_what_the_definition_says(raw):
    still, after = np.tile([*raw, 0, 0, 0], (100, 1)), np.tile([0, 256, 0, 0, 0, 0], (400, 1))
    agree(np.vstack([still, after, still, after]).astype("<i2"), 50)
