"""Signing what devices believe: HSS/LMS keys that never sign twice with one leaf.

    key = current(site, "release")          # made when there is none
    envelope = key.sign(cose.RELEASE, payload)
    roots(site, "release")                  # what a device is given to trust: one or two public keys

Keys of a purpose are directories SITE/keys/PURPOSE-NUMBER. Replacing one takes three steps, so that no device is left
behind:
`rotate` makes the next key; what the old key signs from then on tells devices to trust both; when all have heard it,
`advance` lets the new one sign, and what it signs tells them to forget the old one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from jikimi.fleet.errors import SigningError
from jikimi.fleet.signing.key import RESERVE, SigningKey
from jikimi.fleet.site.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from jikimi.fleet.site import Site

__all__ = [
    "CONFIG",
    "RELEASE",
    "RESERVE",
    "SigningKey",
    "advance",
    "current",
    "following",
    "restored",
    "roots",
    "rotate",
]

RELEASE, CONFIG = "release", "config"  # purposes
HEIGHT = 10  # 1,024 signatures
_log: Final = logging.getLogger(__name__)


def current(site: Site, purpose: str) -> SigningKey:
    """The key that signs now; made when the purpose has none yet (about two seconds)."""
    number = _current_number(site, purpose)
    return _make_first(site, purpose) if number is None else SigningKey.open(_path(site, purpose, number))


def following(site: Site, purpose: str) -> SigningKey | None:
    """The key that is to sign next, while one is being replaced."""
    number = _current_number(site, purpose)
    later = [found for found in _numbers(site, purpose) if number is not None and found > number]
    return SigningKey.open(_path(site, purpose, later[-1])) if later else None


def roots(site: Site, purpose: str) -> list[bytes]:
    """HSS public keys that devices of this site are to trust for this purpose: one, or two while it is replaced."""
    coming = following(site, purpose)
    return [key.public_key for key in (current(site, purpose), coming) if key is not None]


def rotate(site: Site, purpose: str) -> SigningKey:
    """Make the next key, which does not sign yet; SigningError while the one before is not in use."""
    current(site, purpose)
    with site.locked(f"keys-{purpose}"):
        if following(site, purpose) is not None:
            raise SigningError(f"a new {purpose} key is there already: bring it to the devices, then `advance`")
        return SigningKey.create(_path(site, purpose, _numbers(site, purpose)[-1] + 1), HEIGHT)


def advance(site: Site, purpose: str) -> SigningKey:
    """Let the next key sign from now on. Devices that have not heard of it will refuse what it signs."""
    with site.locked(f"keys-{purpose}"):
        coming = following(site, purpose)
        if coming is None:
            raise SigningError(f"there is no new {purpose} key: `rotate` makes one")
        write_atomic(_directory(site) / f"{purpose}.current", coming.directory.name.rpartition("-")[2] + "\n")
    return coming


def restored(site: Site) -> None:
    """The keys of a site that comes from a backup: what they may have signed since, they will not sign again."""
    for purpose in (RELEASE, CONFIG):
        for number in _numbers(site, purpose):
            try:
                SigningKey.open(_path(site, purpose, number)).skip_half()
            except SigningError as error:
                _log.warning("%s", error)  # such a key signs nothing: no reason against the rest of a backup


def _make_first(site: Site, purpose: str) -> SigningKey:
    with site.locked(f"keys-{purpose}"):
        if _current_number(site, purpose) is None:
            key = SigningKey.create(_path(site, purpose, 1), HEIGHT)
            write_atomic(_directory(site) / f"{purpose}.current", "1\n")
            return key
    return current(site, purpose)  # made by another process while this one waited


def _current_number(site: Site, purpose: str) -> int | None:
    path = _directory(site) / f"{purpose}.current"
    try:
        return int(path.read_text("ascii"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SigningError(f"{path} is damaged: it holds the number of the key that signs") from error


def _numbers(site: Site, purpose: str) -> list[int]:
    names = (path.name.removeprefix(f"{purpose}-") for path in _directory(site).glob(f"{purpose}-*"))
    return sorted(int(name) for name in names if name.isdecimal())


def _path(site: Site, purpose: str, number: int) -> Path:
    return _directory(site) / f"{purpose}-{number}"


def _directory(site: Site) -> Path:
    return site.path / "keys"
