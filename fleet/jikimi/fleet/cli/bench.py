"""`jikimi bench`: how much a machine can take."""

from __future__ import annotations

import json

import click

from jikimi.fleet.cli.options import FiniteRange, json_option


@click.group("bench")
def command() -> None:
    """Measure what this machine can take."""


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
@json_option
def load(seconds: float, tags: int, batch: int, as_json: bool) -> None:
    """Load a temporary site with tags over TLS, as fast as it stores what they send.

    The site has a broker, ingest and a database of its own, which go with it.

    Example: jikimi bench load --seconds 10 --tags 1000 --json
    """
    from jikimi.fleet.load import run  # slow import

    report = run(seconds, tags, batch, lambda line: click.echo(f"jikimi bench: {line}", err=True))
    if as_json:
        click.echo(json.dumps(report._asdict()))
        return
    latency = report.commit_latency_ms
    click.echo(f"{report.events_per_s} events/s in {report.messages_per_s} messages/s from {report.tags} tags")
    click.echo(f"publish to committed and acknowledged: p50 {latency['p50']} ms, p99 {latency['p99']} ms")
    click.echo(f"lost {report.lost}, doubled {report.duplicates}, sent again {report.resent}")
