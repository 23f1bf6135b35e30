"""A tag that allocates while it measures would stop for its garbage collector in the middle of a fall."""

import pytest


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
