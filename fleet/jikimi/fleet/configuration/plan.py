"""The difference between what devices were told and what `fleet.toml` wants, and bringing the one to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jikimi.fleet import content, registry, signing
from jikimi.fleet.configuration import applied
from jikimi.fleet.configuration.desired import Desired, Subject, Table, load_secrets, render, resolve
from jikimi.fleet.configuration.signed import documents
from jikimi.fleet.errors import ConfigurationError
from jikimi.fleet.registry import states
from jikimi.fleet.site.files import PRIVATE, write_atomic
from jikimi.wire import settings as wire_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jikimi.fleet.site import Site

APPLIED, SECRETS = "applied.toml", "secrets.toml"
_IN_USE = (states.ENROLLED, states.ACTIVE)
_HIDDEN = "(secret)"
_SECRET_KEYS = ("password",)


@dataclass(frozen=True)
class Change:
    """One setting of one device; None: absent. `key` is a path with dots, or registry.name, registry.zone."""

    device: str
    name: str
    key: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Plan:
    """What `apply` would do."""

    changes: tuple[Change, ...]
    wanted: dict[str, Table]  # complete settings of the devices that are to be told
    renamed: dict[str, Subject]  # devices the registry describes otherwise


def subjects(site: Site) -> list[Subject]:
    """The devices in use."""
    return [
        Subject(device.device, device.kind, device.name, device.zone, device.machine_kind)
        for device in registry.devices(site)
        if device.state in _IN_USE
    ]


def make(site: Site, desired: Desired) -> Plan:
    """Compare; ConfigurationError when the desired state is wrong for any device: nothing is half right."""
    before, known = applied.told(site), subjects(site)
    _refuse_unknown(desired, known)
    endpoint, secrets = site.endpoint(), load_secrets(site.path / SECRETS)
    changes: list[Change] = []
    wanted: dict[str, Table] = {}
    renamed: dict[str, Subject] = {}
    for subject in known:
        target = desired.renamed(subject)
        if target != subject:
            renamed[subject.device] = target
            changes += _described(subject, target)
        settings = resolve(desired, target, site.name, endpoint, secrets)
        told = before.get(subject.device)
        if told is None or told.digest != wire_settings.digest(settings):
            wanted[subject.device] = settings
            old = told.settings if told else {}
            changes += [Change(subject.device, target.name, *found) for found in _differences(old, settings)]
    return Plan(tuple(changes), wanted, renamed)


def apply(site: Site, desired: Desired) -> Plan:
    """Make it so: the registry first, then one signature for all devices that are to be told. What was done.

    Devices fetch their configuration when the site's delivery offers it, now or when they are next there.
    """
    with site.locked("configuration"):
        plan = make(site, desired)
        for device, target in plan.renamed.items():
            registry.rename(site, device, target.name)
            registry.assign_zone(site, device, target.zone)
        if plan.wanted:
            sequence = applied.next_sequence(site)
            key = signing.current(site, signing.CONFIG)
            signed = documents(key, site.name, sequence, plan.wanted)
            for document in signed.values():
                content.put(site, document)
            applied.note(site, sequence, signed, plan.wanted)
        write_atomic(site.path / APPLIED, render(desired), PRIVATE)
    return plan


def _refuse_unknown(desired: Desired, known: list[Subject]) -> None:
    there = {subject.device for subject in known}
    for device in desired.device:
        if device not in there:
            raise ConfigurationError(f"[device.{device}] is no device in use at this site: `jikimi device list`")


def _described(old: Subject, new: Subject) -> Iterator[Change]:
    for key in ("name", "zone"):
        before, after = getattr(old, key), getattr(new, key)
        if before != after:
            yield Change(old.device, new.name, f"registry.{key}", before, after)


def _differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(path, old, new) of all values that differ; secrets are never part of it."""
    if isinstance(old, dict) or isinstance(new, dict):
        old, new = old if isinstance(old, dict) else {}, new if isinstance(new, dict) else {}
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif old != new:
        secret = path.rpartition(".")[2] in _SECRET_KEYS
        yield path, _hidden(old, secret), _hidden(new, secret)


def _hidden(value: Any, secret: bool) -> Any:
    return _HIDDEN if secret and value is not None else value
