"""`jikimi site technician` and `jikimi site merge`: enrolling away from the site."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, site_option
from jikimi.fleet.cli.show import local_time, print_rows

if TYPE_CHECKING:
    from jikimi.fleet.site import Site


@click.group("technician")
def technician() -> None:
    """Credentials that can enrol devices away from the site, until a date, and nothing else.

    Example: jikimi site technician list
    """


@technician.command("add")
@site_option
@click.argument("name")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 60), help="How long it can be used.")
@click.option("--devices", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many it can enrol.")
@click.option(
    "--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="New directory for the bundle."
)
def add(site: Site, name: str, days: int, devices: int, out: Path) -> None:
    """Make a bundle for a technician; NAME is a role or a company, never a person.

    Example: jikimi site technician add contractor --days 7 --devices 20 --out bundle
    """
    from jikimi.fleet.provision import bundle  # slow import

    made = bundle.make(site, name, days, devices, out)
    click.echo(f"{out}: {made.devices} devices until {local_time(made.not_after_ms, 'minutes')}", err=True)


@technician.command("list")
@site_option
@json_option
def list_(site: Site, as_json: bool) -> None:
    """List all credentials: until when, how many devices, how many are merged.

    Example: jikimi site technician list --json
    """
    from jikimi.fleet.registry import vouchers  # slow import

    rows = vouchers.technicians(site)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
        return
    cells = [
        (
            row.name,
            "revoked" if row.revoked_ms else local_time(row.not_after_ms, "minutes"),
            str(row.devices),
            str(row.merged),
        )
        for row in rows
    ]
    print_rows(
        ("name", "until", "devices", "merged"),
        cells,
        empty="no technician yet: `jikimi site technician add` makes a bundle for one",
    )


@technician.command("revoke")
@site_option
@click.argument("name")
def revoke(site: Site, name: str) -> None:
    """End a credential: what it enrolled and was not merged stays shut out.

    Example: jikimi site technician revoke contractor
    """
    from jikimi.fleet.registry import vouchers  # slow import

    vouchers.revoke(site, name)
    click.echo(f"{name} is revoked", err=True)


@click.command("merge")
@site_option
@click.argument("bundle", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_context
def merge(context: click.Context, site: Site, bundle: Path) -> None:
    """Take over what was enrolled with a technician's bundle; prints the devices, exit code 1 when one is refused.

    Example: jikimi site merge bundle
    """
    from jikimi.fleet.provision import bundle as bundles  # slow import

    taken, refused = bundles.merge(site, bundle)
    for device in taken:
        click.echo(device)
    for device, reason in refused.items():
        click.echo(f"{device}: {reason}", err=True)
    context.exit(1 if refused else 0)
