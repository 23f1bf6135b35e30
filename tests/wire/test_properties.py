"""The device codec in real MicroPython and cbor2, each the other's oracle; the law is a third.

Examples travel to MicroPython by the dozen: one line there and back costs as much as fifty values.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jikimi.wire import WireError, cbor, host, messages
from tests.wire import strategies

_VALID = [
    bytes.fromhex(vector["bytes"])
    for vector in json.loads((Path(__file__).parents[2] / "proto" / "vectors" / "valid.json").read_text("utf-8"))
]
_DOZENS = 40
_settings = settings(
    max_examples=_DOZENS, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def _dozen(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, min_size=1, max_size=12)


def _sorted(value: Any) -> Any:
    """The value with its maps in key order, which is the order cbor2 keeps."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _verdict(function: Any, *arguments: Any) -> tuple[str, Any]:
    try:
        return "ok", function(*arguments)
    except WireError as error:
        return "refused", error.reason


@_settings
@given(_dozen(strategies.values))
def test_what_the_device_encodes_is_what_cbor2_encodes_byte_for_byte(device, values):
    expected = [cbor2.dumps(_sorted(value)) for value in values]
    answers = device.calls("cbor", "dumps", [(value, 1 << 16) for value in values])
    assert answers == [("ok", encoded) for encoded in expected]


@_settings
@given(_dozen(strategies.values))
def test_what_cbor2_encodes_the_device_decodes_to_the_same_value(device, values):
    answers = device.calls("cbor", "loads", [(cbor2.dumps(_sorted(value)), 1 << 16) for value in values])
    # repr tells 1 from True, which == does not
    assert [repr(_sorted(value)) for _, value in answers] == [repr(_sorted(value)) for value in values]


@_settings
@given(_dozen(strategies.almost | st.binary(max_size=40)))
def test_any_bytes_get_the_same_verdict_on_the_device_and_on_the_host(device, payloads):
    answers = device.calls("cbor", "loads", [(payload,) for payload in payloads])
    assert [repr(answer) for answer in answers] == [repr(_verdict(host.loads, payload)) for payload in payloads]


@_settings
@given(_dozen(st.tuples(st.sampled_from(_VALID), st.integers(0, 10**6), st.integers(1, 255))))
def test_a_message_with_one_byte_changed_gets_the_same_verdict_everywhere(device, changes):
    payloads = []
    for message, at, change in changes:
        spoilt = bytearray(message)
        spoilt[at % len(message)] ^= change
        payloads.append(bytes(spoilt))
    for name in ("records", "state", "vitals", "ack", "command"):
        answers = device.calls("messages", f"decode_{name}", [(payload,) for payload in payloads])
        ours = getattr(messages, f"unpack_{name}")
        expected = [_verdict(lambda raw, ours=ours: ours(host.loads(raw)), payload) for payload in payloads]
        assert answers == expected


@_settings
@given(_dozen(strategies.almost))
def test_what_the_decoder_accepts_the_encoder_gives_back_byte_for_byte(device, payloads):
    for payload in payloads:
        status, value = _verdict(cbor.loads, payload)
        if status == "ok":
            assert device.call("cbor", "dumps", value) == ("ok", payload)


@_settings
@given(
    boot=strategies.boots,
    stream=st.integers(0, 1),
    epoch_ms=st.none() | strategies.int53,
    quality=st.integers(0, 2),
    records=strategies.record_lists(),
)
def test_records_of_the_device_reach_the_host_unchanged_and_keep_the_law(
    device, schema, boot, stream, epoch_ms, quality, records
):
    status, payload = device.call("messages", "encode_records", boot, stream, records, epoch_ms, quality)
    if status == "refused":
        assert payload == "size"
        return
    schema("records").validate_cbor(payload)
    for row in cbor2.loads(payload)[6][1:]:
        schema("record").validate_cbor(cbor2.dumps(row))
    batch = host.decode("ev" if stream else "al", payload)
    assert isinstance(batch, host.RecordBatch)
    assert (batch.boot, batch.stream, batch.boot_epoch_ms, batch.clock_quality) == (boot, stream, epoch_ms, quality)
    assert [(item.seq, item.kind, item.t_ms, item.data) for item in batch.records] == records
    assert device.call("messages", "decode_records", payload) == ("ok", (boot, stream, epoch_ms, quality, records))


