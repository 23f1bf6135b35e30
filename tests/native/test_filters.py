"""SciPy as the independent oracle of every filter and resampler of the core."""

from typing import Any

import numpy as np
import pytest
import scipy  # type: ignore[import-untyped]  # its parts are imported when they are used, as they take a second
from hypothesis import given, settings
from hypothesis import strategies as st
from jikimi.sigcore._sigcore import ffi, lib
from numpy.typing import NDArray

from jikimi.sigcore import block
from tests.native.signals import RAW_ACC_LSB

SEEDS = st.integers(0, 2**32 - 1)
TICK_HZ, CELL_TICKS = 50, 5
Counts = NDArray[np.int64]


def wandering(seed: int, n: int) -> Counts:
    """(n, 3): gravity in counts, and small steps away from it that add up, within 8 g."""
    steps = np.random.default_rng(seed).normal(0, 20, (n, 3)).cumsum(axis=0) + np.array([0, -RAW_ACC_LSB, 0])
    return np.asarray(np.rint(np.clip(steps, -8 * RAW_ACC_LSB, 8 * RAW_ACC_LSB)), dtype=np.int64)


def samples(acc: Counts) -> list[bytes]:
    return [row.tobytes() for row in np.hstack([acc, np.zeros_like(acc)]).astype("<i2")]


def motion_mg(acc: Counts, rate_centihz: int) -> Counts:
    """(m, 3): what the front end of the core makes of counts."""
    front, found = block.motion_new_centihz(rate_centihz, RAW_ACC_LSB, 0), []
    for sample in samples(acc):
        data = ffi.from_buffer("uint8_t[]", sample)
        complete = lib.sig_front_put(front, data)
        while complete:
            complete = lib.sig_front_take(front, data)
            found.append(list(front.motion.acc_mg))
    return np.array(found)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(2000, 20000))
def test_a_motion_sample_is_the_mean_of_the_held_signal_over_its_20_ms_at_any_rate(seed, rate_centihz):
    acc = wandering(seed, 400)
    found = motion_mg(acc, rate_centihz)
    edges_s = np.arange(len(acc) + 1) * 100 / rate_centihz
    held = scipy.interpolate.PPoly(acc[None], edges_s)
    means = np.diff(held.antiderivative()(np.arange(len(found) + 1) / TICK_HZ), axis=0) * TICK_HZ
    exact = means * 1000 / RAW_ACC_LSB
    # Rounded towards zero, after a division by a whole number (512 or more at this scale) that is itself rounded.
    assert (np.abs(found - exact) <= 1.01 + np.abs(exact) / (2 * 512)).all()


@pytest.mark.parametrize("tone_hz", [1, 5, 12, 20, 37])
def test_a_tone_passes_as_the_moving_mean_of_scipy_lets_it(tone_hz):
    rate_hz, per_tick = 200, 4
    wave = 200 * np.sin(2 * np.pi * tone_hz * np.arange(4 * rate_hz) / rate_hz)
    acc = np.stack([wave, np.full_like(wave, -RAW_ACC_LSB), np.zeros_like(wave)], axis=1)
    found = motion_mg(np.rint(acc).astype(np.int64), rate_hz * 100)[:, 0] * RAW_ACC_LSB / 1000
    kernel = np.ones(per_tick) / per_tick
    means = scipy.signal.lfilter(kernel, 1, np.rint(wave))[per_tick - 1 :: per_tick]
    assert np.abs(found - means).max() <= 0.3
    _, gain = scipy.signal.freqz(kernel, 1, [tone_hz], fs=rate_hz)
    assert np.sqrt(2) * means[1:].std() == pytest.approx(200 * abs(gain[0]), rel=0.05)


def bend_states(acc: Counts) -> tuple[Counts, Counts, Counts]:
    """After every cell at 50 Hz: gravity (1/16 mg), the slow unrest (1/16 mg), and the unrest of the cell."""
    motion, state, out = block.motion_new(TICK_HZ, RAW_ACC_LSB, 0), block.bend_new(), bytearray(64)
    gravity, slow, unrest = [], [], []
    data = b"".join(samples(acc))
    size = CELL_TICKS * lib.SIG_SAMPLE_BYTES
    for start in range(0, len(data) - size + 1, size):
        block.motion_push(motion, None, state, data[start : start + size], CELL_TICKS, out)
        gravity.append(list(state.gravity))
        slow.append(state.unrest_16)
        unrest.append(state.recent[state.newest].unrest_mg)
    return np.array(gravity), np.array(slow), np.array(unrest)


def first_order(x: NDArray[np.floating[Any]], share: float) -> NDArray[np.float64]:
    """y += share * (x - y) from the first value on, by SciPy."""
    start = scipy.signal.lfilter_zi([share], [1, share - 1])
    start = start[:, None] * x[:1] if x.ndim > 1 else start * x[0]
    return np.asarray(scipy.signal.lfilter([share], [1, share - 1], x, axis=0, zi=start)[0])


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_gravity_and_unrest_of_the_bend_counter_are_first_order_low_passes(seed):
    """Of samples below 3 g, each taken when the next one is there; what is beyond may be a spike, which is left out."""
    acc = np.clip(wandering(seed, 600), -1.7 * RAW_ACC_LSB, 1.7 * RAW_ACC_LSB).astype(np.int64)
    gravity, slow, unrest = bend_states(acc)
    motion = motion_mg(acc, TICK_HZ * 100)
    motion = np.vstack([motion[:1], motion[:-1]])
    cells = scipy.signal.lfilter(np.ones(CELL_TICKS) / CELL_TICKS, 1, motion, axis=0)[CELL_TICKS - 1 :: CELL_TICKS]
    # A step loses less than a unit, and a share of that stays: at most 1 / share units, and what the cell's mean lost.
    assert np.abs(gravity - first_order(16 * cells, 1 / 4)).max() <= 4 + 16
    assert np.abs(slow - first_order(16.0 * unrest, 1 / 16)).max() <= 16


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=60))
def test_the_usual_heart_rate_is_the_running_median_of_five(steps):
    rates = np.clip(90 + np.cumsum(steps), 60, 150)
    state, found = block.exertion_new(60, 190), []
    for i, bpm in enumerate(rates.tolist()):
        block.exertion_push(state, 1000 * i, bpm)
        found.append(state.usual_bpm)
    expected = scipy.ndimage.median_filter(rates, size=5, origin=2)
    assert found[4:] == expected[4:].tolist()


@pytest.mark.parametrize("step_ms", [100, 250])
def test_a_track_of_ranges_is_the_alpha_beta_filter_of_scipy(step_ms):
    """Without diagnostics nothing is corrected; the gain is read off the first answer to a small step."""
    ranges = 5000 + np.rint(150 * np.sin(np.arange(120) / 9)).astype(int)
    state, found = block.uwb_new(0), []
    for i, range_mm in enumerate(ranges.tolist()):
        distance_mm, *_ = block.uwb_track(state, i * step_ms, range_mm, None)
        found.append(distance_mm)
    gain, speed_gain = 96 / 256, 96 / 256 / 4
    transition = np.array([[1, 1], [0, 1]])
    pull = np.array([[gain], [speed_gain]])
    observe = np.array([[1.0, 0.0]])
    system = transition - pull @ observe @ transition
    _, _, states = scipy.signal.dlsim((system, pull, observe, np.zeros((1, 1)), 1), ranges[1:], x0=[ranges[0], 0])
    assert np.abs(np.array(found[1:-1]) - states[1:, 0]).max() <= 8
