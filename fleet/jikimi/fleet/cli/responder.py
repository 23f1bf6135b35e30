"""`jikimi alarm responder`: who may take alarms on at the live page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, site_option
from jikimi.fleet.cli.show import local_time, print_listing

if TYPE_CHECKING:
    from jikimi.fleet.alarms.responders import Responder
    from jikimi.fleet.site import Site


_NOBODY = "nobody may take alarms on at the page yet: `jikimi alarm responder add first-aider`"


@click.group("responder")
def responder() -> None:
    """Who may take alarms on at the live page: roles, each with a code.

    Example: jikimi alarm responder list
    """


@responder.command("add")
@site_option
@click.argument("role")
def add(site: Site, role: str) -> None:
    """Print a code with which ROLE, never a person, signs in at the live page to take alarms on.

    Example: jikimi alarm responder add first-aider
    """
    from jikimi.fleet.alarms import responders  # slow import

    click.echo(responders.add(site, role))
    click.echo(f"sign in with it at the live page, below the alarms, to take them on as {role}", err=True)


@responder.command("list")
@site_option
@json_option
def list_(site: Site, as_json: bool) -> None:
    """List the roles that have a code, and since when; the codes themselves are not kept.

    Example: jikimi alarm responder list --json
    """
    from jikimi.fleet.alarms import responders  # slow import

    def cells(row: Responder) -> list[str]:
        return [row.role, local_time(row.created_ms, "minutes")]

    print_listing(responders.responders(site), ("role", "since"), cells, as_json=as_json, empty=_NOBODY)


@responder.command("remove")
@site_option
@click.argument("role")
def remove(site: Site, role: str) -> None:
    """End the code of ROLE, also where it is signed in: from now on it takes on nothing.

    Example: jikimi alarm responder remove first-aider
    """
    from jikimi.fleet.alarms import responders  # slow import

    responders.remove(site, role)
    click.echo(f"{role} can take nothing on at the page any more", err=True)
