"""COSE_Sign1 (RFC 9052) with HSS/LMS (RFC 8778): what a device trusts although it came over the network.

One envelope for everything signed: releases, configurations. The content type is signed with it, so that what was
signed as one thing is never taken for another. SPEC.md, "Signed envelopes", has every byte.
"""

import hashlib

from jikimi.wire import WireError, cbor, lms

ALG_HSS_LMS = -46
RELEASE = "jikimi-release"  # content types
CONFIG = "jikimi-config"
MAX_ENVELOPE = 8192
KEY_ID_BYTES = 8

_ALG, _CONTENT_TYPE, _KEY_ID = 1, 3, 4  # labels of header parameters


def key_id(public_key: "bytes | memoryview") -> bytes:
    """Name of a root in envelopes: the first bytes of the SHA-256 of its HSS public key."""
    return hashlib.sha256(public_key).digest()[:KEY_ID_BYTES]


def to_be_signed(content_type: str, payload: "bytes | memoryview") -> "tuple[bytes, bytes | memoryview]":
    """The Sig_structure of RFC 9052 in two pieces, as `lms.verify` takes them: all in front of the payload, and it."""
    head = bytearray(b"\x84")
    for item in ("Signature1", _protected(content_type), b""):
        cbor.dump_into(head, item)
    cbor.put_head(head, cbor.BYTES, len(payload))
    return bytes(head), payload


def seal(content_type: str, public_key: bytes, payload: bytes, signature: bytes) -> bytes:
    """The envelope of a payload and its signature by the root `public_key`; WireError when it would be too long."""
    header: dict[int, object] = {_KEY_ID: key_id(public_key)}
    return cbor.dumps([_protected(content_type), header, payload, signature], MAX_ENVELOPE)


def verify(envelope: "bytes | bytearray | memoryview", trusted_roots: "list[bytes]", content_type: str) -> bytes:
    """Return the payload if one of the HSS public keys `trusted_roots` has signed it as `content_type`.

    Otherwise WireError, with the reason `algorithm`, `content`, `root` (signed by a key that is not trusted),
    `signature` (the signature does not match), or one of the decoder's when it is no envelope at all.
    """
    protected, ident, payload, signature = _opened(envelope)
    if protected.get(_ALG) != ALG_HSS_LMS:
        raise WireError("algorithm", "only HSS/LMS")
    if protected.get(_CONTENT_TYPE) != content_type:
        raise WireError("content", "this is not a " + content_type)
    if len(protected) != 2:
        raise WireError("field", "a protected header that is not known")  # it may say that it must be understood
    for root in trusted_roots:
        if key_id(root) == ident:
            if lms.verify(root, to_be_signed(content_type, payload), signature):
                return bytes(payload)
            raise WireError("signature", "the signature does not match")
    raise WireError("root", "signed by a key that is not trusted")


class Parts:
    """What an envelope says, before anybody has checked its signature."""

    def __init__(self, content_type: object, ident: bytes, payload: bytes, signature: bytes) -> None:
        self.content_type = content_type
        self.key_id = ident
        self.payload = payload
        self.signature = signature


def parts(envelope: "bytes | bytearray | memoryview") -> Parts:
    """The parts of an envelope, not verified; WireError when it is none."""
    protected, ident, payload, signature = _opened(envelope)
    return Parts(protected.get(_CONTENT_TYPE), ident, bytes(payload), bytes(signature))


def _opened(
    envelope: "bytes | bytearray | memoryview",
) -> "tuple[dict[int, object], bytes, memoryview, memoryview]":
    """The parts, payload and signature as views of the envelope: verifying copies neither."""
    found = cbor.loads(envelope, MAX_ENVELOPE, views=True)
    if not isinstance(found, list) or len(found) != 4:
        raise WireError("field", "an envelope has four parts")
    protected, header, payload, signature = found
    if not (isinstance(protected, memoryview) and isinstance(header, dict)):
        raise WireError("field", "an envelope begins with its headers")
    if not (isinstance(payload, memoryview) and isinstance(signature, memoryview)):
        raise WireError("field", "an envelope ends with payload and signature")
    inner, ident = cbor.loads(protected), header.get(_KEY_ID)
    if not isinstance(inner, dict):
        raise WireError("field", "the protected header is a map")
    if not isinstance(ident, memoryview):
        raise WireError("field", "an envelope names its key")
    return inner, bytes(ident), payload, signature


def _protected(content_type: str) -> bytes:
    return cbor.dumps({_ALG: ALG_HSS_LMS, _CONTENT_TYPE: content_type})
