"""The list of MicroPython images: which file for which chip, and its SHA-256.

    [[image]]
    chip = "ESP32-S3"
    file = "ESP32_GENERIC_S3.bin"      # beside the list, unless absolute
    sha256 = "…"                       # as published, or as `sha256sum FILE` prints it

Nothing is written to a chip that is not in such a list.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jikimi.fleet.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEYS = ("chip", "file", "sha256")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Listed:
    """One entry; `chip` is esptool's name, such as ESP32-S3."""

    chip: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class Image:
    """A file whose digest was checked."""

    chip: str
    name: str
    data: bytes = field(repr=False)


def read_list(path: Path) -> list[Listed]:
    """The entries of the list at `path`; ImageError says what is wrong."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ImageError(f"there is no list of images at {path}: fleet/WALKTHROUGH.md says how to make one") from error
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ImageError(f"{path} is not UTF-8 text: is it the image itself? The list names it") from error
    except tomllib.TOMLDecodeError as error:
        raise ImageError(f"{path} is not valid TOML: {error}") from error
    entries = document.get("image", [])
    if not isinstance(entries, list) or not entries:
        raise ImageError(f"{path} lists no [[image]]")
    return [_entry(path, entry) for entry in entries]


def for_chip(images: Sequence[Listed], chip: str) -> Image:
    """The image for a chip, read and checked; ImageError when there is none, or not exactly one, or it is damaged."""
    fitting = [image for image in images if image.chip.upper() == chip.upper()]
    if len(fitting) != 1:
        known = ", ".join(sorted({image.chip for image in images}))
        what = "no image" if not fitting else f"{len(fitting)} images"
        raise ImageError(f"the list has {what} for {chip}; it has {known}: name the file with --image")
    return checked(fitting[0])


def named(images: Sequence[Listed], path: Path) -> Image:
    """The file at `path`, if one in the list has its digest: whatever it is called."""
    data = _content(path)
    digest = hashlib.sha256(data).hexdigest()
    for image in images:
        if image.sha256 == digest:
            return Image(image.chip, path.name, data)
    raise ImageError(f"{path} has SHA-256 {digest}, which is not in the list: compare it with the published one")


def checked(listed: Listed) -> Image:
    """The listed file, if it has the listed digest."""
    data = _content(listed.path)
    digest = hashlib.sha256(data).hexdigest()
    if digest != listed.sha256:
        raise ImageError(f"{listed.path} has SHA-256 {digest}, the list says {listed.sha256}: fetch it again")
    return Image(listed.chip, listed.path.name, data)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}") from error


def _entry(path: Path, entry: Any) -> Listed:
    if not isinstance(entry, dict) or sorted(entry) != sorted(_KEYS):
        raise ImageError(f"{path}: each [[image]] has exactly the keys {', '.join(_KEYS)}")
    if not all(isinstance(value, str) for value in entry.values()) or not _DIGEST.fullmatch(entry["sha256"]):
        raise ImageError(f"{path}: chip and file are texts, sha256 has 64 hexadecimal digits in lower case")
    return Listed(entry["chip"], path.parent / entry["file"], entry["sha256"])
