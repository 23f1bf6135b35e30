"""What must hold for every signal: chunks, rates, mounting, and input that makes no sense."""

import itertools
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jikimi.sigcore import Event, FallDetector, block
from tests.native.signals import Motion, block_events, rotation, story, to_raw, turned

KINDS = {"falling", "fall", "recovered", "no_motion"}


def run(motion: Motion, rate_hz: float, no_motion_s: int | None = 120) -> list[Event]:
    return FallDetector(rate_hz, no_motion_s=no_motion_s).push(motion[:, :3], motion[:, 3:])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=12), st.integers(0, 3))
def test_any_chunking_gives_the_events_of_the_whole(sizes, seed):
    motion = story(seed, 100)
    detector = FallDetector(100)
    edges = [*np.clip(np.cumsum([0, *sizes]), 0, len(motion)).tolist(), len(motion)]
    events = []
    for start, end in itertools.pairwise(edges):
        events += detector.push(motion[start:end, :3], motion[start:end, 3:])
    assert events == run(motion, 100)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_mounting_the_tag_another_way_round_changes_nothing_that_matters(seed):
    motion = story(seed % 5, 100)
    as_worn, as_turned = run(motion, 100), run(turned(motion, rotation(seed)), 100)
    assert [event.kind for event in as_turned] == [event.kind for event in as_worn]
    for a, b in zip(as_worn, as_turned, strict=True):
        assert abs(a.t_s - b.t_s) <= 0.4


@settings(max_examples=40, deadline=None)
@given(st.floats(20, 200), st.integers(0, 4))
def test_a_fall_is_found_once_at_any_rate_and_in_time(rate_hz, seed):
    events = run(story(seed, rate_hz), rate_hz)
    falls = [event for event in events if event.kind == "fall"]
    assert len(falls) == 1
    assert 6.5 < falls[0].t_s <= 8.6  # the impact is at 6.5 s
    assert 0.5 < falls[0].confidence <= 1


def test_walking_on_after_a_fall_is_a_recovery():
    kinds = [event.kind for event in run(story(2, 100), 100)]
    assert kinds[-1] == "recovered"
    assert kinds.count("fall") == 1


def test_a_missing_gyroscope_is_the_same_as_one_that_reads_zero():
    motion = story(3, 50)
    still = np.zeros((len(motion), 3))
    assert FallDetector(50).push(motion[:, :3]) == FallDetector(50).push(motion[:, :3], still)


def test_lying_still_is_reported_once_after_the_man_down_time_and_again_after_a_movement():
    rng = np.random.default_rng(5)
    still = np.hstack([np.tile([0.1, 0.2, 0.97], (50 * 20, 1)), np.zeros((50 * 20, 3))])
    still[:, :3] += rng.normal(0, 0.004, (len(still), 3))
    move = np.hstack([rng.normal([0, 0, 1], 0.5, (50, 3)), rng.normal(0, 60, (50, 3))])
    events = run(np.vstack([still, move, still]), 50, no_motion_s=15)
    quiet = [event.t_s for event in events if event.kind == "no_motion"]
    assert quiet == [pytest.approx(15, abs=0.2), pytest.approx(36, abs=0.3)]


def test_lying_still_is_never_reported_when_that_is_switched_off():
    still = np.tile([0.0, 0.0, 1.0], (20 * 200, 1))
    assert FallDetector(20, no_motion_s=None).push(still) == []
    assert [event.kind for event in FallDetector(20).push(still)] == ["no_motion"]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=12 * 400), st.sampled_from([20, 33, 104, 200]), st.integers(64, 32767), st.integers(0, 65535))
def test_samples_that_make_no_sense_never_break_the_core(noise, rate_hz, acc_lsb, gyro_lsb_x100):
    raw = np.frombuffer(noise[: len(noise) // 12 * 12], dtype="<i2").reshape(-1, 6)
    rows = block_events(np.tile(raw, (5, 1)), rate_hz, acc_lsb=acc_lsb, gyro_lsb_x100=gyro_lsb_x100)
    assert all(kind in (1, 2, 3, 4) and 0 <= permille <= 1000 for kind, _, permille, _ in rows)


def test_events_that_find_no_room_come_with_the_next_push():
    raw = to_raw(story(2, 100))
    states = block.motion_new(100, 256, 1638), block.fall_new(0), None
    none, one = array("i"), array("i", [0] * 4)
    rows = []
    for start in range(0, len(raw), 50):
        part = raw[start : start + 50]
        assert block.motion_push(*states, part.tobytes(), len(part), none) == 0
        while block.motion_push(*states, b"", 0, one):
            rows.append(tuple(one))
    assert rows == block_events(raw, 100)


def test_event_times_stay_on_the_callers_clock_at_a_rate_the_core_has_to_round():
    rate_hz = 33.3333
    motion = story(1, rate_hz, seconds=60)
    falls = [event.t_s for event in run(motion, rate_hz) if event.kind == "fall"]
    exact = [event.t_s for event in run(story(1, 200, seconds=60), 200) if event.kind == "fall"]
    assert falls == [pytest.approx(exact[0], abs=0.25)]
