"""The load monitor: its definition, chunks, rates and mounting, and what it refuses."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jikimi.sigcore._sigcore import ffi, lib

from jikimi.sigcore import LoadMonitor, block
from tests.native.reference_load import Reference

WINDOW_S = 600
VALUES = st.lists(st.lists(st.integers(-1500, 1500), min_size=4, max_size=4), max_size=14)
RULE = st.tuples(
    st.integers(1, 16), st.integers(128, 4096), st.integers(1, 4096), st.integers(1, 4096),
    st.tuples(st.integers(1, 100_000), st.integers(1, 100_000)),
)  # fmt: skip


@given(VALUES, RULE, st.sampled_from([0, 1]))
def test_the_core_follows_the_definition_in_plain_python(values, rule, source):
    definition = Reference(rule, ((0,), (1, 2, 3)) if source == 0 else ((0,),))
    state, core_rule = block.load_new(source), ffi.new("sig_load_rule_t *", [*rule[:4], list(rule[4])])
    for row in values:
        assert lib.sig_load_judge(state, core_rule, ffi.new("int32_t[4]", row)) == definition.judge(row)


def day(rate_hz: float, windows: list[float]) -> np.ndarray:
    """A hip that moves by so many g in each window, around gravity; whole windows of the core."""
    t = np.arange(int(WINDOW_S * rate_hz) * len(windows)) / rate_hz
    size = np.repeat(windows, int(WINDOW_S * rate_hz))
    return np.stack([0.1 * np.ones_like(t), 0.2 * np.ones_like(t), 0.975 + size * np.sin(11 * t)], axis=1)


@pytest.mark.parametrize("rate_hz", [20, 50, 104, 200])
def test_a_lasting_change_is_found_at_any_rate_and_a_steady_day_is_none(rate_hz):
    steady, changed = LoadMonitor(rate_hz), LoadMonitor(rate_hz)
    assert steady.push(day(rate_hz, [0.3, 0.31, 0.3])) is None
    assert steady.push(day(rate_hz, [0.3, 0.31])) is False
    assert changed.push(day(rate_hz, [0.3, 0.31, 0.3, 0.15, 0.15])) is True


@settings(max_examples=4, deadline=None)
@given(st.integers(1, 9999), st.integers(0, 10_000))
def test_chunks_and_mounting_change_nothing(chunk, seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    motion = day(20, [0.3, 0.31, 0.3, 0.15, 0.15])
    whole, parts = LoadMonitor(20), LoadMonitor(20)
    answers = {parts.push(part) for part in np.split(motion @ q, range(chunk, len(motion), chunk))}
    assert whole.push(motion) is True
    assert parts.changed is True
    assert None in answers


def test_a_tag_that_lies_still_is_refused():
    monitor = LoadMonitor(20)
    monitor.push(day(20, [0.3, 0.31, 0.3, 0.3]))
    assert monitor.changed is False
    assert monitor.push(day(20, [0.0])) is None


def test_a_heart_rate_that_changes_is_found_and_one_that_is_missing_is_refused():
    monitor = LoadMonitor(hr_rest_bpm=60, hr_max_bpm=190)
    answers = [monitor.push_heart(t, 100 + t % 3 if t < 2400 else 140) for t in range(0, 4000, 2)]
    assert answers[0] is None
    assert answers[1201] is False
    assert answers[-1] is True
    assert [monitor.push_heart(t, math.nan) for t in range(4000, 5300, 2)][-1] is None


def test_settings_nobody_has_are_refused():
    for wrong in ({}, {"rate_hz": 10}, {"rate_hz": 50, "hr_rest_bpm": 60}, {"hr_rest_bpm": 200, "hr_max_bpm": 190}):
        with pytest.raises(ValueError, match=r"rate|range"):
            LoadMonitor(**wrong)
    with pytest.raises(ValueError, match="range"):
        block.load_new(2)
    with pytest.raises(ValueError, match="motion"):
        LoadMonitor(50).push_heart(0, 100)
    with pytest.raises(ValueError, match="heart"):
        LoadMonitor(hr_rest_bpm=60, hr_max_bpm=190).push(np.zeros((1, 3)))
