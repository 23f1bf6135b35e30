"""A shift of the whole tag in a heap that is smaller than a chip's: what it holds does not grow, no record is lost.

Ten minutes here; ten hours by hand: `python -m tools.shift`.
"""

from __future__ import annotations

import pytest

from jikimi.edge.journal import ALARM_SEGMENTS, EVENT_SEGMENTS, SEGMENT_BYTES
from jikimi.fleet.virtual.interpreter import EMULATION_HEAP_BYTES
from tools import shift

_LEAN_HEAP_BYTES = 192 * 1024 + EMULATION_HEAP_BYTES
# What a handshake, a birth and a record take between two vitals comes out of it: in 184 KiB the tag worked, in 183 not.
_MARGIN_BYTES = 8 * 1024

pytestmark = pytest.mark.timeout(600)  # twenty seconds on an idle machine, and minutes on one that is not


@pytest.fixture(scope="module")
def worked() -> shift.Shift:
    return shift.work(hours=1 / 6, windows=5, heap_bytes=_LEAN_HEAP_BYTES)


def test_memory_in_use_does_not_grow_after_the_first_minutes(worked):
    assert worked.growth <= shift.GROWTH_BYTES, worked.free
    assert worked.complaints == []
    assert worked.starts == 1


def test_enough_of_the_heap_is_free_at_the_worst_moment_that_was_told(worked):
    assert worked.least >= _MARGIN_BYTES, worked.free


def test_everything_recorded_reaches_the_site_once_through_an_outage_and_the_journal_ends_empty(worked):
    assert worked.links > 1
    assert worked.stored == worked.recorded
    assert {"sos", "fall", "warning", "cleared"} <= set(worked.records)
    assert worked.journal_left == 0
    assert worked.journal_most <= (ALARM_SEGMENTS + EVENT_SEGMENTS) * SEGMENT_BYTES
