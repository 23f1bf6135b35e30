"""Releases of the device application: build, sign, verify, publish.

build(site, directory, version="1.4.0", arch="xtensawin")    # compiled, compressed, with its SBOM
sign(site, directory)                                        # HSS/LMS, see jikimi.fleet.signing
publish(site, directory)                                     # verified once more, then devices can fetch it
"""

from __future__ import annotations

import datetime
import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from jikimi.fleet import content, signing
from jikimi.fleet.errors import MessageError, ReleaseError
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.release import folder, sbom
from jikimi.fleet.release.bundle import bundle
from jikimi.fleet.release.folder import ARCHES, Checked
from jikimi.fleet.signing.key import leaf_of
from jikimi.fleet.site.files import write_atomic
from jikimi.fleet.store.schema import device as _device
from jikimi.fleet.store.schema import device_status as _status
from jikimi.fleet.store.schema import release as _release
from jikimi.fleet.virtual import image
from jikimi.wire import cose, manifest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jikimi.fleet.site import Site

__all__ = [
    "ARCHES",
    "Checked",
    "DeviceRelease",
    "Published",
    "application_files",
    "build",
    "devices",
    "publish",
    "published",
    "sign",
    "verify",
    "without_next_root",
]

_LIB = "/lib/"


@dataclass(frozen=True)
class Published:
    """A release that devices may be told of; times are ms since 1970 UTC."""

    arch: str
    sequence: int
    version: str
    envelope: str
    envelope_bytes: int
    stored_bytes: int
    firmware: str
    key_id: str
    leaf: int
    published_ms: int
    support_until_ms: int | None


@dataclass(frozen=True)
class DeviceRelease:
    """What a device said that it runs, after its last start, and until when that gets fixes."""

    device: str
    name: str
    firmware: str | None
    slot: str | None
    release: int | None
    version: str | None
    trial: bool
    failed_release: int | None
    failed_why: str | None
    support_until_ms: int | None


def application_files(arch: str, edge: Path | None = None) -> dict[str, bytes]:
    """The application, compiled for `arch`, by its paths below a slot. BoardError.

    It is this installation's, but for jikimi.edge if `edge` is a folder with its sources.
    """
    files = image.application(arch, edge)
    return {path.removeprefix(_LIB): data for path, data in files.items() if path.startswith(_LIB)}


