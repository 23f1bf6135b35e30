"""What must hold for bends in every signal: rates, chunks, mounting, faults of the chip, and the time in the bands."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jikimi.sigcore import BendCounter, Event
from tests.native.signals import walk
from tests.native.test_bend import BENDS_S, STANDING, bends, tilted

Acc = NDArray[np.float64]

RATES = st.floats(20, 200)
SEEDS = st.integers(0, 10_000)
SHARE = 0.05  # of the samples go wrong
CELL_S = 0.1
CLIP_G = 2.0
SPIKE_G = 15.9
RUN_S, REST_S = 5.0, 4.0


def shift(seed: int, rate_hz: float, count: int = 3) -> Acc:
    """Running with steps of up to 2.6 g, a rest, `count` bends, a rest, running again."""
    rng = np.random.default_rng(seed)
    there, back = (walk(rng, RUN_S, rate_hz, bounce_g=1.6)[:, :3] + [0.1, 0, 0] for _ in range(2))
    rest = np.tile(tilted(np.zeros(1)), (int(REST_S * rate_hz), 1))
    return np.vstack([there, rest, bends(count, rate_hz, rng.uniform(55, 85), seed), rest, back])


def count(acc: Acc, rate_hz: float) -> tuple[list[Event], tuple[float, float, float]]:
    counter = BendCounter(rate_hz)
    return counter.push(acc), counter.band_s


def dropped(acc: Acc, rate_hz: float, seed: int) -> Acc:
    del rate_hz
    return acc[np.random.default_rng(seed).random(len(acc)) >= SHARE]


def repeated(acc: Acc, rate_hz: float, seed: int) -> Acc:
    del rate_hz
    return np.repeat(acc, 1 + (np.random.default_rng(seed).random(len(acc)) < SHARE), axis=0)


def held(acc: Acc, rate_hz: float, seed: int) -> Acc:
    """The last sample again instead of a new one: read faster than the chip measures."""
    del rate_hz
    late = np.random.default_rng(seed).random(len(acc)) < SHARE
    return acc[np.maximum(np.arange(len(acc)) - late, 0)]


def lost_in_bursts(acc: Acc, rate_hz: float, seed: int) -> Acc:
    """A tenth of a second at a time, as from a queue that ran over."""
    burst = round(0.1 * rate_hz)
    lost = np.random.default_rng(seed).random(-(-len(acc) // burst)) < SHARE
    return acc[~np.repeat(lost, burst)[: len(acc)]]


def clipped(acc: Acc, rate_hz: float, seed: int) -> Acc:
    del rate_hz, seed
    return np.clip(acc, -CLIP_G, CLIP_G)


def spiked(acc: Acc, rate_hz: float, seed: int) -> Acc:
    """About once a second a sample with every axis at the end of its range."""
    rng = np.random.default_rng(seed)
    hit = rng.random(len(acc)) < 1 / rate_hz
    return np.where(hit[:, None], rng.choice([-SPIKE_G, SPIKE_G], acc.shape), acc)


FAULTS = [dropped, repeated, held, lost_in_bursts, clipped, spiked]


@settings(max_examples=40, deadline=None)
@given(RATES, st.integers(0, 3), st.floats(50, 80), SEEDS)
def test_bends_are_counted_and_dated_in_seconds_at_any_rate(rate_hz, number, peak_deg, seed):
    motion = bends(number, rate_hz, peak_deg, seed)
    events, band_s = count(motion, rate_hz)
    assert [event.kind for event in events] == ["bend"] * number
    each_s = (int(STANDING * rate_hz) + int(BENDS_S * rate_hz)) / rate_hz
    for i, event in enumerate(events):
        assert event.t_s == pytest.approx((i + 1) * each_s + 0.4, abs=0.4)  # upright for a second
    assert sum(band_s) == pytest.approx(len(motion) / rate_hz, abs=2 * CELL_S)


@settings(max_examples=40, deadline=None)
@given(st.floats(20, 200, exclude_max=True), SEEDS)
def test_another_rate_changes_neither_the_bends_nor_their_times(rate_hz, seed):
    """The generator rounds its 9 parts down to whole samples: up to 0.25 s at 20 Hz."""
    (slow, slow_s), (fast, fast_s) = count(bends(2, rate_hz, seed=seed), rate_hz), count(bends(2, 200, seed=seed), 200)
    assert [event.t_s for event in slow] == pytest.approx([event.t_s for event in fast], abs=4 * CELL_S)
    assert slow_s == pytest.approx(fast_s, abs=6 * CELL_S)


@settings(max_examples=40, deadline=None)
@given(RATES, st.lists(st.integers(0, 900), max_size=12), SEEDS)
def test_chunks_of_any_size_at_any_rate_are_the_whole(rate_hz, sizes, seed):
    motion, counter = shift(seed, rate_hz, 1), BendCounter(rate_hz)
    edges = [*np.clip(np.cumsum([0, *sizes]), 0, len(motion)).tolist(), len(motion)]
    events = [event for a, b in itertools.pairwise(edges) for event in counter.push(motion[a:b])]
    assert (events, counter.band_s) == count(motion, rate_hz)


@settings(max_examples=40, deadline=None)
@given(RATES, SEEDS)
def test_turned_by_any_rotation_the_same_bends_happen_at_the_same_time(rate_hz, seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    motion = bends(2, rate_hz, 60, seed)  # well away from the limit, where rounding may turn a verdict
    (worn, worn_s), (turned, turned_s) = count(motion, rate_hz), count(motion @ (q * np.linalg.det(q)).T, rate_hz)
    assert len(worn) == 2
    assert [event.t_s for event in turned] == pytest.approx([event.t_s for event in worn], abs=2 * CELL_S)
    assert turned_s == pytest.approx(worn_s, abs=6 * CELL_S)


@pytest.mark.parametrize("fault", [dropped, repeated, held, clipped])
@settings(max_examples=20, deadline=None)
@given(rate_hz=RATES, seed=SEEDS)
def test_every_bend_is_still_counted_once_through_a_faulty_chip(fault, rate_hz, seed):
    motion = shift(seed, rate_hz)
    faulty = fault(motion, rate_hz, seed)
    events, band_s = count(faulty, rate_hz)
    assert len(events) == 3
    pace = len(faulty) / len(motion)  # a chip that loses samples has a slow clock
    expected = [pace * (RUN_S + REST_S + (i + 1) * (STANDING + BENDS_S) + 0.3) for i in range(3)]
    assert [event.t_s for event in events] == pytest.approx(expected, abs=1.0)
    assert band_s == pytest.approx([pace * s for s in count(motion, rate_hz)[1]], abs=1.5)


@pytest.mark.parametrize("rate_hz", [26, 104, 200])
def test_hardly_a_bend_is_missed_and_none_invented_where_tenths_of_a_second_are_lost(rate_hz):
    found = [len(count(lost_in_bursts(shift(seed, rate_hz), rate_hz, seed), rate_hz)[0]) for seed in range(50)]
    assert max(found) == 3
    assert sum(found) >= 0.98 * 3 * len(found)


@pytest.mark.parametrize("rate_hz", [52, 104, 200])
def test_bends_are_counted_and_none_invented_through_a_spike_a_second(rate_hz):
    found = [len(count(spiked(shift(seed, rate_hz), rate_hz, seed), rate_hz)[0]) for seed in range(50)]
    assert found == [3] * 50


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_takes_something_from_the_signal(fault):
    motion = shift(1, 100)
    faulty = fault(motion, 100, 1)
    assert faulty.shape != motion.shape or np.abs(faulty - motion).max() > 0.01


@settings(max_examples=40, deadline=None)
@given(RATES, st.lists(st.tuples(st.floats(2, 8), st.sampled_from([0, 8, 30, 48, 75, 110])), min_size=1, max_size=6))
def test_the_time_in_every_band_is_the_time_in_that_posture(rate_hz, postures):
    seconds, angles = zip((3.0, 0), *postures, strict=True)
    held_for = [np.full(round(s * rate_hz), float(deg)) for s, deg in zip(seconds, angles, strict=True)]
    bands = np.digitize(np.concatenate(held_for), [20, 60])
    counter = BendCounter(rate_hz)
    counter.push(tilted(np.concatenate(held_for)))
    spent = np.bincount(bands, minlength=3) / rate_hz
    settling_s = 0.5 * len(angles)  # gravity is followed with 0.4 s
    assert np.abs(np.subtract(counter.band_s, spent)).max() <= settling_s
    assert sum(counter.band_s) == pytest.approx(sum(spent), abs=2 * CELL_S)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_a_gyroscope_good_or_bad_changes_nothing(seed):
    motion = bends(1, 100, seed=seed)
    gyro = np.random.default_rng(seed).normal(0, 500, motion.shape)
    assert BendCounter(100).push(motion, gyro) == count(motion, 100)[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_chunk_that_is_refused_leaves_the_counter_as_it_was(bad):
    motion, counter = bends(1, 100), BendCounter(100)
    counter.push(motion[:300])
    with pytest.raises(ValueError, match="finite"):
        counter.push(np.full((50, 3), bad))
    assert [event.t_s for event in counter.push(motion[300:])] == [event.t_s for event in count(motion, 100)[0]]
