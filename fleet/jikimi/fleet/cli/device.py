"""`jikimi device`: the devices of a site."""

from __future__ import annotations

import datetime
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, site_option

if TYPE_CHECKING:
    from jikimi.fleet.registry import Device, DeviceFiles
    from jikimi.fleet.site import Site

_COLUMNS = ("id", "kind", "name", "zone", "state", "online", "last seen", "battery", "cert until")


@click.group("device")
def command() -> None:
    """Devices of a site: tags on people, nodes on machines."""


@command.command("list")
@site_option
@json_option
def list_(site: Site, as_json: bool) -> None:
    """List all devices, revoked ones included.

    Example: jikimi device list --site busan-1 --json
    """
    from jikimi.fleet.registry import devices  # slow import

    rows = devices(site)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
    elif sys.stdout.isatty():
        _print_table(rows)
    else:
        for row in rows:
            click.echo("\t".join(_cells(row)))


@command.command("add")
@site_option
@json_option
@click.option("--kind", required=True, type=click.Choice(["tag", "node"]), help="On a person, or on a machine.")
@click.option("--name", required=True, help="What the label or the machine plate says; never a person.")
@click.option("--zone", required=True, help="Where it is used; a zone of the floor plan.")
@click.option("--machine-kind", help="Nodes: forklift, press, cobot, …")
@click.option(
    "--out",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="New directory for the device's files.",
)
def add(site: Site, as_json: bool, kind: str, name: str, zone: str, machine_kind: str | None, out: Path) -> None:
    """Register a device and write its ca.der, cert.der and key.der to DIR; prints its id.

    The private key is kept nowhere else.

    Example: jikimi device add --kind tag --name "Tag 7" --zone press-hall --out tag-7
    """
    from jikimi.fleet.registry import add_device  # slow import

    _make_place(out)
    files = add_device(site, kind, name, zone, machine_kind)
    files.write_tls(out)
    click.echo(json.dumps(_described(files), ensure_ascii=False) if as_json else files.device)


@command.command("revoke")
@site_option
@click.argument("device", metavar="ID")
def revoke_(site: Site, device: str) -> None:
    """Shut a device out for good, at once.

    Example: jikimi device revoke dq3k7xw2fa
    """
    from jikimi.fleet.registry import revoke  # slow import

    revoke(site, device)
    click.echo(f"{device} is revoked", err=True)


def _make_place(out: Path) -> None:
    """Before the device is registered: a directory that can take its only key, and does not hold another one."""
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"cannot make {out}: {error.strerror}") from error
    if (out / "key.der").exists():
        raise click.UsageError(f"{out} already holds the key of a device: name another directory with --out")


def _described(files: DeviceFiles) -> dict[str, object]:
    broker = asdict(files.broker)
    named = {"device": files.device, "site": files.site, "kind": files.kind, "name": files.name}
    return {**named, "zone": files.zone, "machine_kind": files.machine_kind, "broker": broker}


def _print_table(rows: list[Device]) -> None:
    from rich.console import Console  # slow imports, only for people
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in _COLUMNS:
        table.add_column(column, no_wrap=column in ("id", "cert until"))
    for row in rows:
        table.add_row(*(Text(cell) for cell in _cells(row)), style="dim" if row.state == "revoked" else None)
    Console().print(table)


def _cells(row: Device) -> list[str]:
    return [
        row.device,
        row.kind,
        row.name,
        row.zone,
        row.state,
        "yes" if row.online else "no",
        _local(row.last_seen_ms, "seconds") if row.last_seen_ms is not None else "never",
        f"{row.battery_pct} %" if row.battery_pct is not None else "",
        _local(row.cert_not_after_ms, "minutes").partition(" ")[0],
    ]


def _local(epoch_ms: int, unit: str) -> str:
    moment = datetime.datetime.fromtimestamp(epoch_ms / 1000, datetime.UTC).astimezone()
    return moment.replace(tzinfo=None).isoformat(" ", unit)
