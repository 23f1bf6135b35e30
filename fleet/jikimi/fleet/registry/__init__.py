"""The devices of a site: who they are, what they are allowed, and until when.

The table `device` is the truth; the broker's configuration follows from it. Each change is made under one site-wide
lock (provisioning uses several ports at once), written to the configuration atomically, and in force in a running
broker when the function returns.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from jikimi.fleet.registry import admission, states
from jikimi.fleet.registry.admission import admitted, apply, broker_start, mosquitto_start, write_mosquitto
from jikimi.fleet.registry.changes import (
    activate,
    assign_zone,
    mark_wiped,
    refuse_taken,
    rename,
    retire,
    retire_all,
    revoke,
)
from jikimi.fleet.registry.checks import KINDS, check
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.registry.enrol import Description, Enrolment, Known, enrol, known, name_is_free, new_id, on_board
from jikimi.fleet.site.files import PRIVATE, PUBLIC, write_atomic
from jikimi.fleet.store.schema import device as _device
from jikimi.fleet.store.schema import device_status as _status

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jikimi.fleet.site import Endpoint, Site
    from jikimi.fleet.site.ca import Issued

__all__ = [
    "ACTIVE",
    "KINDS",
    "REVOKED",
    "Description",
    "Device",
    "DeviceFiles",
    "Enrolment",
    "Known",
    "activate",
    "add_device",
    "add_devices",
    "admitted",
    "apply",
    "assign_zone",
    "broker_start",
    "devices",
    "enrol",
    "known",
    "mark_wiped",
    "mosquitto_start",
    "name_is_free",
    "on_board",
    "rename",
    "retire",
    "retire_all",
    "revoke",
    "write_mosquitto",
]

ACTIVE, REVOKED = states.ACTIVE, states.REVOKED


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
    reset_reason: str | None = None
    firmware: str | None = None
    status: str | None = None  # the last it, or the broker for it, said: online, docked or lost; None: nothing yet


def add_device(site: Site, kind: str, name: str, zone: str, machine_kind: str | None = None) -> DeviceFiles:
    """Register a new device under a random id and make its key; a running broker admits it on return.

    `name` is what the label or the machine plate says, never a person. RegistryError when a value is unusable or taken.
    """
    return add_devices(site, kind, [name], zone, machine_kind)[0]


def add_devices(
    site: Site, kind: str, names: Iterable[str], zone: str, machine_kind: str | None = None
) -> list[DeviceFiles]:
    """As `add_device`, many that differ in their name, all or none of them: in a fraction of the time."""
    names = list(names)
    for name in names:
        check(kind, name, zone, machine_kind)
    endpoint, authority = site.endpoint(), site.ca.certificate_der()
    with site.locked(admission.LOCK):
        ids = [new_id() for _ in names]
        keys = [site.ca.issue_device(device, site.settings.tls.device_days) for device in ids]
        made = list(zip(ids, names, keys, strict=True))
        described = {"kind": kind, "zone": zone, "machine_kind": machine_kind}
        rows = [{**described, **_identity(site, device, key), "name": name} for device, name, key in made]
        with transaction(site) as connection:
            if rows:
                refuse_taken(connection, site, names)
                connection.execute(_device.insert(), rows)
        admission.enforce(site)
    return [
        DeviceFiles(
            device=device,
            site=site.name,
            kind=kind,
            name=name,
            zone=zone,
            machine_kind=machine_kind,
            broker=endpoint,
            ca_der=authority,
            cert_der=key.certificate_der(),
            key_der=key.key_der(),
        )
        for device, name, key in made
    ]


def devices(site: Site) -> list[Device]:
    """All devices, revoked ones included, in the order they were added."""
    join = (_status.c.site == _device.c.site) & (_status.c.device == _device.c.device)
    heard = (
        _status.c.online,
        _status.c.last_seen_ms,
        _status.c.battery_pct,
        _status.c.reset_reason,
        _status.c.firmware,
        _status.c.status,
    )
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


def _identity(site: Site, device: str, issued: Issued) -> dict[str, object]:
    return {
        "site": site.name,
        "device": device,
        "state": ACTIVE,
        "cert_serial": issued.serial,
        "cert_not_after_ms": issued.not_after_ms,
        "created_ms": time.time_ns() // 1_000_000,
    }
