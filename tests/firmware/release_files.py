"""Signed releases and flash directories for the tests of updates."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jikimi.fleet.release.bundle import Bundle, bundle
from jikimi.fleet.signing import SigningKey
from jikimi.wire import cbor, cose

ROOT = Path(__file__).parents[2]
SHARED = {
    "jikimi/sigcore.mpy": bytes(range(256)) * 7,
    "jikimi/wire/cbor.mpy": b"the codec, the same in both releases" * 3,
}
OLD = SHARED | {"jikimi/edge/app.mpy": b"old application", "jikimi/edge/gone.mpy": b"only in the old one"}
NEW = SHARED | {
    "jikimi/edge/app.mpy": b"new application " * 40,
    "jikimi/edge/drivers/new.mpy": hashlib.shake_256(b"does not compress").digest(1500),
}


@dataclass(frozen=True)
class Release:
    """A signed release."""

    made: Bundle
    envelope: bytes

    @property
    def digest(self) -> str:
        """By which it is offered."""
        return hashlib.sha256(self.envelope).hexdigest()

    def serve(self, content: Path, envelope: bytes | None = None) -> None:
        """Put it where the test's site finds it."""
        content.mkdir(exist_ok=True)
        for one in (envelope or self.envelope, self.made.index, *self.made.objects.values()):
            (content / hashlib.sha256(one).hexdigest()).write_bytes(one)


_SIGNED: dict[tuple[object, ...], Release] = {}


def signed(
    key: SigningKey, files: Mapping[str, bytes], sequence: int, *, arch: str = "x64", roots: tuple[bytes, ...] = ()
) -> Release:
    """Signed once: a small key has few signatures."""
    made = bundle(files, sequence=sequence, version=f"1.{sequence}.0", arch=arch, roots=roots)
    known = (key.public_key, made.payload)
    if known not in _SIGNED:
        _SIGNED[known] = Release(made, key.sign(cose.RELEASE, made.payload))
    return _SIGNED[known]


def write_flash(flash: Path, old: Release, files: Mapping[str, bytes], roots: list[bytes]) -> None:
    """A device that runs `old` in slot a."""
    for path, content in files.items():
        place = flash / "slots/a" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    (flash / "slots/a/envelope").write_bytes(old.envelope)
    (flash / "slots/a/sequence").write_text(str(old.made.manifest.sequence))
    (flash / "slots/now").write_text("a")
    (flash / "trust").mkdir(exist_ok=True)
    (flash / "trust/release").write_bytes(cbor.dumps(roots))
    (flash.parent / "main.py").write_bytes((ROOT / "firmware/main.py").read_bytes())
    (flash / "update").mkdir(exist_ok=True)
