"""The decoder invariants of proto/SPEC.md, each with the test of its number."""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from jikimi.wire import WireError, cbor, host, kinds, messages

_PROTO = Path(__file__).parents[2] / "proto"
_SPEC = (_PROTO / "SPEC.md").read_text(encoding="utf-8")
_INVALID = json.loads((_PROTO / "vectors" / "invalid.json").read_text(encoding="utf-8"))
_ACK_LATER = bytes.fromhex("a50001010c0200030718288201a1024178")
_DECODERS = {
    "cbor": ("cbor", "loads"),
    "ev": ("messages", "decode_records"),
    "st": ("messages", "decode_state"),
    "vt": ("messages", "decode_vitals"),
    "ack": ("messages", "decode_ack"),
    "cmd": ("messages", "decode_command"),
    "get": ("transfer", "decode_request"),
    "put": ("transfer", "decode_answer"),
}


def _vectors(number: int) -> list[tuple[str, bytes, str]]:
    found = [
        (item["leaf"], bytes.fromhex(item["bytes"]), item["reason"]) for item in _INVALID if item["invariant"] == number
    ]
    assert found, f"no vector breaks invariant {number}"
    return found


def _refused_by_both(device: Any, number: int) -> None:
    """Every vector that breaks this invariant is refused, for its reason, on the device and on the host."""
    for leaf, payload, reason in _vectors(number):
        assert device.call(*_DECODERS[leaf], payload) == ("refused", reason)
        with pytest.raises(WireError) as caught:
            host.loads(payload) if leaf == "cbor" else host.decode(leaf, payload)
        assert caught.value.reason == reason


def test_01_more_than_1024_bytes_are_not_read(device):
    _refused_by_both(device, 1)
    longest = cbor.dumps(b"x" * 1021)
    assert len(longest) == 1024
    assert device.call("cbor", "loads", longest) == ("ok", b"x" * 1021)
    assert host.loads(longest) == b"x" * 1021


def test_02_bytes_that_end_inside_a_value_are_refused(device):
    _refused_by_both(device, 2)
    whole = messages.encode_ack(12, 1, 400)
    for length in range(len(whole)):
        assert device.call("cbor", "loads", whole[:length]) == ("refused", "truncated")


def test_03_bytes_after_the_value_are_refused(device):
    _refused_by_both(device, 3)


def test_04_an_integer_or_length_in_a_longer_form_is_refused(device):
    _refused_by_both(device, 4)


def test_05_indefinite_lengths_are_refused(device):
    _refused_by_both(device, 5)


def test_06_unassigned_additional_information_is_refused(device):
    _refused_by_both(device, 6)


def test_07_a_map_key_that_is_not_an_unsigned_integer_is_refused(device):
    _refused_by_both(device, 7)


def test_08_map_keys_out_of_order_or_twice_are_refused(device):
    _refused_by_both(device, 8)


def test_09_tags_floats_and_other_simple_values_are_refused(device):
    _refused_by_both(device, 9)
    for initial in range(0xC0, 0x100):
        if initial not in (0xF4, 0xF5, 0xF6):
            assert device.call("cbor", "loads", bytes([initial]) + bytes(8)) == ("refused", "type")


def test_10_text_that_is_not_the_one_utf8_form_is_refused(device):
    _refused_by_both(device, 10)


def test_11_more_than_four_containers_inside_each_other_are_refused(device):
    _refused_by_both(device, 11)
    assert device.call("cbor", "loads", b"\x81\x81\x81\x80") == ("ok", [[[[]]]])


def test_12_more_than_64_items_are_refused_before_any_is_read(device):
    _refused_by_both(device, 12)
    assert device.call("cbor", "loads", b"\x98\x40" + bytes(64)) == ("ok", [0] * 64)


def test_13_a_claimed_length_is_held_against_what_is_there_before_anything_is_allocated(device):
    _refused_by_both(device, 13)


def test_14_a_message_of_another_version_is_refused(device):
    _refused_by_both(device, 14)


def test_15_message_keys_of_a_later_version_are_ignored(device):
    assert device.call("messages", "decode_ack", _ACK_LATER) == ("ok", (12, 0, 7))
    assert host.decode("ack", _ACK_LATER) == host.Ack(12, 0, 7)


def test_16_a_field_that_is_missing_or_of_another_type_is_refused(device):
    _refused_by_both(device, 16)


def test_17_a_value_out_of_its_range_is_refused(device):
    _refused_by_both(device, 17)


def test_18_a_record_of_another_shape_is_refused(device):
    _refused_by_both(device, 18)


def test_19_a_changed_record_only_changes_what_the_record_before_has(device):
    _refused_by_both(device, 19)


def test_20_a_number_or_time_that_leaves_its_range_by_addition_is_refused(device):
    _refused_by_both(device, 20)


def test_21_unknown_kinds_and_data_keys_are_kept_as_they_are(device):
    records: list[tuple[int, int, int, dict[int, object]]] = [(5, 999, 10, {77: "later", 300: b"x"})]
    payload = messages.encode_records(1, kinds.STREAM_EVENT, records)
    assert device.call("messages", "decode_records", payload) == ("ok", (1, 1, None, 0, records))
    batch = host.decode("ev", payload)
    assert isinstance(batch, host.RecordBatch)
    assert batch.records[0].data == records[0][3]
    assert batch.records[0].category == kinds.UNKNOWN


def test_22_a_batch_on_the_topic_of_the_other_stream_is_refused_by_the_host():
    payload = messages.encode_records(1, kinds.STREAM_ALARM, [(1, kinds.SOS, 0, {})])
    with pytest.raises(WireError, match="value"):
        host.decode("ev", payload)


def test_every_numbered_invariant_of_the_spec_has_its_test_and_the_other_way_round():
    section = _SPEC.split("## Decoder invariants")[1].split("\n## ")[0]
    written = {int(number) for number in re.findall(r"^(\d+)\. ", section, re.MULTILINE)}
    names = [name for name, _ in inspect.getmembers(sys.modules[__name__], inspect.isfunction)]
    tested = {int(match[1]) for name in names if (match := re.match(r"test_(\d\d)_", name))}
    assert written == tested == set(range(1, len(written) + 1))


def test_every_reason_code_a_vector_names_stands_in_the_spec():
    section = _SPEC.split("## Reason codes")[1].split("\n## ")[0]
    assert {item["reason"] for item in _INVALID} <= set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))


def test_every_kind_and_data_key_stands_in_the_spec():
    for kind in kinds.KINDS:
        stream = "alarm" if kinds.stream_of(kind) == kinds.STREAM_ALARM else "event"
        row = rf"^\| {kind} \| {kinds.name(kind)} \| {stream} \| {kinds.category(kind)} \|"
        assert re.search(row, _SPEC, re.MULTILINE), kinds.name(kind)
    keys = {name: value for name, value in vars(kinds).items() if name in _data_key_names()}
    for name, value in keys.items():
        assert re.search(rf"^\| {value} \| `{name}` \|", _SPEC, re.MULTILINE), name


def _data_key_names() -> list[str]:
    source = inspect.getsource(kinds).split("# Keys of a record's data.")[1].split("LEVEL_WARN")[0]
    return re.findall(r"^([A-Z_]+) = ", source, re.MULTILINE)
