"""`jikimi site mosquitto`: the same site behind another broker."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from jikimi.fleet.cli.options import site_option
from jikimi.fleet.site import Site


@click.command("mosquitto")
@site_option
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write.  [default: mosquitto in the site]",
)
def command(site: Site, out: Path | None) -> None:
    """Write a configuration for Mosquitto 2, with the same certificates and rules as the site's own broker.

    `jikimi up --mosquitto` does this by itself, and tells Mosquitto of each change to the devices. This is for one that
    is run by somebody else, on this machine or another: run it again after each change, and let Mosquitto read again
    what was written (mosquitto.conf, acl, revoked.pem).

    Example: jikimi site mosquitto --site busan-1
    """
    from jikimi.fleet import registry  # slow import
    from jikimi.fleet.broker import mosquitto

    path = registry.write_mosquitto(site, out or mosquitto.directory(site))
    click.echo(path)
    click.echo(f"Start it, as the owner of the site: mosquitto -c {path}", err=True)
    click.echo(f"After a change, run this again and then: kill -HUP $(cat {path.with_name('mosquitto.pid')})", err=True)
    click.echo(
        f"Both in one, with all other services: jikimi up --mosquitto --site {shlex.quote(str(site.path))}", err=True
    )
