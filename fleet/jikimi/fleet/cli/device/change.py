"""`jikimi device rename|assign-zone|revoke|retire`: what is done to a device in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import site_option

if TYPE_CHECKING:
    from jikimi.fleet.site import Site

_device = click.argument("device", metavar="ID")


@click.command("rename")
@site_option
@_device
@click.argument("name")
def rename_(site: Site, device: str, name: str) -> None:
    """Change what a device's label or plate says.

    Example: jikimi device rename dq3k7xw2fa "Tag 12"
    """
    from jikimi.fleet.registry import rename  # slow import

    rename(site, device, name)
    click.echo(f"{device} is called {name}", err=True)


@click.command("assign-zone")
@site_option
@_device
@click.argument("zone")
def assign_zone_(site: Site, device: str, zone: str) -> None:
    """Change where a device is used; `jikimi config apply` tells the device.

    Example: jikimi device assign-zone dq3k7xw2fa press-hall
    """
    from jikimi.fleet.registry import assign_zone  # slow import

    assign_zone(site, device, zone)
    click.echo(f"{device} is used in {zone}", err=True)


@click.command("revoke")
@site_option
@_device
def revoke_(site: Site, device: str) -> None:
    """Shut a device out, at once: lost, stolen, or no longer trusted.

    Example: jikimi device revoke dq3k7xw2fa
    """
    from jikimi.fleet.registry import revoke  # slow import

    revoke(site, device)
    click.echo(f"{device} is revoked", err=True)


@click.command("retire")
@site_option
@_device
def retire_(site: Site, device: str) -> None:
    """Take a device out of the fleet for good; its id is never used again.

    Example: jikimi device retire dq3k7xw2fa
    """
    from jikimi.fleet.registry import retire  # slow import

    retire(site, device)
    click.echo(f"{device} is retired", err=True)
