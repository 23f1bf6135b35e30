"""`jikimi site`: make a site."""

from __future__ import annotations

import shlex

import click

from jikimi.fleet.cli import site_cluster, site_data, site_mosquitto
from jikimi.fleet.cli.technician import merge, technician
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, DatabaseSettings, WebSettings

_PORT = click.IntRange(0, 65535)


def _database(_context: click.Context, _parameter: click.Parameter, url: str | None) -> DatabaseSettings:
    """Settings with the address, if a database answers there."""
    if url is None:
        return DatabaseSettings()
    try:
        settings = DatabaseSettings(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if not url.startswith("sqlite"):
        from jikimi.fleet.store import Store  # slow import, only needed here

        Store.open(url, "").close()
    return settings


@click.group("site")
def command() -> None:
    """A site is one directory: settings, certificate authority, broker, database, logs.

    Example: jikimi site init plant
    """


for _command in (site_cluster.cluster, site_cluster.nodes):
    command.add_command(_command)
for _data_command in (site_data.backup, site_data.dead_letters, site_data.restore, site_data.retention):
    command.add_command(_data_command)


command.add_command(site_mosquitto.command)
command.add_command(technician)
command.add_command(merge)


@command.command("init")
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False))
@click.option("--name", help="1 to 32 of a-z, 0-9 and -.  [default: the name of DIR]")
@click.option("--mqtt-port", type=_PORT, default=BrokerSettings.mqtt_port, show_default=True, help="0: a free one.")
@click.option("--web-port", type=_PORT, default=WebSettings.port, show_default=True, help="0: a free one.")
@click.option("--database", "url", metavar="URL", callback=_database, help="PostgreSQL instead of a file in DIR.")
def init(directory: str, name: str | None, mqtt_port: int, web_port: int, url: DatabaseSettings) -> None:
    """Make a site in DIR, which must be new or empty.

    With --database postgresql://USER@HOST/NAME the database must be there and let USER make tables; several sites can
    share it.

    Example: jikimi site init busan-1
    """
    settings = Settings(broker=BrokerSettings(mqtt_port=mqtt_port), web=WebSettings(port=web_port), database=url)
    site = Site.init(directory, name, settings)
    click.echo(f"Site {site.name} is ready. Start it with: jikimi up --site {shlex.quote(str(directory))}", err=True)
    click.echo(site.path)
