"""Manifest and index of a release: what they say comes back, and nothing else is taken, on both Pythons."""

from __future__ import annotations

import hashlib
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.wire import WireError, manifest

_DIGEST = hashlib.sha256(b"x").digest()
_ROOT = bytes(52)


def _manifest(**changes: Any) -> manifest.Manifest:
    values: dict[str, Any] = {
        "sequence": 7,
        "class_ident": manifest.class_id("x64"),
        "version": "1.4.0",
        "index_digest": _DIGEST,
        "index_size": 900,
        "roots": [_ROOT],
        "support_until_ms": 1_900_000_000_000,
        "sbom": _DIGEST,
    }
    return manifest.Manifest(**(values | changes))


@given(sequence=st.integers(1, 2**32 - 1), version=st.text("0123456789.rc", max_size=20), roots=st.integers(0, 2))
def test_a_manifest_comes_back_as_it_was(sequence, version, roots):
    made = _manifest(sequence=sequence, version=version, roots=[_ROOT] * roots)
    assert vars(manifest.decode(made.encode())) == vars(made)


def test_what_may_be_left_out_stays_out():
    made = _manifest(roots=[], support_until_ms=None, sbom=None)
    assert set(cbor2.loads(made.encode())) == {0, 1, 2, 3, 4, 5, 6}
    assert vars(manifest.decode(made.encode())) == vars(made)


def test_class_ids_are_uuids_that_differ_by_architecture():
    idents = {manifest.class_id(arch) for arch in ("x64", "xtensawin", "rv32imc")}
    assert len(idents) == 3
    assert all(ident[6] >> 4 == 8 and ident[8] >> 6 == 2 for ident in idents)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (0, 2, "version"),
        (0, None, "field"),
        (1, 0, "value"),
        (2, b"short", "value"),
        (3, "text", "field"),
        (4, 7, "field"),
        (5, [_DIGEST], "field"),
        (5, [_DIGEST, 0], "value"),
        (5, [_DIGEST, manifest.MAX_INDEX_BYTES + 1], "value"),
        (6, [_ROOT, _ROOT, _ROOT], "items"),
        (6, [b"short"], "value"),
        (6, None, "field"),
        (8, b"", "value"),
    ],
)
def test_a_manifest_with_a_wrong_field_is_refused_for_its_reason_on_both_pythons(key, value, reason, device):
    found = cbor2.loads(_manifest().encode())
    found[key] = value
    payload = cbor2.dumps(found, canonical=True)
    with pytest.raises(WireError) as caught:
        manifest.decode(payload)
    assert caught.value.reason == reason
    assert device.call("manifest", "decode", payload) == ("refused", reason)


def _entry(path="jikimi/edge/app.mpy"):
    return manifest.Entry(path, 3, _DIGEST, 5, _DIGEST)


@pytest.mark.parametrize(
    "path",
    ["main.py", "jikimi", "/jikimi/a.mpy", "jikimi/../main.py", "jikimi//a.mpy", "jikimi/./a", "jikimi/Ä", "jikimi/"],
)
def test_a_path_that_leaves_its_slot_is_refused(path):
    with pytest.raises(WireError):
        _entry(path)


def test_an_index_is_read_entry_by_entry_and_holds_them_in_order():
    paths = ["jikimi/edge/a.mpy", "jikimi/edge/drivers/b.mpy", "jikimi/sigcore.mpy"]
    index = b"".join(_entry(path).encode() for path in paths)
    assert [entry.path for entry in manifest.decode_index(index)] == paths
    for bad, reason in (
        (index[:-1], "truncated"),
        (index + index, "order"),
        (b"\x81\0", "field"),
        (b"", "items"),
    ):
        with pytest.raises(WireError) as caught:
            manifest.decode_index(bad)
        assert caught.value.reason == reason


@given(st.binary(max_size=120))
def test_no_bytes_make_the_decoders_raise_anything_but_a_wire_error(payload):
    for decode in (manifest.decode, manifest.decode_index, manifest.decode_entry):
        try:
            decode(payload)
        except WireError:
            continue
