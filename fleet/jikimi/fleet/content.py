"""Content by its SHA-256: `SITE/content/ab/abcdef…`. What is there never changes, so equal things are kept once.

Everything devices fetch goes through here: releases and configurations, signed and as pieces.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from jikimi.fleet.site.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from jikimi.fleet.site import Site


def put(site: Site, content: bytes) -> bytes:
    """Keep `content`, on the disk when this returns; its digest, by which devices ask for it."""
    digest = hashlib.sha256(content).digest()
    path = path_of(site, digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)
    return digest


def get(site: Site, digest: bytes) -> bytes | None:
    """The content with this digest, or None."""
    try:
        return path_of(site, digest).read_bytes()
    except FileNotFoundError:
        return None


def piece(site: Site, digest: bytes, offset: int, count: int) -> tuple[bytes, int] | None:
    """Up to `count` bytes from `offset`, and the size of the whole; None when there is no such content."""
    try:
        with path_of(site, digest).open("rb") as file:
            total = file.seek(0, 2)
            file.seek(min(offset, total))
            return file.read(count), total
    except FileNotFoundError:
        return None


def path_of(site: Site, digest: bytes) -> Path:
    """Where the content with this digest is, or would be."""
    name = digest.hex()
    return site.path / "content" / name[:2] / name
