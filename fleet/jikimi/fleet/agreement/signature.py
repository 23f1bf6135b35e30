"""A party's signature: COSE_Sign1 (RFC 9052) with ES256 and a detached payload, which is the document.

The content type is signed with it, so that nothing else a key may have signed is taken for an agreement. Devices do
not check these: a tag verifies HSS/LMS only (`jikimi.wire.cose`).
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from jikimi.fleet.agreement.keys import public

_ALG, _CONTENT_TYPE, _KEY_ID = 1, 3, 4  # labels of header parameters
_ES256: Final = -7
_PROTECTED: Final = cbor2.dumps({_ALG: _ES256, _CONTENT_TYPE: "jikimi-agreement"}, canonical=True)
_HALF: Final = 32
_MOST_BYTES: Final = 256


def key_id(key: bytes) -> bytes:
    """How a signature names the public key that it is by."""
    return hashlib.sha256(key).digest()[:8]


def sign(key: ec.EllipticCurvePrivateKey, document: bytes) -> bytes:
    """The envelope, without the document."""
    r, s = decode_dss_signature(key.sign(_to_be_signed(document), ec.ECDSA(hashes.SHA256())))
    raw = r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")
    return cbor2.dumps([_PROTECTED, {_KEY_ID: key_id(public(key))}, None, raw], canonical=True)


def is_by(key: bytes, document: bytes, envelope: bytes) -> bool:
    """Whether `envelope` is the signature of the public key `key` under `document`."""
    raw = _signature(envelope, key)
    if raw is None:
        return False
    der = encode_dss_signature(int.from_bytes(raw[:_HALF], "big"), int.from_bytes(raw[_HALF:], "big"))
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
        point.verify(der, _to_be_signed(document), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):  # ValueError: 33 bytes that are no point of the curve
        return False
    return True


def _signature(envelope: bytes, key: bytes) -> bytes | None:
    if len(envelope) > _MOST_BYTES:
        return None
    try:
        found: Any = cbor2.loads(envelope)
    except cbor2.CBORDecodeError:
        return None
    if cbor2.dumps(found, canonical=True) != envelope:  # also where something comes behind it
        return None
    if not isinstance(found, list) or len(found) != 4 or found[:3] != [_PROTECTED, {_KEY_ID: key_id(key)}, None]:
        return None
    raw = found[3]
    return raw if isinstance(raw, bytes) and len(raw) == 2 * _HALF else None


def _to_be_signed(document: bytes) -> bytes:
    return cbor2.dumps(["Signature1", _PROTECTED, b"", document], canonical=True)
