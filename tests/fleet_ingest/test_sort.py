"""Messages that cannot be stored end as dead letters with the reason, and nothing stops."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.fleet.ingest.sort import sort
from jikimi.fleet.mqtt import Incoming
from jikimi.fleet.store import DeadLetter, RecordMessage, StatusReport
from jikimi.wire import kinds, messages

SITE = "works"


def incoming(topic: str, payload: bytes, *, retain: bool = False) -> Incoming:
    return Incoming(topic, payload, retain, recv_ms=7, qos=1, mid=1, connection=1)


def sorted_(leaf: str, payload: bytes, *, retain: bool = False) -> object:
    return sort(SITE, incoming(f"jk/{SITE}/t1/{leaf}", payload, retain=retain))


FALL = messages.encode_records(3, kinds.STREAM_ALARM, [(5, kinds.FALL, 40, {kinds.CONFIDENCE_PERMILLE: 900})], 1000, 2)
BIRTH = {
    "boot": 3,
    "status": "online",
    "kind": "tag",
    "reset_reason": "power",
    "firmware": "abc",
    "config": "def",
    "core": "1.0",
    "clock_quality": kinds.CLOCK_NONE,
    "capabilities": ["imu"],
}


def test_records_become_a_message_of_their_sequence():
    found = sorted_("al", FALL)
    assert isinstance(found, RecordMessage)
    assert found.key == ("t1", 3, kinds.STREAM_ALARM)
    assert (found.boot_epoch_ms, found.clock_quality) == (1000, 2)
    assert found.records == ((5, kinds.FALL, 40, {kinds.CONFIDENCE_PERMILLE: 900}),)


@pytest.mark.parametrize(
    ("leaf", "payload", "reason"),
    [
        ("al", b"", "truncated"),
        ("al", FALL[:-1], "truncated"),
        ("ev", FALL, "value"),
        ("al", FALL + b"\0" * 1100, "size"),
        ("ev", cbor2.dumps({0: 2, 1: 3}), "version"),
        ("st", cbor2.dumps({0: 99}), "version"),
        ("vt", cbor2.dumps([1, 2]), "field"),
    ],
    ids=["empty", "cut short", "alarms among events", "oversized", "later version", "much later version", "no map"],
)
def test_a_message_that_is_not_the_protocol_is_kept_with_the_reason(leaf, payload, reason):
    found = sorted_(leaf, payload)
    assert isinstance(found, DeadLetter)
    assert (found.reason, found.source.payload, found.source.topic) == (reason, payload, f"jk/{SITE}/t1/{leaf}")


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("jk/elsewhere/t1/al", "foreign-topic"),
        (f"jk/{SITE}/host/al", "foreign-topic"),
        (f"jk/{SITE}/t1/ack", "foreign-topic"),
        (f"jk/{SITE}/T1/al", "topic"),
        ("nonsense", "topic"),
    ],
)
def test_a_message_on_a_topic_that_is_no_devices_is_kept_with_the_reason(topic, reason):
    found = sort(SITE, incoming(topic, FALL))
    assert isinstance(found, DeadLetter)
    assert found.reason == reason


def test_the_hosts_own_state_and_deleted_retained_states_are_nothing_to_store():
    assert sort(SITE, incoming(f"jk/{SITE}/host/st", b"anything")) is None
    assert sorted_("st", b"") is None


def test_a_birth_says_that_the_device_is_online_and_was_heard():
    found = sorted_("st", messages.encode_state(BIRTH))
    assert isinstance(found, StatusReport)
    assert (found.boot, found.online, found.heard, found.reset_reason, found.firmware) == (
        3,
        True,
        True,
        "power",
        "abc",
    )


def test_a_retained_birth_and_a_last_will_do_not_say_that_the_device_was_heard_now():
    kept = sorted_("st", messages.encode_state(BIRTH), retain=True)
    will = sorted_("st", messages.encode_state({"boot": 3, "status": "lost"}))
    assert isinstance(kept, StatusReport)
    assert isinstance(will, StatusReport)
    assert (kept.online, kept.heard) == (True, False)
    assert (will.online, will.heard) == (False, False)


def test_a_farewell_says_that_the_device_was_heard_and_is_not_online():
    found = sorted_("st", messages.encode_state({"boot": 3, "status": "docked"}))
    assert isinstance(found, StatusReport)
    assert (found.online, found.heard) == (False, True)


def test_vitals_add_up_the_journals():
    found = sorted_("vt", messages.encode_vitals({"boot": 3, "up_ms": 9, "battery_pct": 50, "journal_event": 4}))
    assert isinstance(found, StatusReport)
    assert (found.battery_pct, found.journal_depth, found.heap_free_bytes) == (50, 4, None)


@given(st.sampled_from(["st", "al", "ev", "vt"]), st.binary(max_size=200))
def test_no_bytes_make_it_fail(leaf, payload):
    sorted_(leaf, payload)
