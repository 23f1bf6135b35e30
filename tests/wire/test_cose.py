"""Signed envelopes: what is refused, and why, on both Pythons; cbor2 as the other reader of the structure."""

from __future__ import annotations

import cbor2
import pyhsslms  # type: ignore[import-untyped]
import pytest

from jikimi.wire import WireError, cose

_PAYLOAD = cbor2.dumps({1: 7, 2: "a payload"}, canonical=True)


class Root:
    """A root of trust with an independent signer."""

    def __init__(self) -> None:
        self._private = pyhsslms.HssPrivateKey(
            levels=1, lms_type=pyhsslms.lms_sha256_m24_h5, lmots_type=pyhsslms.lmots_sha256_n24_w4
        )
        self.public: bytes = self._private.publicKey().serialize()

    def seal(self, payload: bytes, content_type: str = cose.RELEASE) -> bytes:
        signature = self._private.sign(b"".join(cose.to_be_signed(content_type, payload)))
        return cose.seal(content_type, self.public, payload, signature)


@pytest.fixture(scope="module")
def root():
    return Root()


@pytest.fixture(scope="module")
def other():
    return Root()


@pytest.fixture(scope="module")
def envelope(root):
    return root.seal(_PAYLOAD)


def refusal(envelope, roots, content_type=cose.RELEASE):
    with pytest.raises(WireError) as caught:
        cose.verify(envelope, roots, content_type)
    return caught.value.reason


def test_a_signed_payload_comes_back_as_it_was(root, envelope, device):
    assert cose.verify(envelope, [root.public], cose.RELEASE) == _PAYLOAD
    assert device.call("cose", "verify", envelope, [root.public], cose.RELEASE) == ("ok", _PAYLOAD)


def test_either_of_two_trusted_roots_may_have_signed(root, other, envelope):
    both = [root.public, other.public]
    assert cose.verify(envelope, both, cose.RELEASE) == _PAYLOAD
    assert cose.verify(other.seal(_PAYLOAD), both, cose.RELEASE) == _PAYLOAD


def test_the_envelope_is_a_cose_sign1_whose_structure_cbor2_builds_to_the_same_bytes(root, envelope):
    protected, unprotected, payload, signature = cbor2.loads(envelope)
    assert cbor2.loads(protected) == {1: -46, 3: "jikimi-release"}
    assert unprotected == {4: cose.key_id(root.public)}
    structure = cbor2.dumps(["Signature1", protected, b"", payload], canonical=True)
    assert structure == b"".join(cose.to_be_signed(cose.RELEASE, payload))
    assert pyhsslms.HssPublicKey.deserialize(root.public).verify(structure, signature)


def test_a_key_that_is_not_trusted_is_named_as_the_reason(other, envelope, device):
    assert refusal(envelope, [other.public]) == "root"
    assert refusal(envelope, []) == "root"
    assert device.call("cose", "verify", envelope, [other.public], cose.RELEASE) == ("refused", "root")


def test_what_was_signed_as_a_configuration_is_not_taken_for_a_release(root, device):
    configuration = root.seal(_PAYLOAD, cose.CONFIG)
    assert refusal(configuration, [root.public]) == "content"
    assert device.call("cose", "verify", configuration, [root.public], cose.RELEASE) == ("refused", "content")
    protected, header, payload, signature = cbor2.loads(configuration)
    renamed = protected.replace(b"config", b"relese").replace(b"\x6djikimi-relese", b"\x6ejikimi-release")
    forged = cbor2.dumps([renamed, header, payload, signature], canonical=True)
    assert refusal(forged, [root.public]) == "signature"


@pytest.mark.parametrize(
    ("protected", "reason"),
    [
        ({1: -7, 3: cose.RELEASE}, "algorithm"),
        ({3: cose.RELEASE}, "algorithm"),
        ({1: -46}, "content"),
        ({1: -46, 2: [5], 3: cose.RELEASE}, "field"),
    ],
)
def test_another_algorithm_or_unknown_protected_headers_are_refused(root, envelope, protected, reason):
    _, *rest = cbor2.loads(envelope)
    assert (
        refusal(cbor2.dumps([cbor2.dumps(protected, canonical=True), *rest], canonical=True), [root.public]) == reason
    )


def test_a_changed_byte_anywhere_is_refused(root, envelope):
    for at in range(len(envelope)):
        changed = bytearray(envelope)
        changed[at] ^= 0x10
        refusal(bytes(changed), [root.public])


def test_a_truncated_or_longer_envelope_is_refused(root, envelope, device):
    cut = [envelope[:end] for end in range(0, len(envelope), 37)]
    assert {refusal(one, [root.public]) for one in cut} == {"truncated"}
    assert refusal(envelope + b"\0", [root.public]) == "trailing"
    for one in cut[::4]:
        assert device.call("cose", "verify", one, [root.public], cose.RELEASE) == ("refused", "truncated")


@pytest.mark.parametrize(
    "value", [[], [b"", {}, b""], [b"", {}, b"", 1], [{}, {}, b"", b""], [b"\xa0", {}, b"", b""], 7]
)
def test_other_values_are_not_envelopes(root, value):
    assert refusal(cbor2.dumps(value), [root.public]) in ("field", "algorithm")


def test_an_envelope_has_a_limit(root):
    assert refusal(bytes(cose.MAX_ENVELOPE + 1), [root.public]) == "size"
    with pytest.raises(WireError):
        cose.seal(cose.RELEASE, root.public, bytes(cose.MAX_ENVELOPE), b"")
