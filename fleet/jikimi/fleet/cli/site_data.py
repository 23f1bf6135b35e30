"""`jikimi site dead-letters`, `retention`, `backup`, `restore`: the data of a site."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, site_option
from jikimi.fleet.cli.show import local_time, print_rows

if TYPE_CHECKING:
    from jikimi.fleet.site import Site
    from jikimi.fleet.store import DeadLetterRow, DeletionRow

_MOST = 100_000
_SHOWN_BYTES = 16
_reason_option = click.option("--reason", metavar="CODE", help="Only those refused for this reason, such as version.")


@click.group("dead-letters")
def dead_letters() -> None:
    """Messages that could not be stored, kept as they came.

    Example: jikimi site dead-letters list
    """


@dead_letters.command("list")
@site_option
@json_option
@_reason_option
def list_(site: Site, as_json: bool, reason: str | None) -> None:
    """List the messages that could not be stored, newest first; reason codes are in proto/SPEC.md.

    Example: jikimi site dead-letters list --reason version --json
    """
    from jikimi.fleet.store import Store  # slow import

    with Store.open(site.database_url, site.name) as store:
        rows = store.dead_letters(_MOST, reason)
    if as_json:
        click.echo(json.dumps([{**asdict(row), "payload": row.payload.hex()} for row in rows], indent=1))
    else:
        print_rows(
            ("last", "times", "reason", "topic", "bytes", "begins"), [_letter_cells(row) for row in rows], empty="none"
        )


@dead_letters.command("retry")
@site_option
@json_option
@_reason_option
def retry_(site: Site, as_json: bool, reason: str | None) -> None:
    """Read them again, after an upgrade or when a device was registered after all; what can be stored now is stored.

    Example: jikimi site dead-letters retry --reason version
    """
    from jikimi.fleet.ingest.retry import retry  # slow imports
    from jikimi.fleet.store import Store

    with Store.open(site.database_url, site.name) as store:
        done = retry(site.name, store, store.dead_letters(_MOST, reason))
    if as_json:
        click.echo(json.dumps(asdict(done)))
    click.echo(f"read {done.read} with {done.stored} new records; {done.left} stay as they are", err=True)


@click.command("retention")
@site_option
@json_option
@click.option("--now", "at_once", is_flag=True, help="Delete what is due, instead of waiting for `jikimi up` to do it.")
def retention(site: Site, as_json: bool, at_once: bool) -> None:
    """What was deleted when, and the rules. `jikimi up` applies them every hour.

    A rule is what [retention] of site.toml says, or the data-use agreement where that is shorter. Records of open
    alarms are never deleted, and what is counted from records stays.

    Example: jikimi site retention --json
    """
    from jikimi.fleet.store import Store  # slow imports
    from jikimi.fleet.upkeep import delete_old, rules_of_retention

    with Store.open(site.database_url, site.name) as store:
        deleted = delete_old(site, store, time.time_ns() // 1_000_000) if at_once else []
        log, rules = store.deletions(), rules_of_retention(site, store)
    if as_json:
        found = {"rules": asdict(rules), "deleted": _plain(deleted), "log": _plain(log)}
        click.echo(json.dumps(found, indent=1))
    else:
        cells = [[local_time(row.at_ms), row.category, str(row.count), str(row.days)] for row in log]
        print_rows(("deleted", "category", "records", "older than, days"), cells, empty="nothing was deleted yet")


@click.command("backup")
@site_option
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False))
def backup(site: Site, file: str) -> None:
    """Write everything of a site that cannot be made again to FILE, while the site runs.

    Settings, keys, configuration, releases and the database; not what the broker holds (the devices hold it too), and
    no logs. FILE holds the site's private keys: keep it as safe as the site. A PostgreSQL database is written whole,
    other sites in it included.

    Example: jikimi site backup plant.tar
    """
    from jikimi.fleet.backup import backup as write  # slow import

    done = write(site, Path(file).absolute())
    click.echo(f"{done.n_bytes} bytes, database {done.engine}; it holds private keys", err=True)
    click.echo(done.path)


@click.command("restore")
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False))
@click.option("--database", "url", metavar="URL", help="An empty PostgreSQL database, instead of that in FILE.")
def restore(file: str, directory: str, url: str | None) -> None:
    """Make the site of a backup again in DIR, which must be new or empty. The old site must not run any more.

    Records that were stored after the backup, and that their devices have therefore forgotten, are gone:
    `jikimi report completeness` shows them as lost.

    Example: jikimi site restore plant.tar plant
    """
    from jikimi.fleet.backup import restore as make  # slow import

    site = make(Path(file).absolute(), Path(directory).absolute(), url)
    click.echo(f"Site {site.name} is back. Start it with: jikimi up --site {shlex.quote(str(directory))}", err=True)
    click.echo(site.path)


def _plain(rows: list[DeletionRow]) -> list[dict[str, object]]:
    return [asdict(row) for row in rows]


def _letter_cells(row: DeadLetterRow) -> list[str]:
    front = row.payload[:_SHOWN_BYTES].hex(" ")
    return [local_time(row.recv_ms), str(row.count), row.reason, row.topic, str(len(row.payload)), front]
