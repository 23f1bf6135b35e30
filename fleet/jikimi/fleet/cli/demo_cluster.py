"""`jikimi demo cluster`: a cluster on this machine, which survives what is killed."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click

from jikimi.fleet.cli.ending import on_end_signals, place
from jikimi.fleet.cli.options import FiniteRange, json_option, place_option


@click.command("cluster")
@click.option("--nodes", type=click.Choice(("3", "5")), default="3", show_default=True, help="Of the broker.")
@click.option("--workers", type=click.IntRange(1, 8), default=2, show_default=True, help="Of ingest.")
@click.option("--tags", type=click.IntRange(1, 200), default=12, show_default=True, help="Simulated, 40 events/s each.")
@click.option(
    "--database",
    type=click.Choice(("sqlite", "postgresql")),
    help="postgresql: a server of its own.  [default: PostgreSQL where it is installed and no --dir is given]",
)
@click.option(
    "--kill",
    type=click.Choice(("auto", "none")),
    default="auto",
    show_default=True,
    help="auto: the node that leads, a worker and PostgreSQL, in turn.",
)
@click.option(
    "--pause",
    "pause_s",
    type=FiniteRange(min=1, max=600),
    default=8,
    show_default=True,
    help="Seconds between two kills, and those for which what was killed stays away.",
)
@click.option(
    "--seconds", type=FiniteRange(min=1), help="How long tags report.  [default: until the last kill is over]"
)
@place_option
@json_option
def command(
    nodes: str,
    workers: int,
    tags: int,
    database: str | None,
    kill: str,
    pause_s: float,
    seconds: float | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Run a broker of three nodes, workers and reporting tags on this machine, and kill parts of it.

    The terminal shows every process, and what becomes of every event. Kill any of them yourself at any moment, with
    kill -9 and the PID shown: it is noticed, told, and started again after --pause. With --kill none nothing else
    is killed, and the tags report until Ctrl-C.

    Ends with an account; exit code 0 only if nothing was lost, nothing doubled and each tag's order kept.

    Example: jikimi demo cluster --tags 6 --pause 3
    """
    if directory is not None and database == "postgresql":
        raise click.UsageError("the PostgreSQL goes with the demo, a site in DIR stays: leave one of the two out")
    from jikimi.fleet.drill import requirements  # slow imports from here on

    requirements.check(directory or Path(tempfile.gettempdir()), postgresql=database == "postgresql")
    from jikimi.fleet.drill import database as databases
    from jikimi.fleet.drill.options import Options, Stop
    from jikimi.fleet.drill.run import Drill
    from jikimi.fleet.drill.view import view

    postgresql = database == "postgresql" if database or directory else databases.missing() is None
    stop = Stop()
    with place(directory) as where, on_end_signals(stop.ask), view(terminal=sys.stderr.isatty()) as shown:
        options = Options(
            nodes=int(nodes),
            workers=workers,
            tags=tags,
            postgresql=postgresql,
            kill=kill == "auto",
            pause_s=pause_s,
            seconds=seconds,
            directory=where,
            kept=directory is not None,
        )
        with Drill(options, shown, stop) as drill:
            summary = drill.run()
    click.echo(json.dumps(summary.to_json()) if as_json else "\n".join(summary.lines()))
    if not summary.well:
        sys.exit(1)
