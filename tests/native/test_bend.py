"""Bends: chunks, mounting, time in bands, what is no bend, and people the tables never saw."""

import itertools
from array import array
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jikimi.sigcore._sigcore import ffi
from numpy.typing import NDArray

from jikimi.sigcore import BendCounter, block
from tests.native.conftest import DATA
from tests.native.signals import walk

STANDING, BENDS_S = 2.0, 5.0  # the people on record bend so slowly; the model card says what quicker ones do


def tilted(angle_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gravity on a belt clip that hangs upside down, bent forward by these angles."""
    angle = np.radians(angle_deg)
    return np.stack([0.1 * np.ones_like(angle), -np.cos(angle), -np.sin(angle)], axis=1)


def bends(count: int, rate_hz: float, peak_deg: float = 70.0, seed: int = 1) -> NDArray[np.float64]:
    """(n, 3): standing, then `count` bends there and back, with standing between."""
    rng = np.random.default_rng(seed)
    still = np.zeros(int(STANDING * rate_hz))
    arc = peak_deg * np.sin(np.pi * np.linspace(0, 1, int(BENDS_S * rate_hz))) ** 2
    angle = np.concatenate([still, *([arc, still] * count)])
    return tilted(angle) + rng.normal(0, 0.02, (len(angle), 3))


@pytest.mark.parametrize("rate_hz", [20, 26, 52, 104, 200])
def test_every_bend_is_counted_once_when_the_person_is_upright_again(rate_hz):
    events = BendCounter(rate_hz).push(bends(3, rate_hz))
    assert [event.kind for event in events] == ["bend"] * 3
    for i, event in enumerate(events):
        back_s = STANDING + BENDS_S + i * (STANDING + BENDS_S)
        assert back_s - 0.8 < event.t_s < back_s + 1.6
        assert 0.5 <= event.confidence <= 1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=10))
def test_any_chunking_gives_the_events_and_times_of_the_whole(sizes):
    motion, whole, counter = bends(2, 100), BendCounter(100), BendCounter(100)
    edges = [*np.clip(np.cumsum([0, *sizes]), 0, len(motion)).tolist(), len(motion)]
    events = [event for a, b in itertools.pairwise(edges) for event in counter.push(motion[a:b])]
    assert events == whole.push(motion)
    assert counter.band_s == whole.band_s


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_mounting_the_tag_another_way_round_changes_nothing_that_matters(seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    motion = bends(2, 100)
    as_worn, turned = BendCounter(100), BendCounter(100)
    events, after = as_worn.push(motion), turned.push(motion @ q.T)
    assert len(after) == len(events)
    assert np.abs(np.subtract(as_worn.band_s, turned.band_s)).max() <= 0.4


def test_the_time_in_each_band_is_the_time_spent_there():
    parts = [np.full(int(s * 100), deg) for s, deg in [(4, 0.0), (3, 40.0), (2, 80.0), (1, 0.0)]]
    counter = BendCounter(100)
    counter.push(tilted(np.concatenate(parts)))
    assert np.abs(np.subtract(counter.band_s, (5, 3, 2))).max() <= 1.0
    assert sum(counter.band_s) == pytest.approx(10)
    assert counter.angle_deg <= 5


@pytest.mark.parametrize("angle_deg", [0, 15, 30, 59, 90, 135, 178])
def test_the_angle_is_that_of_the_trunk(angle_deg):
    counter = BendCounter(50)
    counter.push(np.array([[0, 0, 1.0]] * 100))
    angle = np.radians(angle_deg)
    counter.push(np.array([[0, np.sin(angle), np.cos(angle)]] * 150))
    assert abs(counter.angle_deg - angle_deg) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_walking_is_no_bend(seed):
    motion = walk(np.random.default_rng(seed), 60, 100)
    assert BendCounter(100).push(motion[:, :3], motion[:, 3:]) == []


def test_a_posture_kept_for_a_minute_is_no_bend_and_walking_makes_it_upright_again():
    lying, rng = tilted(np.full(6000, 80.0)), np.random.default_rng(1)
    counter = BendCounter(100)
    assert counter.push(np.vstack([tilted(np.zeros(300)), lying])) == []
    turned = walk(rng, 90, 100, bounce_g=0.5)[:, [1, 0, 2]]  # the tag has slipped round by 90 degrees
    assert counter.push(turned) == []
    assert counter.angle_deg < 20


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 15), st.integers(20, 200), st.integers(0, 3))
def test_any_samples_keep_the_state_sound(seed, size, rate_hz, room):
    rng = np.random.default_rng(seed)
    raw = rng.integers(-(2**size), 2**size, (2000, 6)).astype("<i2")
    motion, state = block.motion_new(rate_hz, 256, 0), block.bend_new()
    out = array("i", [0] * 4 * room)
    for start in range(0, 2000, 97):
        part = raw[start : start + 97]
        n = block.motion_push(motion, None, state, part.tobytes(), len(part), out)
        assert n <= room
        for i in range(n):
            kind, t_ms, confidence, peak_deg = out[4 * i : 4 * i + 4]
            assert kind == 5
            assert 0 <= t_ms <= (start + 97) * 1000 / rate_hz + 50
            assert 0 <= confidence <= 1000
            assert 0 <= peak_deg <= 180
    assert abs(sum(block.bend_bands_ms(state)) - 2_000_000 / rate_hz) <= 150
    assert 0 <= block.bend_angle_deg(state) <= 180


@pytest.mark.parametrize("rate_hz", [19, 201, float("nan")])
def test_a_rate_outside_the_range_is_refused(rate_hz):
    with pytest.raises(ValueError, match="20 to 200"):
        BendCounter(rate_hz)


def test_every_state_fits_its_budget():
    for name in ("bend", "exertion", "uwb", "ble", "zone"):
        assert ffi.sizeof(f"sig_{name}_t") <= 1024, name


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_people_the_tables_never_saw_are_counted_as_the_model_card_says():
    from tools import train_bend  # imports the falls' tools, which are slow to start

    if not (DATA / "sisfall").is_dir():
        pytest.skip("no SisFall recordings: set JIKIMI_DATA")
    trials, varied = train_bend.trials()
    counted = dict(enumerate(train_bend.counts_left_out(trials, varied, [trials])[0]))

    def share(activities: Sequence[str], right: Callable[[int], bool]) -> float:
        return float(np.mean([right(counted[i]) for i, trial in enumerate(trials) if trial.activity in activities]))

    assert share(("D16",), lambda n: n == 1) >= 0.94
    assert share(("D15",), lambda n: n == 1) >= 0.58
    assert share(train_bend.SIT_LIE_STAIRS, lambda n: n > 0) <= 0.04
