"""What a release says about itself: the signed manifest (names of RFC 9124) and its index of files.

The manifest is the payload of an envelope (`cose`); the index is content of its own, which the manifest names by digest
and which a device reads entry by entry, so that neither has to fit into a tag's memory whole.
"""

import hashlib

from jikimi.wire import WireError, cbor, checks

VERSION = 1
VENDOR_ID = bytes.fromhex("6a696b696d698e0fa15e6a696b696d69")  # of releases of Jikimi itself
ID_BYTES = 16
DIGEST_BYTES = 32
KEY_BYTES = (52, 60)  # of an HSS public key with 192 and with 256 bits
MAX_ROOTS = 2
MAX_FILES = 200
MAX_FILE_BYTES = 65_536
MAX_INDEX_BYTES = 32_768
WINDOW_BITS = 9  # of the compressed files: a device that reads them needs so little memory in one piece
_PATH_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789_./"
_ENTRY_HEAD = 0x58  # a byte string with its length in one byte: every entry has 24 to 255


def class_id(arch: str) -> bytes:
    """The class of devices that run native code of `arch` (x64, xtensawin, rv32imc): all else is in their settings."""
    digest = bytearray(hashlib.sha256(b"jikimi.edge/" + arch.encode()).digest()[:ID_BYTES])
    digest[6] = digest[6] & 0x0F | 0x80  # a UUID of version 8 (RFC 9562): of a vendor's own making
    digest[8] = digest[8] & 0x3F | 0x80
    return bytes(digest)


class Manifest:
    """`sequence` rises with each release of a class.

    `roots` are the public keys to trust once it is confirmed; none: those of before. `support_until_ms` (UTC) and
    `sbom` (digest) may be None.
    """

    def __init__(
        self,
        sequence: int,
        class_ident: bytes,
        version: str,
        index_digest: bytes,
        index_size: int,
        roots: "list[bytes]",
        support_until_ms: "int | None" = None,
        sbom: "bytes | None" = None,
        vendor_ident: bytes = VENDOR_ID,
    ) -> None:
        self.sequence = checks.integer(sequence, 1, checks.MAX_U32, "sequence number")
        self.class_ident = _bytes(class_ident, (ID_BYTES,), "class id")
        self.version = checks.text(version, "version")
        self.index_digest = _bytes(index_digest, (DIGEST_BYTES,), "index digest")
        self.index_size = checks.integer(index_size, 1, MAX_INDEX_BYTES, "index size")
        self.roots = _roots(roots)
        self.support_until_ms = checks.optional(support_until_ms, 0, checks.MAX_INT, "end of support")
        self.sbom = None if sbom is None else _bytes(sbom, (DIGEST_BYTES,), "digest of the SBOM")
        self.vendor_ident = _bytes(vendor_ident, (ID_BYTES,), "vendor id")

    def encode(self) -> bytes:
        """The payload to be signed."""
        value: dict[int, object] = {
            0: VERSION,
            1: self.sequence,
            2: self.vendor_ident,
            3: self.class_ident,
            4: self.version,
            5: [self.index_digest, self.index_size],
            6: self.roots,
        }
        if self.support_until_ms is not None:
            value[7] = self.support_until_ms
        if self.sbom is not None:
            value[8] = self.sbom
        return cbor.dumps(value)


def decode(payload: "bytes | memoryview") -> Manifest:
    """The manifest in a payload; WireError when it is none of this version."""
    found = cbor.loads(payload)
    if not isinstance(found, dict):
        raise WireError("field", "a manifest is a map")
    if checks.integer(found.get(0), 0, checks.MAX_U32, "version") != VERSION:
        raise WireError("version", "a manifest of another version")
    index = found.get(5)
    if not isinstance(index, list) or len(index) != 2:
        raise WireError("field", "the index is digest and size")
    # The constructor checks every one of them.
    values: list[object] = [found.get(1), found.get(3), found.get(4), index[0], index[1], found.get(6)]
    return Manifest(*values, found.get(7), found.get(8), found.get(2))  # type: ignore[arg-type,call-arg]


class Entry:
    """One file: where it goes below a slot, its size and SHA-256, and those of the compressed form that travels."""

    def __init__(self, path: str, size: int, digest: bytes, stored_size: int, stored_digest: bytes) -> None:
        self.path = _path(path)
        self.size = checks.integer(size, 0, MAX_FILE_BYTES, "size")
        self.digest = _bytes(digest, (DIGEST_BYTES,), "digest")
        self.stored_size = checks.integer(stored_size, 1, MAX_FILE_BYTES, "stored size")
        self.stored_digest = _bytes(stored_digest, (DIGEST_BYTES,), "stored digest")

    def encode(self) -> bytes:
        """Its part of the index."""
        inner = cbor.dumps([self.path, self.size, self.digest, self.stored_size, self.stored_digest])
        return cbor.dumps(inner)


def entry_length(head: "bytes | memoryview") -> int:
    """How many bytes follow the two bytes in front of an entry; WireError when they are not that."""
    if len(head) != 2 or head[0] != _ENTRY_HEAD:
        raise WireError("field", "the index is a row of entries")
    return head[1]


def decode_entry(inner: "bytes | memoryview") -> Entry:
    """The entry in the bytes behind its head."""
    found = cbor.loads(inner)
    if not isinstance(found, list) or len(found) != 5:
        raise WireError("field", "an entry has five parts")
    return Entry(*found)


def decode_index(index: bytes) -> "list[Entry]":
    """All entries of an index, in order and each path once; WireError otherwise."""
    entries: list[Entry] = []
    at = 0
    while at < len(index):
        end = at + 2 + entry_length(index[at : at + 2])
        if end > len(index):
            raise WireError("truncated", "the index ends inside an entry")
        entry = decode_entry(index[at + 2 : end])
        if entries and entry.path <= entries[-1].path:
            raise WireError("order", "paths ascend")
        entries.append(entry)
        at = end
    if not 1 <= len(entries) <= MAX_FILES:
        raise WireError("items", "a release has 1 to 200 files")
    return entries


def _bytes(value: object, sizes: "tuple[int, ...]", what: str) -> bytes:
    if not isinstance(value, bytes):
        raise WireError("field", what + " is not a byte string")
    if len(value) not in sizes:
        raise WireError("value", what + " has another length")
    return value


def _roots(value: object) -> "list[bytes]":
    if not isinstance(value, list):
        raise WireError("field", "roots is not a list")
    if len(value) > MAX_ROOTS:
        raise WireError("items", "more than two roots")
    return [_bytes(item, KEY_BYTES, "root") for item in value]


def _path(value: object) -> str:
    """Only what lies below `jikimi/` and can be nothing but a plain relative path."""
    path = checks.text(value, "path")
    parts = path.split("/")
    plain = all(char in _PATH_CHARS for char in path)
    if not plain or parts[0] != "jikimi" or len(parts) < 2 or any(part in ("", ".", "..") for part in parts):
        raise WireError("value", "a path stays below jikimi/")
    return path
