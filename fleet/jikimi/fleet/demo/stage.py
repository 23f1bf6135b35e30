"""The site of a run: devices with their keys, the floor plan, and a flash directory for each device."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jikimi.fleet import registry
from jikimi.fleet.demo.check_ins import PERIOD_MIN
from jikimi.fleet.floor import NO_PARTS, Cast, Machine, Plan
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.files import write_atomic
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.fleet.virtual import image

_SECRET_BYTES = 16
NO_MOTION_MIN = 1  # of the one who lies still: the shortest time there is
_VITALS_S = 5  # the page of a short run should show them


@dataclass(frozen=True)
class Member:
    """One device of the run; `device` is also its name in the virtual world."""

    device: str
    name: str
    root: Path  # its flash
    config: dict[str, Any]
    files: registry.DeviceFiles = field(repr=False)
    machine: Machine | None = None  # None: a tag
    gateway: bool = False  # a Linux gateway: the same application on CPython
    secret: bytes = field(default=b"", repr=False)  # of a tag's rotating ids

    @property
    def is_tag(self) -> bool:
        """Worn by a worker."""
        return self.machine is None


def make_site(directory: Path) -> Site:
    """A new site at `directory` (absent or empty), on loopback and free ports."""
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
    return Site.init(directory, "demo", settings)


def register(site: Site, plan: Plan, tags: int, parts: Cast = NO_PARTS) -> list[Member]:
    """Tags first, set for the parts of their wearers, then a node per machine, the last one a gateway.

    Writes the floor plan.
    """
    crew = [_tag(site, plan, number, parts) for number in range(tags)]
    last = len(plan.machines) - 1
    nodes = [_node(site, machine, gateway=i == last) for i, machine in enumerate(plan.machines)]
    floor = plan.to_json([node.device for node in nodes])
    write_atomic(site.floor_path, json.dumps(floor, indent=2) + "\n")
    return [*crew, *nodes]


def flash(members: list[Member]) -> None:
    """Fill the flash directories with what provisioning would put there."""
    application = image.application()
    for member in members:
        tls = image.Tls(member.files.ca_der, member.files.cert_der, member.files.key_der)
        settings = image.settings(member.config, tls)
        image.write_image(settings if member.gateway else application | settings, member.root)


def _tag(site: Site, plan: Plan, number: int, parts: Cast) -> Member:
    zone = plan.zones[number % len(plan.zones)].name
    files = registry.add_device(site, "tag", f"Tag {number + 1}", zone)
    secret = secrets.token_bytes(_SECRET_BYTES)
    config = _common(files) | {
        "imu": {"driver": "lsm6dsox", "rate_hz": 104, "placement": "waist"},
        "ephemeral_secret": secret.hex(),
        "alarms": _alarms(number, parts),
    }
    return Member(files.device, files.name, _root(site, files), config, files, secret=secret)


def _alarms(number: int, parts: Cast) -> dict[str, int]:
    """Settings of a tag's alarms where they are not the usual ones."""
    if number == parts.resting:
        return {"no_motion_min": NO_MOTION_MIN}
    return {"check_in_min": PERIOD_MIN} if number == parts.lone else {}


def _node(site: Site, machine: Machine, *, gateway: bool) -> Member:
    files = registry.add_device(site, "node", machine.name, machine.zone, machine.kind)
    config = _common(files) | {
        "machine": {
            "kind": machine.kind,
            "name": machine.name,
            "warn_mm": round(machine.warn * 1000),
            "danger_mm": round(machine.danger * 1000),
        },
    }
    return Member(files.device, machine.name, _root(site, files), config, files, machine, gateway)


def _common(files: registry.DeviceFiles) -> dict[str, Any]:
    broker = files.broker
    return {
        "version": 1,
        "site": files.site,
        "device": files.device,
        "kind": files.kind,
        "zone": files.zone,
        "broker": broker.settings(),
        "board": "virtual",
        "uwb": {"driver": "ryuw122"},
        "vitals_s": _VITALS_S,
    }


def _root(site: Site, files: registry.DeviceFiles) -> Path:
    return site.path / "boards" / files.device
