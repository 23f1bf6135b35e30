"""What is owed is sent until it is acknowledged by the site itself, alarms first."""

from typing import Any

import pytest

_FOUND: dict[str, Any] = {}


@pytest.fixture
def found(run_device, runtime):
    """One story per Python: a deaf connection, a cut, a good one, acknowledgements."""
    if runtime not in _FOUND:
        _FOUND[runtime] = run_device("link_session")
    return _FOUND[runtime]


def test_a_connection_subscribes_says_who_it_is_and_sends_alarms_before_events(found):
    first = found["first"]
    assert first[:6] == ["connect", "sub jk/s/d/ack", "sub jk/s/d/cmd", "sub jk/s/d/put", "sub jk/s/host/st", "st"]
    assert first[6] == ["al", 2, [1]]
    assert first[7] == ["ev", 1, [1]]


def test_an_alarm_does_not_wait_for_the_acknowledgement_of_an_event(found):
    assert found["first"][8] == ["al", 2, [2]]


def test_after_a_cut_everything_unacknowledged_is_sent_again_alarms_first_and_earlier_boots_under_their_own(found):
    second = found["second"]
    assert second[0] == "close"
    assert second[7:10] == [["al", 2, [1, 2]], ["ev", 1, [1]], ["ev", 2, [1, 2, 3]]]


def test_without_the_sites_acknowledgement_records_are_repeated_although_the_broker_took_them(found):
    assert found["second"].count(["ev", 2, [1, 2, 3]]) == 2


def test_acknowledged_records_are_freed_and_only_the_rest_is_repeated(found):
    assert found["depth"] == [0, 1]
    assert found["after"] == [["ev", 2, [3]]]
    assert found["alarms"] == []


def test_a_malformed_message_is_counted_and_a_command_reaches_its_place(found):
    assert found["refused"] == 1
    assert found["commands"] == 1
