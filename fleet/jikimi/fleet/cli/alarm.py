"""`jikimi alarm`: the alarms of a site."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, site_option
from jikimi.fleet.cli.responder import responder
from jikimi.fleet.cli.show import local_time, print_rows

if TYPE_CHECKING:
    from jikimi.fleet.site import Site
    from jikimi.fleet.store import AlarmRow, Store

_COLUMNS = ("id", "time", "alarm", "device", "zone", "state", "by", "waited")
_NONE_OPEN = "no open alarm"
_ROLE = re.compile(r"[a-z0-9-]{1,32}")


@click.group("alarm")
def command() -> None:
    """Alarms: falls, calls for help, no motion, faults.

    Example: jikimi alarm list
    """


@command.command("list")
@site_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Also alarms that are over, if the agreement covers it.")
def list_(site: Site, as_json: bool, everything: bool) -> None:
    """List the alarms that are not resolved, newest first.

    Those that are over name their tag, too, and are listed with --all for incident review: as far as the data-use
    agreement covers it, and noted in the audit log.

    Example: jikimi alarm list --site busan-1 --json
    """
    from jikimi.fleet.store import Store  # slow import

    with Store.open(site.database_url, site.name) as store:
        rows, empty = _all(store) if everything else (store.open_alarms(), _NONE_OPEN)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
    else:
        now_ms = time.time_ns() // 1_000_000
        print_rows(_COLUMNS, [_cells(row, now_ms) for row in rows], empty=empty)


@command.command("ack")
@site_option
@click.argument("alarm_id", metavar="ID")
@click.option("--by", "role", required=True, metavar="ROLE", help="Who takes it on: a role, never a person.")
def ack(site: Site, alarm_id: str, role: str) -> None:
    """Take an alarm on, and let the wearer of the tag know that somebody has.

    Example: jikimi alarm ack dq3k7xw2fa.3.1 --by first-aider
    """
    from jikimi.fleet.alarms import acknowledge  # slow imports
    from jikimi.fleet.store import Store

    if not _ROLE.fullmatch(role):
        raise click.BadParameter("a role is 1 to 32 of a-z, 0-9 and -, such as first-aider", param_hint="--by")
    with Store.open(site.database_url, site.name) as store:
        alarm = acknowledge(site, store, alarm_id, role)
    click.echo(f"{alarm.kind} of {alarm.name} is {alarm.state} (first by {alarm.acknowledged_by})", err=True)


command.add_command(responder)


def _all(store: Store) -> tuple[list[AlarmRow], str]:
    """All that may be listed, alarms that are not over whatever is agreed on; and what to say where there is none."""
    from jikimi.fleet.questions import Questions, RefusedError  # slow import

    try:
        return Questions(store).alarms().rows, "no alarm yet"
    except RefusedError as error:
        click.echo(f"jikimi: {error}", err=True)
        return store.open_alarms(), _NONE_OPEN


def _cells(row: AlarmRow, now_ms: int) -> list[str]:
    who = row.acknowledged_by or row.resolved_why or ""
    return [row.id, local_time(row.t_ms), row.kind, row.name, row.zone, row.state, who, _waited(row, now_ms)]


def _waited(row: AlarmRow, now_ms: int) -> str:
    """Minutes and seconds for which an alarm waits for a person, or did until one took it on or it ended."""
    ends = [end for end in (row.acknowledged_ms, row.resolved_ms) if end is not None]
    seconds = max(0, (min(ends, default=now_ms) - row.t_ms) // 1000)
    return f"{seconds // 60}:{seconds % 60:02}"
