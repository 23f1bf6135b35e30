"""`jikimi site mosquitto`: the same site behind another broker."""

from __future__ import annotations

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

    Writes mosquitto.conf, acl and revoked.pem. Run it again after each change to the devices, and let Mosquitto read
    it again as it says; `jikimi up` starts the site's own broker, so then start the services one by one.

    Example: jikimi site mosquitto --site busan-1
    """
    from jikimi.fleet import registry  # slow import

    path = registry.write_mosquitto(site, out or site.path / "mosquitto")
    click.echo(path)
    click.echo(f"Start it, as the owner of the site: mosquitto -c {path}", err=True)
    click.echo(f"After a change, run this again and then: kill -HUP $(cat {path.with_name('mosquitto.pid')})", err=True)
    click.echo(f"Ingest beside it: python -m jikimi.fleet.ingest --site {site.path}", err=True)
