"""`jikimi config`: what devices are set to, as a file under version control."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jikimi.fleet.cli.options import FiniteRange, json_option, site_option
from jikimi.fleet.cli.show import NO_DEVICE, print_rows

if TYPE_CHECKING:
    from jikimi.fleet.configuration import Desired
    from jikimi.fleet.configuration.plan import Plan
    from jikimi.fleet.site import Site

_POLL_S = 0.5
_file_option = click.option(
    "--file",
    "path",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The desired state.  [default: fleet.toml of the site]",
)


@click.group("config")
def command() -> None:
    """Settings of devices: fleet.toml says what they shall be, for all, by kind, by zone, by device.

    Example: jikimi config export > fleet.toml
    """


@command.command("plan")
@site_option
@_file_option
@json_option
def plan(site: Site, path: Path | None, as_json: bool) -> None:
    """Show what `apply` would change, setting by setting; changes nothing.

    Example: jikimi config plan --site busan-1
    """
    from jikimi.fleet.configuration import plan as planning  # slow import

    _print(planning.make(site, _desired(site, path)), as_json)


@command.command("apply")
@site_option
@_file_option
@click.option(
    "--wait",
    "wait_s",
    metavar="SECONDS",
    type=FiniteRange(0),
    help="Wait so long for reports that they run it.",
)
@json_option
@click.pass_context
def apply(context: click.Context, site: Site, path: Path | None, wait_s: float | None, as_json: bool) -> None:
    """Sign the settings of all devices that change and offer them; prints what changed.

    Devices take them over when they are there, and go back by themselves if they cannot connect with them. With --wait
    the exit code is 1 when one of them has not reported by then.

    Example: jikimi config apply --site busan-1
    """
    from jikimi.fleet.configuration import plan as planning  # slow imports
    from jikimi.fleet.configuration.offer import offer_all

    done = planning.apply(site, _desired(site, path))
    _print(done, as_json)
    reached = offer_all(site, list(done.wanted))
    if done.wanted:
        what = "are told now" if reached else "will be told when the site is up"
        click.echo(f"{len(done.wanted)} devices {what}", err=True)
    if wait_s is not None:
        left = _waited(site, set(done.wanted), wait_s)
        for line in left:
            click.echo(line, err=True)
        context.exit(1 if left else 0)


@command.command("drift")
@site_option
@json_option
@click.pass_context
def drift(context: click.Context, site: Site, as_json: bool) -> None:
    """Show which devices run what they were told; exit code 1 when one refused it or runs something else.

    Example: jikimi config drift --json
    """
    from jikimi.fleet.configuration import drift as drifting  # slow import

    rows = drifting.statuses(site)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
    else:
        columns = ("id", "name", "state", "sequence", "wanted", "reported", "reason")
        cells = [[str(cell) if cell is not None else "" for cell in asdict(row).values()] for row in rows]
        print_rows(columns, cells, empty=NO_DEVICE)
    context.exit(1 if any(row.state in (drifting.REFUSED, drifting.DIFFERS) for row in rows) else 0)


@command.command("export")
@site_option
def export(site: Site) -> None:
    """Print the desired state that was applied last, or a first one to begin with.

    Example: jikimi config export > fleet.toml
    """
    from jikimi.fleet import configuration  # slow import

    click.echo(configuration.render(configuration.in_force(site)), nl=False)


@command.command("import")
@site_option
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(site: Site, path: Path) -> None:
    """Check FILE and make it the site's fleet.toml; `plan` and `apply` come after that.

    Example: jikimi config import fleet.toml
    """
    from jikimi.fleet import configuration  # slow imports
    from jikimi.fleet.configuration import plan as planning
    from jikimi.fleet.site.files import write_atomic

    desired = configuration.load(path)
    planning.make(site, desired)  # refuses what is wrong for any device
    write_atomic(site.path / configuration.DESIRED, configuration.render(desired))
    click.echo(f"{site.path / configuration.DESIRED} is in place: `jikimi config plan` shows what it changes", err=True)


def _waited(site: Site, devices: set[str], wait_s: float) -> list[str]:
    """Until all `devices` are in sync, or the time is over; a line for each that is not."""
    from jikimi.fleet.configuration import drift as drifting

    deadline = time.monotonic() + wait_s
    while True:
        left = [row for row in drifting.statuses(site) if row.device in devices and row.state != drifting.IN_SYNC]
        if not left or time.monotonic() > deadline:
            return [f"{row.device} {row.name}: {row.state} {row.reason}".rstrip() for row in left]
        time.sleep(_POLL_S)


def _desired(site: Site, path: Path | None) -> Desired:
    from jikimi.fleet import configuration

    return configuration.load(path or site.path / configuration.DESIRED)


def _print(done: Plan, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(change) for change in done.changes], ensure_ascii=False, indent=1))
        return
    for change in done.changes:
        click.echo(f"{change.device}  {change.name}  {change.key}: {_shown(change.old)} -> {_shown(change.new)}")
    if not done.changes:
        click.echo("nothing to change", err=True)


def _shown(value: Any) -> str:
    return "(none)" if value is None else json.dumps(value, ensure_ascii=False)
