"""The MQTT client against a broker that does everything a broker, a network or an attacker can do."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

_SPEC = importlib.util.spec_from_file_location("scripted_broker", Path(__file__).parent / "broker.py")
assert _SPEC is not None
assert _SPEC.loader is not None
broker = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(broker)

HEARD = broker.publish("jk/s/d1/ack", b"7", qos=1)


def _with(kind: int, pieces: list[bytes]) -> dict[int, Any]:
    answers: dict[int, Any] = broker.polite()
    return answers | {kind: lambda _packet: pieces}


@pytest.fixture
def session(run_device):
    """`session(answers)`: one run of the client; what it says, and the packets the broker got."""

    def run(answers, hang_up_after=None):
        scripted = broker.ScriptedBroker(answers, hang_up_after)
        try:
            return run_device("mqtt_session", scripted.port), scripted.packets
        finally:
            scripted.close()

    return run


def test_a_good_session_connects_subscribes_publishes_and_hears(session):
    answers = broker.polite()
    answers[0xC0] = lambda _: [b"\xd0\x00", HEARD, b"\xd1\x00"]  # after the ping: a message, then nonsense to end it
    said, packets = session(answers)
    assert said["subscribed"] is True
    assert said["published"] == 2
    assert said["heard"] == [["jk/s/d1/ack", "7"]]
    assert b"\x40\x02\x00\x07" in packets  # the message was acknowledged


def test_the_connect_packet_carries_the_will_and_asks_for_a_clean_session(session):
    _, packets = session(broker.polite(), hang_up_after=1)
    assert packets[0][:12] == b"\x10\x1f\x00\x04MQTT\x04\x2e\x00\x01"
    assert packets[0].endswith(b"\x00\x0ajk/s/d1/st\x00\x03bye")


def test_packet_identifiers_go_from_65535_to_1_and_never_are_0(session):
    _, packets = session(broker.polite(), hang_up_after=5)
    subscribe = next(packet for packet in packets if packet[0] == 0x82)
    published = [broker.puback_id(packet) for packet in packets if packet[0] == 0x32]
    assert [subscribe[2:4], *published] == [b"\xff\xff", b"\x00\x01", b"\x00\x02"]


def test_answers_in_single_bytes_are_the_same_answers(session):
    whole = broker.polite()
    split = {kind: (lambda packet, answer=answer: [bytes([b]) for b in b"".join(answer(packet))])
             for kind, answer in whole.items()}  # fmt: skip
    said, _ = session(split, hang_up_after=5)
    assert said["published"] == 2


def test_repeated_and_unknown_acknowledgements_change_nothing(session):
    answers = broker.polite()
    answers[0x30] = lambda packet: (
        [b"\x40\x02\x99\x99", *[b"\x40\x02" + broker.puback_id(packet)] * 2] if packet[0] & 6 else []
    )
    said, _ = session(answers, hang_up_after=5)
    assert said["published"] == 2


BAD_STARTS: dict[str, list[bytes]] = {
    "refused": [b"\x20\x02\x00\x05"],
    "silence": [],
    "half a CONNACK": [b"\x20\x02\x00"],
    "another packet": [b"\xd0\x00"],
    "CONNACK of a wrong length": [b"\x20\x03\x00\x00\x00"],
    "a length that never ends": [b"\x20\xff\xff\xff\xff\xff"],
}


@pytest.mark.parametrize("case", BAD_STARTS)
def test_a_bad_start_is_an_oserror(session, case):
    said, _ = session(_with(0x10, BAD_STARTS[case]))
    assert said["connected"] is False
    assert said["end"]


BAD_LATER: dict[str, bytes] = {
    "a packet the broker may not send": b"\x82\x02\x00\x01",
    "QoS 2, which was never granted": broker.publish("jk/s/d1/ack", b"", qos=2),
    "a publish shorter than its topic": b"\x30\x03\x00\x09a",
    "a publish without a topic": b"\x30\x01\x00",
    "a topic that is not UTF-8": b"\x30\x04\x00\x02\xff\xfe",
    "QoS 1 without an identifier": b"\x32\x04\x00\x02ab",
    "a PUBACK of a wrong length": b"\x40\x03\x00\x01\x00",
    "a SUBACK with an unknown code": b"\x90\x03\x00\x01\x55",
    "a packet longer than is taken": b"\x30\xff\x7f",
    "half a packet": b"\x30\x20\x00\x05jk",
}


@pytest.mark.parametrize("case", BAD_LATER)
def test_malformed_packets_end_the_connection_with_an_oserror(session, case):
    said, _ = session(_with(0x80, [BAD_LATER[case]]))
    assert said["connected"] is True
    assert said["subscribed"] is False
    assert said["end"]
    assert said["heard"] == []


def test_a_refused_subscription_is_an_oserror(session):
    answers = broker.polite()
    answers[0x80] = lambda packet: [b"\x90\x03" + packet[2:4] + b"\x80"]
    said, _ = session(answers)
    assert "refused" in said["end"]


def test_a_publish_nobody_acknowledges_is_an_oserror_and_not_a_success(session):
    said, packets = session(_with(0x30, []))
    assert said["published"] == 0
    assert said["end"]
    assert sum(packet[0] == 0x32 for packet in packets) == 1


def test_a_silent_broker_is_pinged_and_then_given_up(session):
    said, packets = session(_with(0xC0, []))
    assert said["published"] == 2
    assert b"\xc0\x00" in packets
    assert "silent" in said["end"]


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_broker_that_hangs_up_after_any_packet_is_an_oserror(session, after):
    said, _ = session(broker.polite(), hang_up_after=after)
    assert said["end"]
    assert said["published"] <= max(after - 2, 0)
