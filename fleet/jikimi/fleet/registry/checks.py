"""What a device may be called; RegistryError says what is wrong."""

from __future__ import annotations

from jikimi.fleet.errors import RegistryError

KINDS = ("tag", "node")
_NAME_MAX, _ZONE_MAX, _MACHINE_KIND_MAX = 64, 32, 16


def check(kind: str, name: str, zone: str, machine_kind: str | None) -> None:
    """A new device's description."""
    if kind not in KINDS:
        raise RegistryError(f"kind must be tag or node, not {kind!r}")
    check_name(name)
    check_zone(zone)
    if machine_kind is None:
        return
    if kind != "node":
        raise RegistryError("only a node is mounted on a machine: leave the machine kind out for a tag")
    _check_text("machine kind", machine_kind, _MACHINE_KIND_MAX)


def check_name(name: str) -> None:
    """What the label or the machine plate says."""
    _check_text("name", name, _NAME_MAX)


def check_zone(zone: str) -> None:
    """A zone of the floor plan."""
    _check_text("zone", zone, _ZONE_MAX)


def _check_text(what: str, text: str, longest: int) -> None:
    if not 1 <= len(text) <= longest or not text.isprintable() or text != text.strip():
        raise RegistryError(f"{what} must be 1 to {longest} printable characters, not {text!r}")
