"""`jikimi demo`: the whole factory in one command."""

from __future__ import annotations

import json
import secrets
import sys
import threading
from pathlib import Path

import click
from click.core import ParameterSource

from jikimi.fleet.cli import demo_cluster
from jikimi.fleet.cli.ending import on_end_signals, place
from jikimi.fleet.cli.options import FiniteRange, place_option


@click.group("demo", invoke_without_command=True)
@click.option("--seconds", type=FiniteRange(min=1), help="How long the floor is open.  [default: until Ctrl-C]")
@click.option("--tags", type=click.IntRange(1, 64), default=8, show_default=True, help="Workers, each with a tag.")
@click.option("--machines", type=click.IntRange(1), default=3, show_default=True, help="Machines, each with a node.")
@click.option(
    "--recordings",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="SisFall recordings to move the workers with.  [default: motion from physics]",
)
@click.option("--no-web", is_flag=True, help="Without the live page.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, as the last line.")
@click.option("--seed", type=click.IntRange(0), help="The same seed acts the same shift.  [default: a random one]")
@place_option
@click.pass_context
def command(
    context: click.Context,
    seconds: float | None,
    tags: int,
    machines: int,
    recordings: Path | None,
    no_web: bool,
    as_json: bool,
    seed: int | None,
    directory: Path | None,
) -> None:
    """Run a factory: workers, machines, real firmware on emulated boards, a real broker, the fleet manager.

    Ends after --seconds, or on Ctrl-C, with an account of what was acted, detected, stored and lost.

    Falls, calls for help and machines that come too close are acted from the first seconds on. A run of 100 s or more,
    or without end, also has a worker who lies motionless for a minute; one of 400 s or more, with three tags or more,
    one who does not answer a check-in, and of 740 s or more one who answers the first and misses the second.

    Example: jikimi demo --seconds 20 --tags 3 --machines 2 --no-web
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    from jikimi.fleet.demo.requirements import check  # slow imports from here on

    check()
    from jikimi.fleet.demo.run import Factory, Options
    from jikimi.fleet.demo.view import view

    chosen = secrets.randbelow(10_000) if seed is None else seed
    stop = threading.Event()
    with place(directory) as where, on_end_signals(stop.set), view(terminal=sys.stderr.isatty()) as shown:
        options = Options(seconds, tags, machines, recordings, not no_web, chosen, where)
        with Factory(options, shown, stop) as factory:
            summary = factory.run()
    click.echo(json.dumps(summary.to_json()) if as_json else "\n".join(summary.lines()))


command.add_command(demo_cluster.command)


def _refuse_options(context: click.Context) -> None:
    """Those of the factory mean nothing to the commands below it."""
    for name in context.params:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"put options behind the word {context.invoked_subcommand}: they are its own")
