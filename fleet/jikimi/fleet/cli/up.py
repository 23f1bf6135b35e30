"""`jikimi up`: run a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.ending import on_end_signals
from jikimi.fleet.cli.options import site_option

if TYPE_CHECKING:
    from jikimi.fleet.services import Status
    from jikimi.fleet.site import Site


@click.command("up")
@site_option
@click.option("--no-web", is_flag=True, help="Without the live page.")
@click.option("--mosquitto", is_flag=True, help="With Mosquitto (2.0, not included) instead of the site's own broker.")
def command(site: Site, no_web: bool, mosquitto: bool) -> None:
    """Run the broker, ingest and the live page of a site until Ctrl-C.

    A service that dies is started again; logs are in DIR/log.

    Example: jikimi up --site busan-1
    """
    from jikimi.fleet.services import Supervisor, standard_services  # slow import

    supervisor = Supervisor(site, standard_services(site, web=not no_web, other_broker=mosquitto), _say)
    with on_end_signals(supervisor.request_stop):
        try:
            supervisor.start()
            _say_where(site, supervisor.status())
            supervisor.wait()
        finally:
            supervisor.stop()
    _say("everything is stopped")


def _say_where(site: Site, services: list[Status]) -> None:
    if not all(service.ready for service in services):
        return  # stopped while starting
    endpoint, ports = site.endpoint(), site.ports()
    _say(f"devices connect to {endpoint.host}:{endpoint.port} (MQTT over TLS)")
    if any(service.name == "web" for service in services):
        _say(f"live page: http://{_browsable(site.settings.web.host)}:{ports.web}/")
    _say(f"logs: {site.log_dir}; Ctrl-C ends everything")


def _browsable(host: str) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared with, not listened on)
    return f"[{host}]" if ":" in host else host


def _say(line: str) -> None:
    click.echo(f"jikimi up: {line}", err=True)
