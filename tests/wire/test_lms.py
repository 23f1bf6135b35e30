"""HSS/LMS verification against the published signatures of RFC 8554 and an independent signer, on both Pythons."""

from __future__ import annotations

import json
from pathlib import Path

import pyhsslms  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.wire import lms

_RFC = json.loads((Path(__file__).parent / "data/rfc8554.json").read_text("utf-8"))
_CASE_1 = _RFC["case_1"]
_KEY, _SIGNATURE = bytes.fromhex(_CASE_1["public_key"]), bytes.fromhex(_CASE_1["signature"])
_MESSAGE = _CASE_1["message"].encode()

_SETS = [
    (1, pyhsslms.lms_sha256_m24_h5, pyhsslms.lmots_sha256_n24_w4),
    (1, pyhsslms.lms_sha256_m24_h5, pyhsslms.lmots_sha256_n24_w1),
    (1, pyhsslms.lms_sha256_m24_h5, pyhsslms.lmots_sha256_n24_w2),
    (1, pyhsslms.lms_sha256_m24_h5, pyhsslms.lmots_sha256_n24_w8),
    (2, pyhsslms.lms_sha256_m24_h5, pyhsslms.lmots_sha256_n24_w4),
    (1, pyhsslms.lms_sha256_m32_h5, pyhsslms.lmots_sha256_n32_w1),
    (1, pyhsslms.lms_sha256_m32_h5, pyhsslms.lmots_sha256_n32_w2),
    (3, pyhsslms.lms_sha256_m32_h5, pyhsslms.lmots_sha256_n32_w4),
]


def test_the_published_signature_of_rfc_8554_case_1_verifies_on_both_pythons(device):
    assert lms.verify(_KEY, (_MESSAGE,), _SIGNATURE)
    assert device.call("lms", "verify", _KEY, (_MESSAGE,), _SIGNATURE) == ("ok", True)


def test_the_published_signature_of_rfc_8554_case_2_verifies_with_its_height_10_root(device):
    case = _RFC["case_2"]
    levels = [_rfc_signature(level, message) for level, message in _case_2_messages(case)]
    for (_public, signature), level in zip(levels, case["levels"], strict=True):
        assert signature.hex().endswith(level["ends"])
    signature = b"\0\0\0\1" + levels[0][1] + levels[1][0] + levels[1][1]
    key, message = bytes.fromhex(case["public_key"]), case["message"].encode()
    assert b"\0\0\0\2" + levels[0][0] == key
    assert lms.verify(key, (message,), signature)
    assert device.call("lms", "verify", key, (message,), signature) == ("ok", True)


def _case_2_messages(case):
    below = _tree(case["levels"][1]).publicKey().serialize()
    return [(case["levels"][0], below), (case["levels"][1], case["message"].encode())]


def _tree(level):
    return pyhsslms.LmsPrivateKey(
        level["lms"].to_bytes(4, "big"),
        level["lmots"].to_bytes(4, "big"),
        bytes.fromhex(level["seed"]),
        bytes.fromhex(level["id"]),
        level["q"],
    )


def _rfc_signature(level, message):
    """(public key, signature) of one level: everything but the published randomizer follows from the seed."""
    tree = _tree(level)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyhsslms.pyhsslms, "randBytes", lambda _n: bytes.fromhex(level["randomizer"]))
        return tree.publicKey().serialize(), tree.sign(message)


@pytest.mark.parametrize("levels_and_types", _SETS, ids=lambda one: f"{one[0]}-{one[1].hex()}-{one[2].hex()}")
def test_what_an_independent_signer_signs_verifies_and_another_message_does_not(levels_and_types, device):
    levels, lms_type, lmots_type = levels_and_types
    private = pyhsslms.HssPrivateKey(levels=levels, lms_type=lms_type, lmots_type=lmots_type)
    key = private.publicKey().serialize()
    signatures = [private.sign(b"one message") for _ in range(3)]
    for signature in signatures:
        assert private.publicKey().verify(b"one message", signature)
        assert lms.verify(key, (b"one ", b"message"), signature)
    assert device.call("lms", "verify", key, (b"one ", b"message"), signatures[0]) == ("ok", True)
    assert not lms.verify(key, (b"one massage",), signatures[0])
    assert device.call("lms", "verify", key, (b"one massage",), signatures[0]) == ("ok", False)


def test_a_signature_with_a_byte_changed_in_any_of_its_parts_is_refused():
    for at in [*range(60), *range(60, len(_SIGNATURE), 17)]:
        changed = bytearray(_SIGNATURE)
        changed[at] ^= 1 << at % 8
        assert not lms.verify(_KEY, (_MESSAGE,), bytes(changed)), at


def test_a_signature_or_key_cut_anywhere_or_made_longer_is_refused_without_an_error(device):
    cut = [(_KEY, (_MESSAGE,), _SIGNATURE[:end]) for end in range(0, len(_SIGNATURE), 13)]
    cut += [(_KEY[:end], (_MESSAGE,), _SIGNATURE) for end in range(len(_KEY))]
    cut += [(_KEY, (_MESSAGE,), _SIGNATURE + b"\0"), (_KEY + b"\0", (_MESSAGE,), _SIGNATURE)]
    assert [lms.verify(*one) for one in cut] == [False] * len(cut)
    for one in cut[::11]:  # one at a time: the worker has a tag's heap
        assert device.call("lms", "verify", *one) == ("ok", False)


@given(key=st.binary(max_size=80), signature=st.binary(max_size=200), message=st.binary(max_size=20))
def test_no_bytes_at_all_make_verification_raise_or_succeed(key, signature, message):
    assert lms.verify(key, (message,), signature) is False


def test_a_key_of_more_than_eight_levels_or_none_is_refused():
    for levels in (0, 9, 0xFFFFFFFF):
        key = levels.to_bytes(4, "big") + _KEY[4:]
        signature = ((levels - 1) & 0xFFFFFFFF).to_bytes(4, "big") + _SIGNATURE[4:]
        assert not lms.verify(key, (_MESSAGE,), signature)
