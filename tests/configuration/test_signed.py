"""One signature for a whole fleet: each device opens its own leaf, and nobody else's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycddl import Schema  # type: ignore[import-untyped]

from jikimi.fleet.configuration.signed import documents
from jikimi.fleet.signing import SigningKey
from jikimi.wire import WireError, cose
from jikimi.wire import configuration as wire


class _FreeKey:
    """Stands for a signing key where only the tree is under test: its envelope is opened by `_opened`."""

    def sign(self, _content_type: str, payload: bytes) -> bytes:
        return payload


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return SigningKey.create(tmp_path_factory.mktemp("keys") / "k", 5)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 40), data=st.data())
def test_every_leaf_of_every_tree_leads_to_the_signed_root_and_only_its_own(count: int, data: Any):
    wanted = {f"d{number:02}": {"vitals_s": number + 1} for number in range(count)}
    signed = documents(_FreeKey(), "fab", 7, wanted)  # type: ignore[arg-type]
    device = data.draw(st.sampled_from(sorted(wanted)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cose, "verify", lambda envelope, _roots, _type: envelope)
        assert wire.opened(signed[device], [], "fab", device) == (7, wanted[device])
        for other in set(wanted) - {device}:
            with pytest.raises(WireError) as caught:
                wire.opened(signed[other], [], "fab", device)
            assert caught.value.reason == "device"


def test_a_thousand_devices_use_up_one_signature_and_each_gets_under_three_kilobytes(key):
    before = key.remaining
    wanted = {f"d{number:04}": {"vitals_s": 30, "zone": "press-hall"} for number in range(1000)}
    signed = documents(key, "fab", 1, wanted)
    assert before - key.remaining == 1
    assert max(map(len, signed.values())) < 3_000
    assert wire.opened(signed["d0999"], [key.public_key], "fab", "d0999") == (1, wanted["d0999"])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_changed_byte_is_ever_taken_for_a_configuration(key, data):
    document = documents(_FreeKey(), "fab", 7, {"d1": {"vitals_s": 30}, "d2": {"vitals_s": 31}})["d1"]  # type: ignore[arg-type]
    at = data.draw(st.integers(0, len(document) - 1))
    changed = document[:at] + bytes([document[at] ^ data.draw(st.integers(1, 255))]) + document[at + 1 :]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cose, "verify", _only(document))
        with pytest.raises(WireError):
            wire.opened(changed, [], "fab", "d1")


def _only(document: bytes) -> Any:
    """`cose.verify` for the one statement inside `document`."""
    from jikimi.wire import cbor

    found = cbor.loads(document, wire.MAX_DOCUMENT)
    assert isinstance(found, list)

    def verify(envelope: bytes, _roots: object, _content_type: str) -> bytes:
        if envelope != found[0]:
            raise WireError("signature")
        return envelope

    return verify


def test_settings_are_kept_in_any_language(key):
    signed = documents(key, "fab", 2, {"d1": {"zone": "조립"}})
    assert wire.opened(signed["d1"], [key.public_key], "fab", "d1") == (2, {"zone": "조립"})
    assert json.dumps({"zone": "조립"}, ensure_ascii=False, separators=(",", ":")).encode() in signed["d1"]


def test_documents_and_their_parts_are_what_the_cddl_says(key):
    law = (Path(__file__).parents[2] / "proto/wire.cddl").read_text("utf-8")
    document = documents(key, "fab", 3, {"d1": {"vitals_s": 30}, "d2": {"vitals_s": 31}, "d3": {}})["d3"]
    envelope, leaf, _index, _path = cbor2.loads(document)
    for rule, encoded in (
        ("configuration", document),
        ("configuration-leaf", leaf),
        ("configuration-statement", cbor2.loads(envelope)[2]),
    ):
        Schema(f"start = {rule}\n{law}").validate_cbor(encoded)
