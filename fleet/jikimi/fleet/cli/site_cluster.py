"""`jikimi site cluster`, `jikimi site nodes`: a broker of several nodes."""

from __future__ import annotations

import json
from typing import Any

import click

from jikimi.fleet.cli.options import json_option, site_option
from jikimi.fleet.cli.show import print_rows
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.site import Site
from jikimi.fleet.site import cluster as clusters

_COLUMNS = ("node", "address", "here", "process", "devices", "state")


@click.command("cluster")
@site_option
@click.option("--node", "hosts", multiple=True, metavar="ADDRESS", help="IP address of a node; three or more.")
@click.option("--here", "count", type=int, metavar="N", help="Instead: N nodes on this machine, to try it out.")
@click.option("--workers", type=int, default=clusters.WORKERS, show_default=True, help="Of ingest, on each machine.")
@click.option("--partitions", type=int, default=clusters.PARTITIONS, show_default=True, help="Of the devices.")
def cluster(site: Site, hosts: tuple[str, ...], count: int | None, workers: int, partitions: int) -> None:
    """Let the site's broker run on several nodes, so that it stands when one of them dies.

    Writes cluster.toml. With nodes on several machines the database must be PostgreSQL; copy the site's directory to
    each machine (tls/ca.key.pem is needed only where devices are added) and run `jikimi up` there.

    Example: jikimi site cluster --here 3
    """
    if bool(hosts) == (count is not None):
        raise click.UsageError("name the nodes with --node, or say --here N")
    if hosts and site.database_url.startswith("sqlite"):
        raise click.UsageError("several machines need a database in common: set [database] url to a PostgreSQL")
    chosen = (
        clusters.on_machines(hosts, workers, partitions)
        if count is None
        else clusters.on_this_machine(count, workers, partitions)
    )
    _install(site, chosen)
    click.echo(site.path / clusters.FILE)
    click.echo(
        f"The broker has {len(chosen.nodes)} nodes from the next `jikimi up` on; "
        "devices provisioned from now on know them all.",
        err=True,
    )


@click.command("nodes")
@site_option
@json_option
def nodes(site: Site, as_json: bool) -> None:
    """List the nodes of the site's broker, and how those of this machine are.

    Example: jikimi site nodes --json
    """
    from jikimi.fleet import broker  # slow import

    rows = [_described(site, node, broker) for node in broker.nodes(site)]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        print_rows(
            _COLUMNS, [["" if value is None else str(value) for value in row.values()] for row in rows], empty="no node"
        )


def _install(site: Site, chosen: clusters.Cluster) -> None:
    from jikimi.fleet import broker  # slow imports
    from jikimi.fleet.services import refuse_running

    refuse_running(site)
    clusters.save(site.path, chosen)
    broker.issue_certificate(Site.open(site.path))


def _described(site: Site, node: Any, broker: Any) -> dict[str, Any]:
    row = {"node": node.name, "address": f"{node.host}:{node.mqtt}", "here": "yes" if node.here else "no"}
    if not node.here:
        return {**row, "process": None, "devices": None, "state": "elsewhere"}
    pid = broker.running_pid(site, node)
    try:
        seen = broker.monitor(site, "varz", node) if pid is not None else None
    except ServiceError:
        seen = None
    state = "stopped" if pid is None else "does not answer" if seen is None else "runs"
    return {**row, "process": pid, "devices": None if seen is None else seen["connections"], "state": state}
