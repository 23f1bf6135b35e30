"""A release in memory: its files, their compressed forms, the index and the manifest over them."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jikimi.fleet.errors import ReleaseError
from jikimi.wire import WireError, manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HASH_DIGITS = 16


@dataclass(frozen=True)
class Bundle:
    """Everything a release consists of but its signature. `objects` are what devices fetch, by their SHA-256."""

    manifest: manifest.Manifest
    index: bytes = field(repr=False)
    objects: Mapping[bytes, bytes] = field(repr=False)
    firmware_hash: str  # what the birth of a device says that runs it
    file_bytes: int  # of all files, not compressed

    @property
    def payload(self) -> bytes:
        """What is signed."""
        return self.manifest.encode()

    @property
    def stored_bytes(self) -> int:
        """What a device fetches that has nothing of it yet, the envelope apart."""
        return len(self.index) + sum(map(len, self.objects.values()))


def bundle(
    files: Mapping[str, bytes],
    *,
    sequence: int,
    version: str,
    arch: str,
    roots: Sequence[bytes],
    support_until_ms: int | None = None,
    sbom: bytes | None = None,
) -> Bundle:
    """The release of `files` (paths below `jikimi/`); the same files give the same bytes. ReleaseError."""
    objects: dict[bytes, bytes] = {}
    entries = []
    try:
        for path in sorted(files):
            stored = compress(files[path])
            entry = manifest.Entry(path, len(files[path]), _digest(files[path]), len(stored), _digest(stored))
            objects[entry.stored_digest] = stored
            entries.append(entry)
        index = b"".join(entry.encode() for entry in entries)
        about = manifest.Manifest(
            sequence,
            manifest.class_id(arch),
            version,
            _digest(index),
            len(index),
            list(roots),
            support_until_ms,
            sbom,
        )
        manifest.decode_index(index)
    except WireError as error:
        raise ReleaseError(f"this is no release that a device takes: {error}") from error
    return Bundle(about, index, objects, firmware_hash(files), sum(map(len, files.values())))


def compress(content: bytes) -> bytes:
    """Deflate with the window that a device has memory for."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -manifest.WINDOW_BITS, 9)
    return packer.compress(content) + packer.flush()


def decompress(stored: bytes, size: int) -> bytes:
    """What `compress` was given, at most `size` bytes; ReleaseError when it is something else."""
    unpacker = zlib.decompressobj(-manifest.WINDOW_BITS)
    try:
        content = unpacker.decompress(stored, size + 1)
    except zlib.error as error:
        raise ReleaseError(f"a file of the release is damaged: {error}") from error
    if len(content) != size or not unpacker.eof:
        raise ReleaseError("a file of the release has another size than its index says")
    return content


def firmware_hash(files: Mapping[str, bytes]) -> str:
    """What a device computes of its application's files (`jikimi.edge.fingerprint.of_tree`)."""
    tree: dict[str, object] = {}
    for path, content in files.items():
        *folders, name = path.split("/")[1:]  # the tree is below `jikimi`
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})  # type: ignore[assignment]
        place[name] = content
    digest = hashlib.sha256()
    _add_tree(digest, tree)
    return digest.hexdigest()[:_HASH_DIGITS]


def _add_tree(digest: hashlib._Hash, tree: dict[str, object]) -> None:
    for name in sorted(tree):
        digest.update(name.encode() + b"\0")
        below = tree[name]
        if isinstance(below, dict):
            _add_tree(digest, below)
        else:
            assert isinstance(below, bytes)
            digest.update(below)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
