"""`jikimi device`: the devices of a site, one module for each thing that is done with them."""

from __future__ import annotations

import click

from jikimi.fleet.cli.device.add import add
from jikimi.fleet.cli.device.change import assign_zone_, rename_, retire_, revoke_
from jikimi.fleet.cli.device.flash import flash_
from jikimi.fleet.cli.device.listing import list_, show
from jikimi.fleet.cli.device.provision import provision_
from jikimi.fleet.cli.device.service import doctor, rotate, wipe_


@click.group("device")
def command() -> None:
    """Devices of a site: tags on people, nodes on machines.

    Example: jikimi device list
    """


for _one in (
    add,
    assign_zone_,
    doctor,
    flash_,
    list_,
    provision_,
    rename_,
    retire_,
    revoke_,
    rotate,
    show,
    wipe_,
):
    command.add_command(_one)
