"""What must hold after a fall, and when nothing moves: at any rate, mounting, man-down time and chunking."""

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jikimi.sigcore import Event, FallDetector
from tests.native.signals import Motion, fall, lie, rotation, stand, turned, walk

IMPACT_S = 6.5  # of `accident`
CELL_S = 0.08  # what the core decides in
SEAM_S = 2 * CELL_S + 0.05  # a cell that is half of each, and a sample at 20 Hz
CLOCK = 3e-4  # the core's rate is the chip's to 1/200 Hz
NOISE_G = 0.005

rates_hz = st.floats(20, 200)
seeds = st.integers(0, 10_000)
mountings = st.integers(0, 10_000)
man_down_s = st.integers(1, 1800)


@dataclass(frozen=True)
class Tag:
    """How a stream reaches the core."""

    rate_hz: float
    mounting: int
    placement: Literal["waist", "wrist"] = "waist"
    no_motion_s: int | None = None

    def detector(self) -> FallDetector:
        return FallDetector(self.rate_hz, self.placement, self.no_motion_s)

    def events(self, motion: Motion) -> list[Event]:
        motion = turned(motion, rotation(self.mounting))
        return self.detector().push(motion[:, :3], motion[:, 3:])


def times_s(events: list[Event], kind: str) -> list[float]:
    return [event.t_s for event in events if event.kind == kind]


