"""`jikimi bench`: how much a machine can take."""

from __future__ import annotations

import json

import click

from jikimi.fleet.cli.options import FiniteRange, json_option


@click.group("bench")
def command() -> None:
    """Measure what this machine can take.

    Example: jikimi bench load --seconds 10 --tags 100
    """


@command.command("load")
@click.option(
    "--seconds",
    type=FiniteRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="How long the tags send.",
)
@click.option("--tags", type=click.IntRange(1, 20_000), default=100, show_default=True, help="Connections.")
@click.option("--batch", type=click.IntRange(1, 50), default=20, show_default=True, help="Events in a message.")
@click.option("--nodes", type=click.IntRange(1, 9), default=1, show_default=True, help="Of the broker: 3, 5, …")
@click.option("--database", metavar="URL", help="Of a PostgreSQL that is there, instead of SQLite.")
@click.option("--site", "directory", type=click.Path(file_okay=False), help="Load this site, which is up, instead.")
@json_option
def load(
    seconds: float, tags: int, batch: int, nodes: int, database: str | None, directory: str | None, as_json: bool
) -> None:
    """Load a temporary site with tags over TLS, as fast as it stores what they send.

    The site has a broker, ingest and a database of its own, which go with it. With --site a running one is loaded:
    the tags are added to it and retired at the end, and their records stay there.

    Example: jikimi bench load --seconds 10 --tags 1000 --json
    """
    from jikimi.fleet.load import load_own_site, load_site  # slow import
    from jikimi.fleet.site import Site

    if directory is not None and (nodes > 1 or database is not None):
        raise click.UsageError("a site that is up has its own broker and database: leave --nodes and --database out")
    if directory is None:
        report = load_own_site(seconds, tags, batch, _say, nodes=nodes, database=database)
    else:
        report = load_site(Site.open(directory), seconds, tags, batch, _say)
    if as_json:
        click.echo(json.dumps(report._asdict()))
        return
    latency = report.commit_latency_ms
    click.echo(f"{report.events_per_s} events/s in {report.messages_per_s} messages/s from {report.tags} tags")
    click.echo(f"publish to committed and acknowledged: p50 {latency['p50']} ms, p99 {latency['p99']} ms")
    click.echo(f"lost {report.lost}, doubled {report.duplicates}, sent again {report.resent}")


def _say(line: str) -> None:
    click.echo(f"jikimi bench: {line}", err=True)
