"""A refused message costs its device nothing: what can be attributed is parked, acknowledged, and kept as bytes."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.fleet.ingest.sort import sort
from jikimi.fleet.mqtt import Incoming
from jikimi.fleet.store import Batch, DeadLetter, Source, Store, StreamKey
from jikimi.wire import WireError, host, kinds, messages, topics
from tests.fleet_ingest.build import SITE, events, set_state
from tests.fleet_ingest.test_worker import Wire, work_off

EVENT = kinds.STREAM_EVENT
T1 = StreamKey("t1", 1, EVENT)
_ODD_SEQS = {3, 5}  # a firmware fault writes these with a kind that the wire cannot carry


def payload(first: int, last: int) -> bytes:
    """A batch as a device with that fault writes it."""
    rows = [[1, 70_000 if seq in _ODD_SEQS else kinds.WARNING, {}] for seq in range(first, last + 1)]
    return cbor2.dumps({0: 1, 1: 1, 2: EVENT, 3: None, 4: 0, 5: first, 6: rows})


def incoming(content: bytes, device: str = "t1", leaf: str = topics.EVENT) -> Incoming:
    return Incoming(f"jk/{SITE}/{device}/{leaf}", content, False, 9, 1, 1, 1)


def answers(store: Store, content: bytes) -> list[int]:
    """Acknowledgements that one message brings."""
    wire = Wire([incoming(content)])
    work_off(wire, store)
    return [messages.decode_ack(sent)[2] for _, sent in wire.sent]


def test_a_device_with_records_the_wire_cannot_carry_gets_all_of_its_journal_acknowledged(store):
    upto, sent = 0, 0
    while upto < 8:
        (upto,) = answers(store, payload(upto + 1, 8))
        sent += 1
        assert sent <= 8, "no way out"
    (row,) = store.sequences()
    assert (row.stored, row.parked, row.missing, row.upto) == (3, 5, 0, 8)
    assert [one.seq for one in store.records_after(0)] == [6, 7, 8]
    assert {letter.payload for letter in store.dead_letters()} == {payload(first, 8) for first in range(1, 6)}


def test_a_refused_message_that_is_not_the_next_one_changes_no_mark(store):
    assert answers(store, payload(3, 4)) == [0]
    assert answers(store, payload(1, 2)) == [2]
    assert answers(store, payload(3, 4)) == [3]
    assert answers(store, payload(3, 4)) == [3]


@pytest.mark.parametrize("cut", [60, 25, 14])
def test_a_message_that_ends_in_the_middle_still_says_which_record_comes_first(store, cut):
    assert answers(store, payload(1, 8)[:cut]) == [1]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 40,
        payload(1, 8)[:8],
        cbor2.dumps([1, 2, 3]),
        cbor2.dumps({0: 2, 1: 1, 2: 1, 3: None, 4: 0, 5: 1, 6: []}),
        cbor2.dumps({0: 1, 1: 0, 2: 1, 3: None, 4: 0, 5: 1, 6: []}),
    ],
    ids=["empty", "noise", "cut in front", "no map", "later version", "no boot"],
)
def test_what_cannot_be_attributed_or_is_of_a_later_version_is_kept_and_not_acknowledged(store, content):
    assert answers(store, content) == []
    (letter,) = store.dead_letters()
    assert letter.payload == content


def test_a_message_too_long_for_the_wire_is_parked_by_its_front(store):
    assert answers(store, payload(1, 8) + b"\0" * 2000) == [1]


def test_a_parked_record_that_arrives_well_after_all_is_stored_and_no_longer_counted_as_parked(store):
    answers(store, payload(1, 4))
    store.store_batch(Batch(messages=(events("t1", 1, 2),)))
    (row,) = store.sequences()
    assert (row.stored, row.parked, row.missing, row.upto) == (2, 0, 0, 2)


def test_records_above_a_parked_one_are_acknowledged_with_it(store):
    store.store_batch(Batch(messages=(events("t1", 2, 3, 4),)))
    assert answers(store, payload(1, 8)) == [4]


def test_a_revoked_or_unknown_device_has_nothing_parked(store, url):
    set_state(url, "t2", "revoked")
    letters = tuple(
        DeadLetter(Source(f"jk/{SITE}/{device}/ev", b"x", 9), "value", StreamKey(device, 1, EVENT), 1)
        for device in ("t2", "stranger")
    )
    outcome = store.store_batch(Batch(dead_letters=letters))
    assert (outcome.acks, outcome.refused) == ({}, 2)
    assert store.sequences() == []


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: payload(1, 2)[:20] + tail))
def test_no_bytes_make_the_attribution_fail_and_it_agrees_with_the_decoder(content):
    first = host.first_record(content)
    try:
        boot, stream, _, _, records = messages.decode_records(content)
    except WireError:
        return
    assert first == (boot, stream, records[0][0])


def test_sorting_attributes_batches_alone():
    letter = sort(SITE, incoming(payload(3, 4)))
    assert letter == DeadLetter(Source(f"jk/{SITE}/t1/ev", payload(3, 4), 9), "value", T1, 3)
    letter = sort(SITE, incoming(payload(3, 4), leaf=topics.VITALS))
    assert isinstance(letter, DeadLetter)
    assert letter.key is None
