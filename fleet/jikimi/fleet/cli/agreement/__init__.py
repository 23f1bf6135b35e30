"""`jikimi agreement`: the data-use agreement, from the template to the signatures."""

from __future__ import annotations

import click

from jikimi.fleet.cli.agreement import listing, make, paper


@click.group("agreement")
def command() -> None:
    """What may be asked of the data about people's work: agreed on and signed by employer and workers.

    Example: jikimi agreement template > agreement.toml
    """


for _command in (
    make.template,
    make.key,
    make.propose,
    make.sign,
    make.take,
    listing.show,
    listing.explain,
    listing.diff,
    listing.history,
    paper.export,
    paper.verify,
):
    command.add_command(_command)