def motionless(seed: int, seconds: float, rate_hz: float) -> Motion:
    """Lying, with the noise of a chip and nothing else."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate_hz)
    acc = np.tile([0.95, -0.1, 0.28], (n, 1)) + rng.normal(0, NOISE_G, (n, 3))
    return np.hstack([acc, rng.normal(0, 0.3, (n, 3))])


def accident(seed: int, rate_hz: float, lying: Motion, *after: Motion) -> Motion:
    """Six seconds of walking, a fall, `lying`, and what comes `after`."""
    rng = np.random.default_rng(seed)
    return np.vstack([walk(rng, 6, rate_hz), fall(rng, rate_hz), lying, *after])


def length_s(rate_hz: float, *parts: Motion) -> float:
    return sum(map(len, parts)) / rate_hz


@settings(max_examples=30, deadline=None)
@given(rates_hz, mountings, man_down_s, seeds)
@example(20, 0, 1800, 0)
@example(200, 1, 1800, 1)
@example(33.3333, 2, 1800, 2)
@example(199.996, 3, 1, 3)
def test_lying_still_is_reported_once_when_the_man_down_time_is_over(rate_hz, mounting, no_motion_s, seed):
    events = Tag(rate_hz, mounting, no_motion_s=no_motion_s).events(motionless(seed, no_motion_s + 9, rate_hz))
    (still,) = events
    assert still.kind == "no_motion"
    assert still.t_s == pytest.approx(no_motion_s, abs=CELL_S + CLOCK * no_motion_s)
    assert still.confidence > 0.9


def test_coming_to_rest_slowly_does_not_put_off_the_report():
    """The posture of the first moment is almost another one: noise must not find that out seconds later."""
    rest = motionless(1, 70, 50)
    rest[:4, :3] += [0.0, 0.0, 0.134]
    events = Tag(50, 0, no_motion_s=60).detector().push(rest[:, :3], rest[:, 3:])
    assert times_s(events, "no_motion") == [pytest.approx(60, abs=CELL_S)]


@settings(max_examples=20, deadline=None)
@given(rates_hz, mountings, man_down_s, st.floats(0.1, 0.9), seeds)
def test_a_movement_starts_the_man_down_time_anew(rate_hz, mounting, no_motion_s, share, seed):
    rng = np.random.default_rng(seed)
    first, move = motionless(seed, share * no_motion_s, rate_hz), walk(rng, 1, rate_hz)
    rest = motionless(seed + 1, no_motion_s + 5, rate_hz)
    events = Tag(rate_hz, mounting, no_motion_s=no_motion_s).events(np.vstack([first, move, rest]))
    expected_s = length_s(rate_hz, first, move) + no_motion_s
    assert times_s(events, "no_motion") == [pytest.approx(expected_s, abs=SEAM_S + CLOCK * no_motion_s)]


@settings(max_examples=20, deadline=None)
@given(rates_hz, mountings, st.integers(5, 300), seeds)
def test_whoever_moves_more_often_than_the_man_down_time_is_never_down(rate_hz, mounting, no_motion_s, seed):
    rng = np.random.default_rng(seed)
    pause_s = 0.9 * no_motion_s
    parts = [(motionless(seed + i, pause_s, rate_hz), walk(rng, 0.5, rate_hz)) for i in range(4)]
    events = Tag(rate_hz, mounting, no_motion_s=no_motion_s).events(np.vstack([p for pair in parts for p in pair]))
    assert times_s(events, "no_motion") == []


@settings(max_examples=25, deadline=None)
@given(rates_hz, mountings, st.sampled_from(["waist", "wrist"]), st.floats(4, 60), seeds)
def test_getting_up_and_walking_is_one_recovery_after_it_and_none_before(rate_hz, mounting, placement, lies_s, seed):
    lying, walking = motionless(seed, lies_s, rate_hz), walk(np.random.default_rng(seed), 10, rate_hz, bounce_g=0.4)
    motion = accident(seed, rate_hz, lying, walking)
    events = Tag(rate_hz, mounting, placement).events(motion)
    if placement == "wrist" and not times_s(events, "fall"):
        return  # these stories are of a waist: a wrist's table may take one for no fall
    up_s = length_s(rate_hz, motion) - 10
    assert len(times_s(events, "fall")) == 1
    (recovered_s,) = times_s(events, "recovered")
    assert up_s < recovered_s < up_s + 5


@settings(max_examples=20, deadline=None)
@given(rates_hz, mountings, st.floats(4, 60), seeds)
def test_standing_up_and_staying_there_is_a_recovery_at_the_waist(rate_hz, mounting, lies_s, seed):
    lying, standing = motionless(seed, lies_s, rate_hz), stand(np.random.default_rng(seed), 6, rate_hz)
    motion = accident(seed, rate_hz, lying, standing)
    events = Tag(rate_hz, mounting).events(motion)
    up_s = length_s(rate_hz, motion) - 6
    assert times_s(events, "recovered") == [pytest.approx(up_s + 2, abs=0.5)]


@settings(max_examples=20, deadline=None)
@given(rates_hz, mountings, st.integers(5, 1800), seeds)
def test_whoever_stays_down_is_reported_as_fallen_then_as_motionless_and_never_as_recovered(
    rate_hz, mounting, no_motion_s, seed
):
    motion = accident(seed, rate_hz, motionless(seed, no_motion_s + 5, rate_hz))
    events = Tag(rate_hz, mounting, no_motion_s=no_motion_s).events(motion)
    down_s = length_s(rate_hz, motion) - no_motion_s - 5
    assert [e.kind for e in events if e.kind != "falling"] == ["fall", "no_motion"]
    (fall_s,), (still_s,) = times_s(events, "fall"), times_s(events, "no_motion")
    assert IMPACT_S < fall_s <= IMPACT_S + 2 + SEAM_S
    assert still_s == pytest.approx(down_s + no_motion_s, abs=SEAM_S + CLOCK * no_motion_s)


def test_fidgeting_on_the_floor_is_neither_a_recovery_nor_motionless():
    rng = np.random.default_rng(4)
    motion = accident(4, 100, lie(rng, 60, 100))
    motion[700:, :3] += 0.25 * np.sin(np.arange(len(motion) - 700) / 30)[:, None] * [0.2, 1, 0.5]
    kinds = [event.kind for event in Tag(100, 4, no_motion_s=10).events(motion)]
    assert kinds.count("fall") == 1
    assert not {"recovered", "no_motion"} & set(kinds)


def whole_day(seed: int, rate_hz: float) -> Motion:
    """A fall, motionless, up again, motionless once more: every kind of event."""
    rng = np.random.default_rng(seed)
    walking = walk(rng, 10, rate_hz, bounce_g=0.4)
    return accident(seed, rate_hz, motionless(seed, 20, rate_hz), walking, motionless(seed + 1, 20, rate_hz))


@settings(max_examples=25, deadline=None)
@given(rates_hz, seeds, st.lists(st.integers(0, 900), max_size=15))
def test_any_chunking_of_a_whole_accident_gives_the_same_events(rate_hz, seed, sizes):
    motion, tag = whole_day(seed, rate_hz), Tag(rate_hz, seed, no_motion_s=10)
    whole = tag.events(motion)
    assert {event.kind for event in whole} >= {"fall", "recovered", "no_motion"}
    motion, detector = turned(motion, rotation(seed)), tag.detector()
    edges = [*np.clip(np.cumsum([0, *sizes]), 0, len(motion)).tolist(), len(motion)]
    parts = [detector.push(motion[a:b, :3], motion[a:b, 3:]) for a, b in itertools.pairwise(edges)]
    assert [event for part in parts for event in part] == whole


@settings(max_examples=25, deadline=None)
@given(rates_hz, seeds, mountings)
def test_a_whole_accident_is_the_same_however_the_tag_is_mounted_and_how_fast_its_chip_is(rate_hz, seed, mounting):
    """Against the chip at 100 Hz, mounted as worn; `falling` may come or not."""
    expected = [e for e in Tag(100, 0, no_motion_s=10).events(whole_day(seed, 100)) if e.kind != "falling"]
    found = [e for e in Tag(rate_hz, mounting, no_motion_s=10).events(whole_day(seed, rate_hz)) if e.kind != "falling"]
    assert [event.kind for event in found] == [event.kind for event in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.t_s == pytest.approx(other.t_s, abs=0.6)
