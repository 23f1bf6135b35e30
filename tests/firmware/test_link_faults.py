"""Whatever happens to network, broker, clock and certificate: nothing owed is lost, nothing acknowledged comes back."""

from __future__ import annotations

from typing import Any

import pytest

FAULTS = ["gone", "half open", "refuses", "untrusted", "packets", "identifiers", "clock jumps"]
# The longest back-off with its jitter, and the ten seconds in which a broker must answer.
_LONGEST_PAUSE_MS = 45_000 + 10_000 + 1_000
_OUTAGES = ("gone", "half open", "refuses", "untrusted")


@pytest.mark.parametrize("fault", FAULTS)
def test_after_any_fault_the_site_has_every_record_and_none_acknowledged_comes_back(run_device, fault):
    told: dict[str, Any] = run_device("link_faults", fault)
    assert told["made"] > 10
    assert told["missing"] == []
    assert told["owed"] == [0, 0]
    assert told["recovered ms"] <= 300_000
    assert told["returned"] == []
    assert told["after a restart"] == [False, False]
    assert set(told["births"]) == {"watchdog"}
    if fault in _OUTAGES:
        assert len(told["births"]) == 2
        assert told["tries"] > 20
        assert told["longest pause"] <= _LONGEST_PAUSE_MS
    if fault == "identifiers":
        assert told["identifiers"] == [1, 65_535]
