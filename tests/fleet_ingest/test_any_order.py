"""Whatever order, repetition and grouping messages arrive in, the store ends up the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from jikimi.fleet.store import Batch, RecordMessage, StreamKey
from jikimi.wire import kinds
from tests.fleet_ingest.build import add_devices, message, near_miss, open_store, person, tables

ALARM, EVENT = kinds.STREAM_ALARM, kinds.STREAM_EVENT
_SEQS = st.integers(1, 12)
_ALARMS: st.SearchStrategy[tuple[int, dict[int, int]]] = st.one_of(
    st.tuples(st.sampled_from([kinds.FALL, kinds.SOS]), st.just({})),
    st.builds(
        lambda seq, why: (kinds.CLEARED, {kinds.REF_SEQ: seq, kinds.WHY: why}), _SEQS, st.sampled_from([1, 2, 3])
    ),
)


def _lost(first: int, more: int, boot: int) -> tuple[int, dict[int, int]]:
    span = {kinds.LOST_FIRST: first, kinds.LOST_LAST: first + more}
    return kinds.LOST, {kinds.LOST_COUNT: more + 1, kinds.LOST_BOOT: boot, kinds.LOST_STREAM: EVENT, **span}


_LEVELS = st.sampled_from([kinds.LEVEL_WARN, kinds.LEVEL_DANGER])
_EVENTS = st.one_of(
    st.builds(lambda who, level: near_miss(0, person(who), level=level)[1:], st.integers(0, 6), _LEVELS),
    st.builds(_lost, _SEQS, st.integers(0, 4), st.sampled_from([1, 2])),
    st.just((kinds.BENDS, {kinds.COUNT: 3})),
)


@st.composite
def _histories(draw: st.DrawFn) -> list[RecordMessage]:
    """Some messages of some devices. A number always means the same record, as on a real device."""
    fixed: dict[tuple[str, int, int], list[tuple[int, int, dict[int, int]]]] = {}
    messages = []
    for device, stream, boot in draw(
        st.lists(
            st.tuples(st.sampled_from(["t1", "n1"]), st.sampled_from([ALARM, EVENT]), st.sampled_from([1, 2])),
            min_size=1,
            max_size=8,
        )
    ):
        contents = _ALARMS if stream == ALARM else _EVENTS
        if (device, stream, boot) not in fixed:
            drawn = draw(st.lists(contents, min_size=12, max_size=12))
            fixed[device, stream, boot] = [(seq, *content) for seq, content in enumerate(drawn, 1)]
        seqs = sorted(draw(st.sets(_SEQS, min_size=1, max_size=6)))
        records = [fixed[device, stream, boot][seq - 1] for seq in seqs]
        messages.append(message(device, stream, *records, boot=boot))
    return messages


@st.composite
def _deliveries(draw: st.DrawFn, messages: list[RecordMessage]) -> list[Batch]:
    """The same messages in another order, some twice, in batches of any size."""
    repeated = messages + draw(st.lists(st.sampled_from(messages), max_size=4))
    shuffled = draw(st.permutations(repeated))
    batches, rest = [], list(shuffled)
    while rest:
        size = draw(st.integers(1, len(rest)))
        batches.append(Batch(messages=tuple(rest[:size])))
        rest = rest[size:]
    return batches


def _outcome(batches: list[Batch]) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{Path(directory) / 'store.db'}"
        store = open_store(url)
        add_devices(url, t1=("tag", "hall"), n1=("node", "dock"))
        acks: dict[StreamKey, int] = {}
        for batch in batches:
            after = store.store_batch(batch).acks
            assert all(upto >= acks.get(key, 0) for key, upto in after.items()), "an acknowledgement went back"
            acks |= after
        found: dict[str, object] = {**tables(url), "sequences": store.sequences()}
        store.close()
    return {**found, "acks": acks}


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_order_repetition_and_grouping_do_not_matter(data):
    messages = data.draw(_histories())
    plain = _outcome([Batch(messages=(one,)) for one in messages])
    assert _outcome(data.draw(_deliveries(messages))) == plain


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_an_acknowledgement_covers_exactly_what_is_stored_or_declared_lost_without_a_gap(data):
    messages = data.draw(_histories())
    sent: dict[StreamKey, set[int]] = {}
    for one in messages:
        sent.setdefault(one.key, set()).update(item.seq for item in one.records)
        for item in one.records:
            if item.kind == kinds.LOST:
                key = StreamKey(one.key.device, item.data[kinds.LOST_BOOT], item.data[kinds.LOST_STREAM])
                lost = range(item.data[kinds.LOST_FIRST], item.data[kinds.LOST_LAST] + 1)
                sent.setdefault(key, set()).update(lost)
    expected = {key: next(n for n in range(1, 99) if n not in seqs) - 1 for key, seqs in sent.items()}
    assert _outcome(data.draw(_deliveries(messages)))["acks"] == expected
