"""`jikimi audit`: who asked what about people's work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, site_option
from jikimi.fleet.cli.show import local_time, print_json, print_listing

if TYPE_CHECKING:
    from jikimi.fleet.site import Site
    from jikimi.fleet.store import AuditRow


@click.group("audit")
def command() -> None:
    """Who asked what about people's work, and each step of the agreement; a log that is only ever added to.

    Example: jikimi audit list
    """


@command.command("list")
@site_option
@json_option
@click.option("--limit", type=click.IntRange(1), help="Only the newest so many.  [default: all]")
def list_(site: Site, as_json: bool, limit: int | None) -> None:
    """List what was asked, oldest first: by which role or from where, for which purpose, and how many rows it got.

    Example: jikimi audit list --limit 20 --json
    """
    from jikimi.fleet.store import Store  # slow import

    with Store.open(site.database_url, site.name) as store:
        rows = store.audit_log(limit)
    columns = ("number", "time", "who", "purpose", "question", "outcome", "rows")
    print_listing(rows, columns, _cells, as_json=as_json, empty="nothing was asked yet")


@command.command("verify")
@site_option
@json_option
@click.option("--head", metavar="NUMBER:DIGEST", help="The log must go through this head, which was noted earlier.")
def verify(site: Site, as_json: bool, head: str | None) -> None:
    """Verify that no entry was changed, taken out or moved, and print the head.

    The end of a log can be cut off unseen, unless somebody outside has noted a head: give it with --head.

    Example: jikimi audit verify
    """
    from jikimi.fleet.store import Store, audit  # slow import

    with Store.open(site.database_url, site.name) as store:
        rows = store.audit_log()
    found = audit.check(site.name, rows, head)
    if as_json:
        print_json({"site": site.name, "entries": len(rows), "head": found})
        return
    click.echo(found)
    click.echo(f"{len(rows)} entries, none changed, missing or moved", err=True)


@command.command("head")
@site_option
def head(site: Site) -> None:
    """Print the number and digest of the last entry, to be noted by the workers' representative now and then.

    Example: jikimi audit head
    """
    from jikimi.fleet.store import Store, audit  # slow import

    with Store.open(site.database_url, site.name) as store:
        click.echo(audit.check(site.name, store.audit_log()))


def _cells(row: AuditRow) -> list[str]:
    n_rows = "" if row.n_rows is None else str(row.n_rows)
    return [str(row.number), local_time(row.at_ms), row.who, row.purpose, row.question, row.outcome, n_rows]
