"""`jikimi release`: signed releases of the device application, and how they reach the devices."""

from __future__ import annotations

import click

from jikimi.fleet.cli.release.key import key
from jikimi.fleet.cli.release.listing import devices_, list_
from jikimi.fleet.cli.release.make import build_, publish_, sign_, verify_
from jikimi.fleet.cli.release.rollout import rollout


@click.group("release")
def command() -> None:
    """Releases of the device application: build, sign, publish, roll out.

    Example: jikimi release list
    """


for _one in (build_, devices_, key, list_, publish_, rollout, sign_, verify_):
    command.add_command(_one)
