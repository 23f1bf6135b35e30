"""What ingest accepts is what the CDDL allows: the two are written apart, and each is held against the other."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pycddl import Schema, ValidationError  # type: ignore[import-untyped]

from jikimi.fleet.ingest.sort import sort
from jikimi.fleet.mqtt import Incoming
from jikimi.fleet.store import DeadLetter
from jikimi.wire import kinds, messages, topics
from tests.fleet_ingest.build import SITE
from tests.wire.strategies import record_lists, states, vitals

_LAW = Path(__file__).parents[2] / "proto" / "wire.cddl"
_RULES = {topics.ALARM: "records", topics.EVENT: "records", topics.STATE: "state", topics.VITALS: "vitals"}


@cache
def law(leaf: str) -> Schema:
    return Schema(f"root = {_RULES[leaf]}\n" + _LAW.read_text("utf-8"))


def allowed(leaf: str, payload: bytes) -> bool:
    try:
        law(leaf).validate_cbor(payload)
    except ValidationError:
        return False
    return True


def accepted(leaf: str, payload: bytes) -> bool:
    found = sort(SITE, Incoming(f"jk/{SITE}/t1/{leaf}", payload, False, 9, 1, 1, 1))
    return not isinstance(found, DeadLetter)


def _batch(stream: int, records: Any) -> bytes:
    return messages.encode_records(1, stream, records, 5, 2)


def _status(leaf: str, fields: Any) -> tuple[str, bytes]:
    return leaf, (messages.encode_state if leaf == topics.STATE else messages.encode_vitals)(fields)


_payloads = st.one_of(
    record_lists().map(lambda found: (topics.EVENT, _batch(kinds.STREAM_EVENT, found))),
    record_lists().map(lambda found: (topics.ALARM, _batch(kinds.STREAM_ALARM, found))),
    states.map(lambda found: _status(topics.STATE, found)),
    vitals.map(lambda found: _status(topics.VITALS, found)),
)


@settings(max_examples=60, deadline=None)
@given(_payloads)
def test_what_a_device_writes_is_accepted_and_lawful(sent):
    assert accepted(*sent)
    assert allowed(*sent)


@st.composite
def _altered(draw: st.DrawFn) -> tuple[str, bytes]:
    """A proper message with one field taken away, doubled in kind, or given another value."""
    leaf, payload = draw(_payloads)
    content = cbor2.loads(payload)
    key = draw(st.sampled_from(sorted(content)))
    other: st.SearchStrategy[Any] = (
        st.none() | st.booleans() | st.integers(-(2**33), 2**33) | st.text(max_size=3) | st.just([]) | st.just({})
    )
    change = draw(st.sampled_from(["drop", "set", "inner"]))
    if change == "drop":
        del content[key]
    elif change == "set" or not isinstance(content[key], list) or not content[key]:
        content[key] = draw(other)
    else:
        content[key][draw(st.integers(0, len(content[key]) - 1))] = draw(other)
    return leaf, cbor2.dumps(content, canonical=True)


@settings(max_examples=150, deadline=None)
@given(_altered())
@example((topics.EVENT, b"\xa0"))
def test_what_ingest_stores_the_law_allows(sent):
    if accepted(*sent):
        assert allowed(*sent), sent[1].hex()


@pytest.mark.parametrize("leaf", [topics.ALARM, topics.EVENT])
def test_a_message_of_another_kind_is_neither_lawful_nor_accepted(leaf):
    payload = messages.encode_ack(1, 1, 5)
    assert not allowed(leaf, payload)
    assert not accepted(leaf, payload)
