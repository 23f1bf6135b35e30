"""A release as a directory, from build to publication.

release.json    what it is, for people
manifest        the payload that is signed
index           its files, as the manifest names them
objects/HEX     their compressed forms
sbom.cdx.json   what is in it (CycloneDX)
envelope        manifest and signature; there once it is signed
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jikimi.fleet.errors import ReleaseError
from jikimi.fleet.release.bundle import decompress, firmware_hash
from jikimi.fleet.site.files import write_atomic
from jikimi.wire import WireError, cose, manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jikimi.fleet.release.bundle import Bundle

MANIFEST, INDEX, OBJECTS, SBOM, ENVELOPE, ABOUT = (
    "manifest",
    "index",
    "objects",
    "sbom.cdx.json",
    "envelope",
    "release.json",
)


@dataclass(frozen=True)
class Checked:
    """A release that was read back and found whole; `key_id` None: not signed."""

    manifest: manifest.Manifest
    arch: str
    key_id: str | None
    firmware_hash: str
    files: int
    file_bytes: int
    stored_bytes: int


def write(directory: Path, made: Bundle, arch: str, sbom: bytes) -> None:
    """Write a release that was just built; ReleaseError when `directory` holds something."""
    if directory.exists() and any(directory.iterdir()):
        raise ReleaseError(f"{directory} is not empty: name a new directory")
    (directory / OBJECTS).mkdir(parents=True, exist_ok=True)
    for digest, stored in made.objects.items():
        write_atomic(directory / OBJECTS / digest.hex(), stored)
    write_atomic(directory / INDEX, made.index)
    write_atomic(directory / SBOM, sbom)
    about = {
        "version": made.manifest.version,
        "sequence": made.manifest.sequence,
        "arch": arch,
        "firmware": made.firmware_hash,
        "file_bytes": made.file_bytes,
        "stored_bytes": made.stored_bytes,
        "support_until_ms": made.manifest.support_until_ms,
    }
    write_atomic(directory / ABOUT, json.dumps(about, indent=1) + "\n")
    write_atomic(directory / MANIFEST, made.payload)


def check(directory: Path, roots: Sequence[bytes] | None) -> Checked:
    """Read everything back and hold it against manifest and index.

    With `roots` the signature must be by one of them; with None it may be missing. ReleaseError says what is wrong.
    """
    payload, key_id = _payload(directory, roots)
    try:
        about = manifest.decode(payload)
        index = _read(directory / INDEX)
        entries = manifest.decode_index(index)
    except WireError as error:
        raise ReleaseError(f"the release in {directory} is damaged: {error}") from error
    if hashlib.sha256(index).digest() != about.index_digest:
        raise ReleaseError(f"{directory / INDEX} is not the one the manifest names")
    if about.sbom is not None and hashlib.sha256(_read(directory / SBOM)).digest() != about.sbom:
        raise ReleaseError(f"{directory / SBOM} is not the one the manifest names")
    files = {entry.path: _content(directory, entry) for entry in entries}
    stored = {entry.stored_digest: entry.stored_size for entry in entries}
    return Checked(
        about,
        _arch(about.class_ident),
        key_id,
        firmware_hash(files),
        len(files),
        sum(map(len, files.values())),
        len(index) + sum(stored.values()),
    )


def _payload(directory: Path, roots: Sequence[bytes] | None) -> tuple[bytes, str | None]:
    if not (directory / MANIFEST).exists():
        raise ReleaseError(f"{directory} holds no release: `jikimi release build {directory}` makes one")
    payload = _read(directory / MANIFEST)
    path = directory / ENVELOPE
    if not path.exists():
        if roots is None:
            return payload, None
        raise ReleaseError(f"the release in {directory} is not signed: `jikimi release sign {directory}`")
    envelope = _read(path)
    try:
        found = cose.parts(envelope)
        if roots is not None:
            cose.verify(envelope, list(roots), cose.RELEASE)
    except WireError as error:
        raise ReleaseError(f"{path} is refused: {error}") from error
    if found.payload != payload:
        raise ReleaseError(f"{path} signs another manifest than the one beside it")
    return payload, found.key_id.hex()


def _content(directory: Path, entry: manifest.Entry) -> bytes:
    stored = _read(directory / OBJECTS / entry.stored_digest.hex())
    if len(stored) != entry.stored_size or hashlib.sha256(stored).digest() != entry.stored_digest:
        raise ReleaseError(f"{entry.path} in {directory} is damaged")
    content = decompress(stored, entry.size)
    if hashlib.sha256(content).digest() != entry.digest:
        raise ReleaseError(f"{entry.path} in {directory} is not what the index says")
    return content


def _arch(class_ident: bytes) -> str:
    for arch in ARCHES:
        if manifest.class_id(arch) == class_ident:
            return arch
    raise ReleaseError("the release is for a class of devices that is not known here")


ARCHES = ("x64", "xtensawin", "rv32imc")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"{path} cannot be read: {error.strerror}") from error
