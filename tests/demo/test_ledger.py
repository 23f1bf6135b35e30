"""Console lines into the ledger of what devices wrote and what was acknowledged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.fleet.demo.ledger import Core, Entry, Key, Ledger, percentile


def _fed(*lines: str) -> Ledger:
    ledger = Ledger()
    for line in lines:
        ledger.feed("da", line)
    return ledger


def test_a_record_line_becomes_an_entry_under_its_key() -> None:
    ledger = _fed("jk rec 3 1 7 18 1790000000123")
    assert ledger.records == {Key("da", 3, 1, 7): Entry(18, 1790000000123)}


def test_two_devices_with_the_same_numbers_are_two_records() -> None:
    ledger = _fed("jk rec 1 1 1 18 1790000000000")
    ledger.feed("db", "jk rec 1 1 1 18 1790000000000")
    assert len(ledger.records) == 2


def test_a_cumulative_acknowledgement_covers_all_alarms_before_it_once() -> None:
    ledger = _fed(
        "jk rec 1 0 1 1 1790000000000",
        "jk rec 1 0 2 6 1790000000040",
        "jk rec 1 0 3 1 1790000000500",
        "jk ack 1 0 2 1790000000090",
        "jk ack 1 0 2 1790000000390",
    )
    assert ledger.alarm_latencies_ms() == [90, 50]
    assert ledger.unacknowledged() == 1


def test_an_acknowledgement_of_another_boot_or_of_events_is_no_alarm_latency() -> None:
    ledger = _fed("jk rec 2 0 1 1 1790000000000", "jk ack 1 0 5 1790000000050", "jk ack 2 1 5 1790000000050")
    assert ledger.alarm_latencies_ms() == []
    assert ledger.unacknowledged() == 1


def test_core_boot_link_warning_and_log_lines_are_kept() -> None:
    ledger = _fed(
        "jk boot 4 tag da power",
        "jk core 0.1.0 native",
        "jk link up -",
        "jk warn 2 2 31 1790000000000",
        "jk log imu: stuck",
    )
    assert ledger.boots == {"da": [4]}
    assert ledger.cores == {"da": Core("0.1.0", "native")}
    assert ledger.linked == {"da": True}
    assert ledger.warning_ms == [31]
    assert ledger.log == [("da", "imu: stuck")]


def test_a_link_that_goes_down_is_down() -> None:
    assert _fed("jk link up", "jk link down eof").linked == {"da": False}
    assert _fed("jk link up", "jk boot 2 tag da reset").linked == {"da": False}


@given(st.text())
def test_no_line_whatever_breaks_the_ledger(text: str) -> None:
    for line in (text, "jk " + text, "jk rec " + text, "jk ack " + text):
        _fed(line)


@pytest.mark.parametrize("cut", range(2, 29))
def test_a_line_cut_by_a_reset_gives_no_wrong_record(cut: int) -> None:
    line = "jk rec 3 1 7 18 1790000000123"
    assert set(_fed(line[:cut]).records) <= {Key("da", 3, 1, 7)}


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([5, 1, 4, 2, 3], 0.5) == 3
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([7], 0.99) == 7
    assert percentile([], 0.5) is None