@_settings
@given(_dozen(strategies.states))
def test_states_go_there_and_back_and_keep_the_law(device, schema, states):
    for state, (status, payload) in zip(
        states, device.calls("messages", "encode_state", [(state,) for state in states]), strict=True
    ):
        assert status == "ok"
        schema("state").validate_cbor(payload)
        assert {name: item for name, item in messages.decode_state(payload).items() if item is not None} == state


@_settings
@given(_dozen(strategies.vitals))
def test_vitals_go_there_and_back_and_keep_the_law(device, schema, vitals):
    for fields, (status, payload) in zip(
        vitals, device.calls("messages", "encode_vitals", [(fields,) for fields in vitals]), strict=True
    ):
        assert status == "ok"
        schema("vitals").validate_cbor(payload)
        assert {name: item for name, item in messages.decode_vitals(payload).items() if item is not None} == fields


@_settings
@given(_dozen(st.tuples(strategies.boots, st.integers(0, 1), strategies.u32)))
def test_acknowledgements_go_to_the_device_and_keep_the_law(device, schema, acks):
    payloads = [messages.encode_ack(*ack) for ack in acks]
    for payload in payloads:
        schema("ack").validate_cbor(payload)
    answers = device.calls("messages", "decode_ack", [(payload,) for payload in payloads])
    assert answers == [("ok", ack) for ack in acks]


@_settings
@given(_dozen(st.tuples(st.integers(0, 0xFFFF), strategies.data, strategies.u32, st.none() | strategies.int53)))
def test_commands_go_to_the_device_and_keep_the_law(device, schema, commands):
    payloads = [messages.encode_command(*command) for command in commands]
    for payload in payloads:
        schema("command").validate_cbor(payload)
    answers = device.calls("messages", "decode_command", [(payload,) for payload in payloads])
    assert answers == [("ok", command) for command in commands]


@_settings
@given(_dozen(st.binary(max_size=31)))
def test_any_advert_is_ours_or_nobodys_and_never_an_error(device, payloads):
    answers = device.calls("radio", "parse_advert", [(payload,) for payload in payloads])
    assert all(status == "ok" for status, _ in answers)


@pytest.mark.parametrize("value", [1.5, {"a": 1}, {-1: 1}, {True: 1}, 1 << 64, -(1 << 64) - 1, "\ud800", [[[[[]]]]]])
def test_both_runtimes_refuse_to_encode_what_the_wire_does_not_carry(device, value):
    status, reason = _verdict(cbor.dumps, value)
    assert status == "refused"
    assert device.call("cbor", "dumps", value) == ("refused", reason)


@settings(max_examples=300, deadline=None)
@given(strategies.record_lists(), st.integers(0, 1), st.data())
def test_the_hosts_quick_way_through_a_batch_gives_what_the_careful_one_gives_or_leaves_it_to_it(rows, stream, data):
    payload = bytearray(messages.encode_records(1, stream, rows, None, 0))
    if data.draw(st.booleans()):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    leaf = ("al", "ev")[stream]
    quick = host._plain_batch(leaf, bytes(payload))
    careful = _verdict(lambda: host._batch(leaf, host.loads(bytes(payload))))
    assert quick is None or repr(careful) == repr(("ok", quick))


@pytest.mark.parametrize("payload", _VALID, ids=lambda payload: payload[:6].hex())
def test_batches_as_devices_write_them_take_the_quick_way_unless_seqs_are_skipped(payload):
    for leaf in ("al", "ev"):
        verdict = _verdict(lambda leaf=leaf: host._batch(leaf, host.loads(payload)))
        if verdict[0] == "ok":
            seqs = [record.seq for record in verdict[1].records]
            texts = any(isinstance(item, str) for record in verdict[1].records for item in record.data.values())
            gapless = seqs == list(range(seqs[0], seqs[0] + len(seqs)))
            known = [*cbor2.loads(payload)] == list(range(7))
            assert (host._plain_batch(leaf, payload) is not None) == (gapless and known and not texts)
