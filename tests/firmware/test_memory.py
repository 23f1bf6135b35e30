"""A tag that allocates while it measures would stop for its garbage collector in the middle of a fall."""

from typing import Any

import numpy as np
import pytest

from jikimi.edge import warn
from jikimi.fleet.floor.physics import PhysicsMotion
from jikimi.fleet.virtual.ppg import Ppg

RATE_HZ = 104


@pytest.mark.parametrize("runtime", ["micropython"])
def test_samples_pass_from_the_fifo_through_the_core_without_allocation(run_device):
    result = run_device("block_alloc")
    assert result["samples"] == 1120
    assert result["events"] == 0
    assert result["bytes"] / result["samples"] < 1


@pytest.mark.parametrize("runtime", ["micropython"])
def test_no_driver_of_an_inertial_unit_allocates_while_it_reads(run_device):
    for name, (samples, used) in run_device("imu_alloc").items():
        assert samples == 61 * 16, name
        assert used / samples < 0.5, name


def _moved() -> bytes:
    """Walking, bending, standing, falling and lying, as an LSM6DSOX says it."""
    rng, motion = np.random.default_rng(5), PhysicsMotion()
    parts = [(8.0, motion.walk(rng)), (16.0, motion.work(rng)), (4.0, motion.stand(rng)), (24.0, motion.fall(rng))]
    rows = np.concatenate([clip.sample(np.arange(0.0, length_s, 1 / RATE_HZ)) for length_s, clip in parts])
    counts = np.rint(rows * ([2049] * 3 + [14.29] * 3))
    return np.clip(counts, -32768, 32767).astype("<i2").tobytes()


def _pulse() -> bytes:
    light = Ppg(lambda t: 70 + 10 * np.sin(t / 20), seed=3).light(0.0, 1 / 25, 25 * 60)
    return np.rint(light).astype("<u4").tobytes()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What the sensors feel."""
    samples, light = (tmp_path_factory.mktemp("felt") / name for name in ("samples", "light"))
    samples.write_bytes(_moved())
    light.write_bytes(_pulse())
    return samples, light


_SHIFT: dict[str, Any] = {}


@pytest.fixture
def shift(run_device, files):
    """Cost of each call as [[bytes, how many calls], …], those that cost nothing left out."""
    if not _SHIFT:
        _SHIFT.update(run_device("shift_alloc", *files))
    return _SHIFT


@pytest.mark.parametrize("runtime", ["micropython"])
class TestAShift:
    """Not an average: no single call takes a byte."""

    def test_a_fall_is_decided_and_handed_on_without_allocation(self, shift):
        assert shift["blocks"] > 300
        assert shift["decisions"] >= 1
        assert shift["samples"] == []

    def test_the_task_that_reads_takes_nothing_for_its_passes_and_waits(self, shift):
        assert sum(shift["passes"][1:]) == 0  # the first wait makes the loop's own object

    def test_a_heart_rate_is_found_beat_by_beat_without_allocation(self, shift):
        without, with_rate = shift["rates"]
        assert with_rate > 1000
        assert without + with_rate == 25 * 60
        assert shift["heart"] == []

    def test_every_pattern_of_warnings_runs_without_allocation(self, shift):
        assert len(shift["patterns"]) == len(warn._PATTERNS)
        assert {pattern: cost for pattern, cost in shift["patterns"].items() if cost} == {}
        assert shift["stack light"] == []

    def test_adverts_of_anybody_are_heard_without_allocation(self, shift):
        assert shift["foreign adverts"] == []
        assert shift["our adverts"] == []