def build(
    site: Site,
    directory: Path,
    *,
    version: str,
    arch: str,
    sequence: int | None = None,
    support_until: datetime.date | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Checked:
    """Write a release to `directory`: `files`, or the application of this installation.

    Its sequence number is one above the highest published, if none is given. ReleaseError, BoardError.
    """
    found = dict(files) if files is not None else application_files(arch)
    number = sequence if sequence is not None else _next_sequence(site, arch)
    iso = support_until.isoformat() if support_until else None
    parts = sbom.render(found, version=version, sequence=number, arch=arch, support_until=iso)
    made = bundle(
        found,
        sequence=number,
        version=version,
        arch=arch,
        roots=signing.roots(site, signing.RELEASE),
        support_until_ms=_end_of_day_ms(support_until) if support_until else None,
        sbom=hashlib.sha256(parts).digest(),
    )
    folder.write(directory, made, arch, parts)
    return folder.check(directory, None)


def sign(site: Site, directory: Path) -> Checked:
    """Sign the release in `directory`, if it is whole; one signature of the site's release key is used up."""
    checked = folder.check(directory, None)
    if checked.key_id is not None:
        raise ReleaseError(f"the release in {directory} is signed already")
    key = signing.current(site, signing.RELEASE)
    rotation = signing.following(site, signing.RELEASE) is not None
    envelope = key.sign(cose.RELEASE, checked.manifest.encode(), rotation=rotation)
    write_atomic(directory / folder.ENVELOPE, envelope)
    return verify(site, directory)


def verify(site: Site, directory: Path) -> Checked:
    """Check the signed release in `directory` as a device of this site would, and every file of it. ReleaseError."""
    return folder.check(directory, signing.roots(site, signing.RELEASE))


def publish(site: Site, directory: Path) -> Published:
    """Make a signed release available to devices; none is told of it yet. ReleaseError."""
    checked = verify(site, directory)
    envelope = (directory / folder.ENVELOPE).read_bytes()
    for path in sorted((directory / folder.OBJECTS).iterdir()):
        content.put(site, path.read_bytes())
    content.put(site, (directory / folder.INDEX).read_bytes())
    content.put(site, (directory / folder.SBOM).read_bytes())
    digest = content.put(site, envelope)
    key_id, leaf = leaf_of(envelope)
    row = Published(
        arch=checked.arch,
        sequence=checked.manifest.sequence,
        version=checked.manifest.version,
        envelope=digest.hex(),
        envelope_bytes=len(envelope),
        stored_bytes=checked.stored_bytes,
        firmware=checked.firmware_hash,
        key_id=key_id,
        leaf=leaf,
        published_ms=time.time_ns() // 1_000_000,
        support_until_ms=checked.manifest.support_until_ms,
    )
    _insert(site, row)
    return row


def published(site: Site) -> list[Published]:
    """All published releases, the newest first."""
    query = sa.select(_release).where(_release.c.site == site.name)
    with transaction(site) as connection:
        rows = connection.execute(query.order_by(_release.c.sequence.desc(), _release.c.arch)).mappings().all()
    return [Published(**{key: value for key, value in row.items() if key != "site"}) for row in rows]


def _insert(site: Site, row: Published) -> None:
    highest = _next_sequence(site, row.arch) - 1
    if row.sequence <= highest:
        raise ReleaseError(
            f"release {row.sequence} is not newer than {highest}, which is published: devices would refuse it"
        )
    used = [one for one in published(site) if (one.key_id, one.leaf) == (row.key_id, row.leaf)]
    if used:
        raise ReleaseError(
            "this signature uses a leaf that has signed another release: the key was copied or restored, and must be "
            "replaced (`jikimi release key rotate`)"
        )
    try:
        with transaction(site) as connection:
            connection.execute(_release.insert().values(site=site.name, **row.__dict__))
    except (sa.exc.IntegrityError, MessageError) as error:
        raise ReleaseError(f"release {row.sequence} for {row.arch} was published a moment ago") from error


def _next_sequence(site: Site, arch: str) -> int:
    query = sa.select(sa.func.max(_release.c.sequence))
    with transaction(site) as connection:
        highest = connection.execute(query.where((_release.c.site == site.name) & (_release.c.arch == arch))).scalar()
    return int(highest or 0) + 1


def _end_of_day_ms(day: datetime.date) -> int:
    end = datetime.datetime.combine(day, datetime.time.max, datetime.UTC)
    return int(end.timestamp() * 1000)


def devices(site: Site) -> list[DeviceRelease]:
    """All active devices with the release that runs on them, by the hash they report themselves."""
    known = {(row.sequence, row.firmware): row for row in published(site)}
    said = [_status.c[name] for name in ("firmware", "slot", "release", "trial", "failed_release", "failed_why")]
    query = sa.select(_device.c.device, _device.c.name, *said).select_from(_devices_with_status())
    with transaction(site) as connection:
        rows = connection.execute(query.where(_active(site)).order_by(_device.c.created_ms)).mappings().all()
    found = []
    for row in rows:
        release = known.get((row["release"] or 0, row["firmware"] or ""))
        version, until = (release.version, release.support_until_ms) if release else (None, None)
        found.append(DeviceRelease(**{**row, "trial": bool(row["trial"])}, version=version, support_until_ms=until))
    return found


def _devices_with_status() -> sa.Join:
    return _device.outerjoin(_status, (_status.c.site == _device.c.site) & (_status.c.device == _device.c.device))


def _active(site: Site) -> sa.ColumnElement[bool]:
    return (_device.c.site == site.name) & (_device.c.state == "active")


def without_next_root(site: Site) -> list[str]:
    """Active devices that do not run a confirmed release which told them to trust the key that is to sign next."""
    coming = signing.following(site, signing.RELEASE)
    if coming is None:
        return []
    bringing = {(row.arch, row.sequence) for row in published(site) if coming.public_key in _roots_of(site, row)}
    numbers = {sequence for _arch, sequence in bringing}
    query = sa.select(_device.c.device, _status.c.release, _status.c.trial).select_from(_devices_with_status())
    with transaction(site) as connection:
        rows = connection.execute(query.where(_active(site))).all()
    return [row.device for row in rows if row.trial or row.release not in numbers]


def _roots_of(site: Site, row: Published) -> list[bytes]:
    envelope = content.get(site, bytes.fromhex(row.envelope))
    return manifest.decode(cose.parts(envelope).payload).roots if envelope is not None else []
