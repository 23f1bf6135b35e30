"""Signed configurations: one signature for the whole fleet, and for each device its own leaf. SPEC.md has the bytes.

The site signs the root of a hash tree whose leaves are the configurations of its devices. A device gets its leaf, the
hashes beside the way from it to the root, and the signed root. So changing a thousand devices uses up one signature,
and no device learns another one's configuration.
"""

import hashlib
import json

from jikimi.wire import WireError, cbor, checks, cose

MAX_DOCUMENT = 8192
MAX_LEAF = 4096
HASH_BYTES = 32
_MAX_DEPTH = 24  # of the tree: sixteen million devices
_LEAF, _NODE = b"\x00", b"\x01"  # so that no leaf can be taken for a node (RFC 6962, section 2.1)


def encode_leaf(site: str, device: str, sequence: int, settings: "bytes | bytearray") -> bytes:
    """The leaf of one device; `settings` is JSON."""
    leaf: dict[int, object] = {0: checks.VERSION, 1: site, 2: device, 3: sequence, 4: settings}
    return cbor.dumps(leaf, MAX_LEAF)


def encode_statement(site: str, sequence: int, root: bytes) -> bytes:
    """What is signed (as `cose.CONFIG`): the root of this sequence number's tree."""
    return cbor.dumps({0: checks.VERSION, 1: site, 2: sequence, 3: root})


def encode_document(envelope: bytes, leaf: bytes, index: int, path: "list[bytes]") -> bytes:
    """What a device fetches: the signed statement, its leaf (number `index`), and the hashes on the way to the root."""
    return cbor.dumps([envelope, leaf, index, b"".join(path)], MAX_DOCUMENT)


def opened(
    document: "bytes | memoryview", trusted_roots: "list[bytes]", site: str, device: str
) -> "tuple[int, dict[str, object]]":
    """Return (sequence, settings) for this device if one of `trusted_roots` has signed them.

    Otherwise WireError with the reasons of `cose.verify`, or `tree` (the leaf is not of that root), `site`, `device`
    (it is meant for another one), `settings` (it holds no JSON object).
    """
    envelope, leaf, index, path = _parts(document)
    found_site, sequence, root = _statement(cose.verify(envelope, trusted_roots, cose.CONFIG))
    if _climbed(leaf, index, path) != root:
        raise WireError("tree", "the leaf does not belong to the signed root")
    values = checks.message(cbor.loads(leaf, MAX_LEAF))
    if found_site != site or values.get(1) != site:
        raise WireError("site", "meant for another site")
    if values.get(2) != device:
        raise WireError("device", "meant for another device")
    if values.get(3) != sequence:
        raise WireError("tree", "leaf and root have different sequence numbers")
    return sequence, _settings(values.get(4))


def leaf_hash(leaf: "bytes | memoryview") -> bytes:
    """The hash of a leaf."""
    digest = hashlib.sha256(_LEAF)
    digest.update(leaf)
    return digest.digest()


def node_hash(left: "bytes | memoryview", right: "bytes | memoryview") -> bytes:
    """The hash of a node above two others."""
    digest = hashlib.sha256(_NODE)
    digest.update(left)
    digest.update(right)
    return digest.digest()


def _climbed(leaf: bytes, index: int, path: bytes) -> bytes:
    found = leaf_hash(leaf)
    for at in range(0, len(path), HASH_BYTES):
        beside = path[at : at + HASH_BYTES]
        found = node_hash(beside, found) if index & 1 else node_hash(found, beside)
        index >>= 1
    if index:
        raise WireError("tree", "a number beyond the tree")  # there is one document for each leaf, not several
    return found


def _parts(document: "bytes | memoryview") -> "tuple[bytes, bytes, int, bytes]":
    found = cbor.loads(document, MAX_DOCUMENT)
    if not isinstance(found, list) or len(found) != 4:
        raise WireError("field", "a configuration has four parts")
    envelope, leaf, index, path = found
    checks.integer(index, 0, (1 << _MAX_DEPTH) - 1, "index")
    if not (isinstance(envelope, bytes) and isinstance(leaf, bytes) and isinstance(path, bytes)):
        raise WireError("field", "envelope, leaf and path are bytes")
    if len(path) % HASH_BYTES or len(path) > _MAX_DEPTH * HASH_BYTES:
        raise WireError("field", "the path has whole hashes")
    return envelope, leaf, index, path


def _statement(payload: bytes) -> "tuple[object, int, object]":
    found = checks.message(cbor.loads(payload))
    return found.get(1), checks.integer(found.get(2), 1, checks.MAX_U32, "sequence"), found.get(3)


def _settings(value: object) -> "dict[str, object]":
    if not isinstance(value, bytes):
        raise WireError("settings", "settings are bytes")
    try:
        found = json.loads(value)
    except ValueError:  # UnicodeError is one
        raise WireError("settings", "settings are not JSON") from None
    if not isinstance(found, dict):
        raise WireError("settings", "settings are an object")
    return found
