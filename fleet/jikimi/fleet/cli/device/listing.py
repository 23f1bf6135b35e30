"""`jikimi device list|show`."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, site_option
from jikimi.fleet.cli.show import NO_DEVICE, local_time, print_rows, printable
from jikimi.fleet.errors import RegistryError

if TYPE_CHECKING:
    from jikimi.fleet.registry import Device
    from jikimi.fleet.site import Site

_COLUMNS = ("id", "kind", "name", "zone", "state", "heard", "last seen", "battery", "cert until", "days left")
_DAY_MS = 86_400_000


@click.command("list")
@site_option
@json_option
def list_(site: Site, as_json: bool) -> None:
    """List all devices, revoked and retired ones included.

    Example: jikimi device list --site busan-1 --json
    """
    from jikimi.fleet.registry import devices  # slow import

    rows = devices(site)
    if as_json:
        click.echo(json.dumps([_as_json(row) for row in rows], ensure_ascii=False, indent=1))
    else:
        print_rows(_COLUMNS, [_cells(row) for row in rows], empty=NO_DEVICE)


@click.command("show")
@site_option
@json_option
@click.argument("device", metavar="ID")
def show(site: Site, as_json: bool, device: str) -> None:
    """Show everything the site knows about one device.

    Example: jikimi device show dq3k7xw2fa
    """
    from jikimi.fleet.registry import devices  # slow import

    found = [row for row in devices(site) if row.device == device]
    if not found:
        raise RegistryError(f"no device {device} at this site: `jikimi device list` shows them")
    values = _as_json(found[0])
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False, indent=1))
        return
    for name, value in values.items():
        shown = local_time(value) if name.endswith("_ms") and isinstance(value, int) else value
        click.echo(f"{name.removesuffix('_ms')}\t{'' if shown is None else printable(str(shown))}")


def _as_json(row: Device) -> dict[str, object]:
    return {**asdict(row), "cert_days_left": _days_left(row)}


def _days_left(row: Device) -> int:
    return (row.cert_not_after_ms - time.time_ns() // 1_000_000) // _DAY_MS


def _heard(row: Device) -> str:
    """How it is reached: a docked device is well and off the air, one that is lost went without a word."""
    if row.online:
        return "online"
    return "docked" if row.status == "docked" else "lost" if row.status else "not yet"


def _cells(row: Device) -> list[str]:
    return [
        row.device,
        row.kind,
        row.name,
        row.zone,
        row.state,
        _heard(row),
        local_time(row.last_seen_ms) if row.last_seen_ms is not None else "never",
        f"{row.battery_pct} %" if row.battery_pct is not None else "",
        local_time(row.cert_not_after_ms, "minutes").partition(" ")[0],
        str(_days_left(row)),
    ]
