"""`jikimi device doctor|rotate|wipe`: what a technician does with a device in trouble, or at the end of its life."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, site_option
from jikimi.fleet.cli.show import NO_DEVICE, print_json

if TYPE_CHECKING:
    from jikimi.fleet.provision.visit import Report
    from jikimi.fleet.site import Site

_PERSON_S = 60.0
_port = click.option("--port", required=True, metavar="PORT", help="Serial port of the board.")


@click.command("doctor")
@site_option
@click.argument("device", metavar="[ID]", required=False)
@click.option("--port", metavar="PORT", help="Examine the board at this port instead.")
@click.option("--near", is_flag=True, help="With --port: a working device lies beside it, so that it must hear it.")
@json_option
@click.pass_context
def doctor(context: click.Context, site: Site, device: str | None, port: str | None, near: bool, as_json: bool) -> None:
    """Find the cause of a device's trouble and say what to do; exit code 1 when something is wrong.

    Without --port: what the site has heard, of one device or of all. With it: the board itself, which is restarted.

    Example: jikimi device doctor --port /dev/ttyACM0
    """
    from jikimi.fleet.provision import visit  # slow import

    if port is not None and device is not None:
        raise click.UsageError("name a device or a port, not both")
    if port is not None:
        reports = [visit.at_port(site, port, _say, near=near, person_s=_patience_s())]
    else:
        reports = visit.from_here(site, device)
    _print(reports, as_json)
    context.exit(1 if any(report.findings for report in reports) else 0)


@click.command("rotate")
@site_option
@_port
def rotate(site: Site, port: str) -> None:
    """Give the device at a port a new key and certificate under its old id; the old ones are void.

    Example: jikimi device rotate --port /dev/ttyACM0
    """
    from jikimi.fleet.errors import BoardError
    from jikimi.fleet.provision import Batch, SiteEnroller, provision  # slow imports
    from jikimi.fleet.registry import Description

    batch = Batch([], Description("tag", "", ""), lambda _name: False)  # only a known board can be rotated
    (result,) = provision(SiteEnroller(site), [port], batch, say=_say, person_s=_patience_s(), new_key=True)
    if result.result != "pass":
        raise BoardError(result.reason)
    click.echo(result.id)


@click.command("wipe")
@site_option
@_port
@click.confirmation_option(prompt="Everything on this board will be erased. Go on?")
def wipe_(site: Site, port: str) -> None:
    """Erase a board: keys, settings, journal, application. Its device is `wiped`; the board may be provisioned again.

    Example: jikimi device wipe --port /dev/ttyACM0 --yes
    """
    from jikimi.fleet.provision.wipe import wipe  # slow import

    device = wipe(site, port, _say, person_s=_patience_s())
    click.echo(f"the board at {port} is blank" + (f", {device} is wiped" if device else ""), err=True)


def _print(reports: list[Report], as_json: bool) -> None:
    if as_json:
        print_json([_row(report) for report in reports])
        return
    if not reports:
        _say(NO_DEVICE)
    for report in reports:
        name = " ".join(part for part in (report.device, report.port) if part)
        if not report.findings:
            click.echo(f"{name}: nothing wrong is known")
        for found in report.findings:
            click.echo(f"{name}: {found.code}{f' ({found.seen})' if found.seen else ''}")
            click.echo(f"    {found.remedy}\n    {found.remedy_ko}")


def _row(report: Report) -> dict[str, object]:
    findings = [
        {"code": found.code, "seen": found.seen, "remedy": found.remedy, "remedy_ko": found.remedy_ko}
        for found in report.findings
    ]
    return {"id": report.device, "port": report.port, "findings": findings}


def _say(text: str) -> None:
    click.echo(text, err=True)


def _patience_s() -> float:
    return _PERSON_S if sys.stdin.isatty() and sys.stderr.isatty() else 0.0
