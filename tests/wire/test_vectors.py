"""The vectors of proto/vectors, on both runtimes."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jikimi.wire import WireError, cbor, host, kinds

_ROOT = Path(__file__).parents[2]
_VECTORS = _ROOT / "proto" / "vectors"
_VALID = json.loads((_VECTORS / "valid.json").read_text(encoding="utf-8"))
_INVALID = json.loads((_VECTORS / "invalid.json").read_text(encoding="utf-8"))
_DECODERS = {"al": "records", "ev": "records", "st": "state", "vt": "vitals", "ack": "ack", "cmd": "command"}
_DECODERS |= {"get": "request", "put": "answer"}


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_vectors", _ROOT / "tools" / "make_vectors.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


_TOOL = _tool()


def _device_call(vector: dict[str, Any]) -> tuple[str, str]:
    if vector["leaf"] == "cbor":
        return "cbor", "loads"
    return "transfer" if vector["leaf"] in ("get", "put") else "messages", f"decode_{_DECODERS[vector['leaf']]}"


def _host_decode(leaf: str, payload: bytes) -> object:
    return host.loads(payload) if leaf == "cbor" else host.decode(leaf, payload)


def test_the_valid_vectors_are_what_the_encoder_makes_today():
    assert (_VECTORS / "valid.json").read_text(encoding="utf-8") == _TOOL.rendered()


def test_every_vector_has_a_name_of_its_own_and_a_sentence():
    names = [vector["name"] for vector in _VALID + _INVALID]
    assert len(set(names)) == len(names)
    assert all(vector["says"].endswith(".") for vector in _VALID + _INVALID)


@pytest.mark.parametrize("vector", _VALID, ids=lambda vector: vector["name"])
def test_both_runtimes_read_a_valid_vector_alike(vector, device):
    payload = bytes.fromhex(vector["bytes"])
    status, value = device.call(*_device_call(vector), payload)
    assert (status, _TOOL.plain(value)) == ("ok", vector["value"])
    message = host.decode(vector["leaf"], payload)
    fields = dataclasses.asdict(message) if vector["leaf"] in ("st", "vt") else dataclasses.astuple(message)
    expected = dict(vector["value"]) if vector["leaf"] in ("st", "vt") else vector["value"]
    if vector["leaf"] == "st":
        expected["capabilities"] = expected["capabilities"] or []
    assert _TOOL.plain(fields) == expected


@pytest.mark.parametrize("vector", _VALID, ids=lambda vector: vector["name"])
def test_a_valid_vector_keeps_the_law(vector, schema):
    rules = {"al": "records", "ev": "records", "st": "state", "vt": "vitals", "cmd": "command"}
    rule = (rules | {"get": "chunk-request", "put": "chunk-answer"}).get(vector["leaf"], "ack")
    schema(rule).validate_cbor(bytes.fromhex(vector["bytes"]))
    schema("message").validate_cbor(bytes.fromhex(vector["bytes"]))


def test_the_data_of_the_kinds_in_the_vectors_keep_the_rules_of_their_kinds(schema):
    seen = set()
    for vector in _VALID:
        message = host.decode(vector["leaf"], bytes.fromhex(vector["bytes"]))
        for record in message.records if isinstance(message, host.RecordBatch) else ():
            if record.kind in kinds.KINDS:
                schema(kinds.name(record.kind).replace("_", "-")).validate_cbor(record.body)
                seen.add(record.kind)
    assert {kinds.FALL, kinds.NEAR_MISS, kinds.WARNING, kinds.LOST, kinds.CLEARED} <= seen


@pytest.mark.parametrize("vector", _INVALID, ids=lambda vector: vector["name"])
def test_both_runtimes_refuse_an_invalid_vector_for_the_same_reason(vector, device):
    payload = bytes.fromhex(vector["bytes"])
    assert device.call(*_device_call(vector), payload) == ("refused", vector["reason"])
    with pytest.raises(WireError) as caught:
        _host_decode(vector["leaf"], payload)
    assert caught.value.reason == vector["reason"]


def test_every_reason_of_the_decoder_has_a_vector():
    named = {vector["reason"] for vector in _INVALID}
    assert named >= {
        "size",
        "truncated",
        "trailing",
        "shortest",
        "indefinite",
        "malformed",
        "key",
        "order",
        "duplicate",
    }
    assert named >= {"type", "utf8", "depth", "items", "version", "field", "value"}
    assert cbor.MAX_SIZE == 1024
