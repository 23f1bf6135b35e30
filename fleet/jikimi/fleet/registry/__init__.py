"""The devices of a site: who they are, what they are allowed, and until when.

The table `device` is the truth; the broker's configuration follows from it. Each change is made under one site-wide
lock (provisioning uses several ports at once), written to the configuration atomically, and in force in a running
broker when the function returns.
"""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from jikimi.fleet import broker
from jikimi.fleet.errors import RegistryError
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.site.files import PRIVATE, PUBLIC, write_atomic
from jikimi.fleet.store.schema import device as _device
from jikimi.fleet.store.schema import device_status as _status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jikimi.fleet.site import Endpoint, Site
    from jikimi.fleet.site.ca import Issued

__all__ = [
    "ACTIVE",
    "KINDS",
    "REVOKED",
    "Device",
    "DeviceFiles",
    "add_device",
    "apply",
    "broker_start",
    "devices",
    "revoke",
]

KINDS = ("tag", "node")
ACTIVE, REVOKED = "active", "revoked"

_LOCK = "registry"
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_RANDOM_CHARS = 9  # 45 bits: no two devices of a site meet by chance, and still short enough for a label
_NAME_MAX, _ZONE_MAX, _MACHINE_KIND_MAX = 64, 32, 16


@dataclass(frozen=True)
class DeviceFiles:
    """What a new device is given. The private key exists nowhere else."""

    device: str
    site: str
    kind: str
    name: str
    zone: str
    machine_kind: str | None
    broker: Endpoint
    ca_der: bytes = field(repr=False)
    cert_der: bytes = field(repr=False)
    key_der: bytes = field(repr=False)

    def write_tls(self, directory: Path) -> None:
        """Write `ca.der`, `cert.der` and `key.der` (readable by the owner only), making `directory`."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(directory / "key.der", self.key_der, PRIVATE)
        write_atomic(directory / "cert.der", self.cert_der, PUBLIC)
        write_atomic(directory / "ca.der", self.ca_der, PUBLIC)


@dataclass(frozen=True)
class Device:
    """One registered device and what was last heard of it; times are ms since 1970 UTC."""

    device: str
    kind: str
    name: str
    zone: str
    machine_kind: str | None
    state: str
    cert_serial: str
    cert_not_after_ms: int
    created_ms: int
    online: bool
    last_seen_ms: int | None
    battery_pct: int | None


def add_device(site: Site, kind: str, name: str, zone: str, machine_kind: str | None = None) -> DeviceFiles:
    """Register a new device under a random id and make its key; a running broker admits it on return.

    `name` is what the label or the machine plate says, never a person. RegistryError when a value is unusable.
    """
    _check(kind, name, zone, machine_kind)
    endpoint = site.endpoint()
    with site.locked(_LOCK):
        device = "d" + "".join(secrets.choice(_BASE32) for _ in range(_RANDOM_CHARS))
        issued = site.ca.issue_device(device, site.settings.tls.device_days)
        described = {"kind": kind, "name": name, "zone": zone, "machine_kind": machine_kind}
        with transaction(site) as connection:
            connection.execute(_device.insert().values({**described, **_identity(site, device, issued)}))
        _apply(site)
    return DeviceFiles(
        device=device,
        site=site.name,
        kind=kind,
        name=name,
        zone=zone,
        machine_kind=machine_kind,
        broker=endpoint,
        ca_der=site.ca.certificate_der(),
        cert_der=issued.certificate_der(),
        key_der=issued.key_der(),
    )


def revoke(site: Site, device: str) -> None:
    """Shut a device out for good; a running broker has cut its connection off on return. Idempotent."""
    with site.locked(_LOCK):
        where = (_device.c.site == site.name) & (_device.c.device == device)
        with transaction(site) as connection:
            if connection.execute(_device.update().where(where).values(state=REVOKED)).rowcount == 0:
                raise RegistryError(f"no device {device} at this site: `jikimi device list` shows them")
        _apply(site)


def devices(site: Site) -> list[Device]:
    """All devices, revoked ones included, in the order they were added."""
    join = (_status.c.site == _device.c.site) & (_status.c.device == _device.c.device)
    heard = (_status.c.online, _status.c.last_seen_ms, _status.c.battery_pct)
    query = (
        sa.select(_device, *heard)
        .select_from(_device.outerjoin(_status, join))
        .where(_device.c.site == site.name)
        .order_by(_device.c.created_ms, _device.c.device)
    )
    with transaction(site) as connection:
        rows = connection.execute(query).mappings().all()
    return [
        Device(**{**{key: value for key, value in row.items() if key != "site"}, "online": bool(row["online"])})
        for row in rows
    ]


def apply(site: Site) -> None:
    """Bring the broker's configuration in line with the table."""
    with site.locked(_LOCK):
        _apply(site)


@contextmanager
def broker_start(site: Site) -> Iterator[None]:
    """Within this context start the broker and write its pid file.

    The configuration is fresh at entry, and no change to the registry falls between the moment the broker reads it
    and the moment others can tell the broker to read it again.
    """
    with site.locked(_LOCK):
        broker.prepare(site)
        broker.write_config(site, _admitted(site))
        yield


def _apply(site: Site) -> None:
    # The broker's start writes the configuration anyway, so that thousands can be added quickly before it.
    if broker.running_pid(site) is not None:
        broker.write_config(site, _admitted(site))
        broker.reload(site)


def _admitted(site: Site) -> list[str]:
    query = (
        sa.select(_device.c.device)
        .where((_device.c.site == site.name) & (_device.c.state == ACTIVE))
        .order_by(_device.c.device)
    )
    with transaction(site) as connection:
        return list(connection.execute(query).scalars())


def _identity(site: Site, device: str, issued: Issued) -> dict[str, object]:
    return {
        "site": site.name,
        "device": device,
        "state": ACTIVE,
        "cert_serial": issued.serial,
        "cert_not_after_ms": issued.not_after_ms,
        "created_ms": time.time_ns() // 1_000_000,
    }


def _check(kind: str, name: str, zone: str, machine_kind: str | None) -> None:
    if kind not in KINDS:
        raise RegistryError(f"kind must be tag or node, not {kind!r}")
    _check_text("name", name, _NAME_MAX)
    _check_text("zone", zone, _ZONE_MAX)
    if machine_kind is None:
        return
    if kind != "node":
        raise RegistryError("only a node is mounted on a machine: leave the machine kind out for a tag")
    _check_text("machine kind", machine_kind, _MACHINE_KIND_MAX)


def _check_text(what: str, text: str, longest: int) -> None:
    if not 1 <= len(text) <= longest or not text.isprintable() or text != text.strip():
        raise RegistryError(f"{what} must be 1 to {longest} printable characters, not {text!r}")
