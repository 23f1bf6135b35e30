"""A board that talks to a real broker over mutual TLS."""

from __future__ import annotations

import pytest

from hil_tests.strategy import ONLINE_S, State
from jikimi.wire import kinds, topics

_WILL_S = 20.0

pytestmark = pytest.mark.needs(State.ONLINE)


def test_its_birth_says_what_it_is(board):
    birth = board.host.wait_for_birth(board.device, ONLINE_S)
    assert (birth.status, birth.kind) == ("online", board.place.kind)
    assert birth.core
    assert birth.firmware


def test_it_reports_its_vitals(board):
    vitals = board.host.wait_for(board.device, topics.VITALS, lambda message: message.up_ms > 0, ONLINE_S)
    assert vitals.boot >= 1


@pytest.mark.needs(State.ONLINE, kind="tag")
def test_a_long_press_of_the_button_is_an_alarm_at_the_broker(board):
    board.place.press(3.0)

    def has_sos(batch):
        return any(record.kind == kinds.SOS for record in batch.records)

    batch = board.host.wait_for(board.device, topics.ALARM, has_sos, ONLINE_S)
    assert batch.stream == kinds.STREAM_ALARM
    board.console.wait_for(rf"^jk rec {batch.boot} {kinds.STREAM_ALARM} \d+ {kinds.SOS} ", ONLINE_S)


def test_a_board_that_loses_its_power_is_reported_lost_by_its_last_will(board):
    board.to(State.OFF)
    try:
        board.host.wait_for_birth(board.device, _WILL_S, status="lost")
    except TimeoutError:
        # Last wills are best effort of the broker (DESIGN.md): one may be missing, two in a row may not.
        board.to(State.ONLINE)
        board.to(State.OFF)
        board.host.wait_for_birth(board.device, ONLINE_S, status="lost")
