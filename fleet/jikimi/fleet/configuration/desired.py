"""The fleet's desired state: `fleet.toml`, four layers of settings, the later ones over the earlier ones.

    [defaults]          every device
    [kind.KIND]         tag or node
    [zone."ZONE"]       where a device is used
    [device.ID]         one device; `name` and `zone` here are what the registry shall say

A layer may list settings that shall not be there at all: `remove = ["uwb", "alarms.check_in_min"]`. A text that begins
with `secret:` stands for a value of that name in `secrets.toml`, which is not meant for version control. What a device
needs and the site knows is filled in: its identity, the broker's address, a machine's kind and name.
"""

from __future__ import annotations

import copy
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jikimi.fleet.errors import ConfigurationError
from jikimi.wire import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from jikimi.fleet.site import Endpoint

Table = dict[str, Any]

_LAYERS = ("kind", "zone", "device")
_REMOVE = "remove"
_SECRET = "secret:"  # noqa: S105 (a prefix, not a secret)
_REGISTRY = ("name", "zone")  # keys of [device.ID] that are no settings
# Stands for what only the device knows, when its settings are checked here.
_SECRET_OF_CHECK = "00" * 16


@dataclass(frozen=True)
class Subject:
    """What the registry knows about a device and its settings depend on."""

    device: str
    kind: str
    name: str
    zone: str
    machine_kind: str | None = None


@dataclass(frozen=True)
class Desired:
    """The whole file, as it was written."""

    defaults: Table = field(default_factory=dict)
    kind: dict[str, Table] = field(default_factory=dict)
    zone: dict[str, Table] = field(default_factory=dict)
    device: dict[str, Table] = field(default_factory=dict)

    def renamed(self, subject: Subject) -> Subject:
        """The device as the file wants the registry to describe it."""
        own = self.device.get(subject.device, {})
        name, zone = own.get("name", subject.name), own.get("zone", subject.zone)
        return Subject(subject.device, subject.kind, name, zone, subject.machine_kind)


STARTER = Desired(
    defaults={"board": "virtual", "vitals_s": 30, "uwb": {"driver": "ryuw122"}},
    kind={
        "tag": {"imu": {"driver": "lsm6dsox", "rate_hz": 104, "placement": "waist"}},
        "node": {"machine": {"kind": "other", "warn_mm": 5000, "danger_mm": 2500}},
    },
)


def parse(text: str) -> Desired:
    """The desired state in TOML text; ConfigurationError says what is wrong and where."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"not valid TOML: {error}") from error
    for key in document:
        if key not in ("defaults", *_LAYERS):
            raise ConfigurationError(f"[{key}] is not known; known: [defaults], [kind.…], [zone.…], [device.…]")
    layers = {name: _tables(document.get(name, {}), name) for name in _LAYERS}
    for kind in layers["kind"]:
        if kind not in settings.KINDS:
            raise ConfigurationError(f"[kind.{kind}] is not known; known: {', '.join(settings.KINDS)}")
    return Desired(_table(document.get("defaults", {}), "defaults"), **layers)


def render(desired: Desired) -> str:
    """TOML text that `parse` reads back to the same state."""
    import tomli_w  # slow import

    document = {"defaults": desired.defaults, **{name: getattr(desired, name) for name in _LAYERS}}
    return tomli_w.dumps({key: table for key, table in document.items() if table})


def load(path: Path) -> Desired:
    """The file at `path`; what a new site starts with when there is none."""
    try:
        return parse(path.read_text("utf-8"))
    except FileNotFoundError:
        return STARTER
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text: save it as such, or restore it") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def load_secrets(path: Path) -> dict[str, str]:
    """Values that `secret:NAME` stands for; none when there is no file."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not valid TOML in UTF-8: {error}") from error
    return {name: str(value) for name, value in document.items()}


def resolve(
    desired: Desired, subject: Subject, site: str, endpoint: Endpoint, secrets: Mapping[str, str] | None = None
) -> Table:
    """The settings of one device, complete and checked; ConfigurationError names the device and the key."""
    found: Table = {"broker": endpoint.settings()}
    for layer in _layers(desired, subject):
        _merge(found, layer)
        for path in layer.get(_REMOVE, []):
            _remove(found, path)
    _complete(found, subject)
    return _checked(_without_secrets(found, secrets), subject, site)


def identity(site: str, device: str, kind: str) -> Table:
    """Who a device is, beside its settings; its secret it makes itself."""
    return {"version": 1, "site": site, "device": device, "kind": kind}


def _layers(desired: Desired, subject: Subject) -> Iterable[Table]:
    own = desired.device.get(subject.device, {})
    yield desired.defaults
    yield desired.kind.get(subject.kind, {})
    yield desired.zone.get(subject.zone, {})
    yield {key: value for key, value in own.items() if key not in _REGISTRY}


def _merge(into: Table, layer: Table) -> None:
    for key, value in layer.items():
        if key == _REMOVE:
            continue
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)


def _remove(found: Table, path: str) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        found = found.get(parent, {})
    found.pop(last, None)


def _complete(found: Table, subject: Subject) -> None:
    found["zone"] = subject.zone
    if subject.kind != "node":
        found.pop("machine", None)
    elif isinstance(machine := found.get("machine"), dict):
        if subject.machine_kind is not None:
            machine["kind"] = subject.machine_kind
        machine.setdefault("name", subject.name)


def _checked(found: Table, subject: Subject, site: str) -> Table:
    for key in settings.IDENTITY:
        if key in found:
            raise ConfigurationError(f"{subject.device}: {key} is decided when a device is enrolled, not here")
    secret = {"ephemeral_secret": _SECRET_OF_CHECK}
    try:
        settings.check(found | identity(site, subject.device, subject.kind) | secret)
    except settings.ConfigError as error:
        raise ConfigurationError(f"{subject.device} ({subject.name}): {error}") from error
    return found


def _without_secrets(value: Any, secrets: Mapping[str, str] | None) -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(inside, secrets) for key, inside in value.items()}
    if not isinstance(value, str) or not value.startswith(_SECRET) or secrets is None:
        return value
    name = value.removeprefix(_SECRET)
    if name not in secrets:
        raise ConfigurationError(f"secrets.toml has no {name!r}: add it, and keep that file out of version control")
    return secrets[name]


def _tables(value: Any, where: str) -> dict[str, Table]:
    # A layer holds names and no settings: a zone may be called what removes settings.
    return {name: _table(inside, f"{where}.{name}") for name, inside in _section(value, where).items()}


def _section(value: Any, where: str) -> Table:
    if not isinstance(value, dict):
        raise ConfigurationError(f"[{where}] must be a section")
    return value


def _table(value: Any, where: str) -> Table:
    table = _section(value, where)
    removed = table.get(_REMOVE, [])
    if not isinstance(removed, list) or not all(isinstance(path, str) for path in removed):
        raise ConfigurationError(f"[{where}] remove must be a list of settings")
    return table
