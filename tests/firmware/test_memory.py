"""A tag that allocates while it measures would stop for its garbage collector in the middle of a fall."""

import pytest


@pytest.mark.parametrize("runtime", ["micropython"])
def test_samples_pass_from_the_fifo_through_the_core_without_allocation(run_device):
    result = run_device("block_alloc")
    assert result["samples"] == 1120
    assert result["events"] == 0
    assert result["bytes"] / result["samples"] < 1
