"""`jikimi release rollout`: a published release on its way to the devices."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import arch_option, json_option, site_option
from jikimi.fleet.cli.show import local_time, print_json, print_rows

if TYPE_CHECKING:
    from jikimi.fleet.rollout import Row
    from jikimi.fleet.site import Site

_ROLLOUTS = ("rollout", "release", "state", "why", "stage", "devices", "changed")
_DEVICES = ("device", "stage", "state", "offers", "why")

_number = click.argument("number", type=click.IntRange(min=1))


def _shares(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter("numbers with commas between, such as 10,50,100") from None


@click.group("rollout")
def rollout() -> None:
    """Releases on their way to devices: canary, cohorts, thresholds, approval by a second person.

    Example: jikimi release rollout status
    """


@rollout.command("start")
@site_option
@json_option
@click.option("--sequence", required=True, type=click.IntRange(min=1), help="The published release.")
@arch_option
@click.option("--by", required=True, metavar="ROLE", help="Who asks for it; a role, such as maintenance.")
@click.option("--device", "devices", multiple=True, metavar="ID", help="Only these, canaries first.  [default: all]")
@click.option("--canary", type=click.IntRange(min=1), default=1, show_default=True, help="Devices of the first stage.")
@click.option(
    "--shares",
    default="10,50,100",
    show_default=True,
    callback=lambda _context, _parameter, value: _shares(value),
    help="Percent of the others, stage by stage.",
)
@click.option(
    "--success", type=click.IntRange(1, 100), default=90, show_default=True, help="Percent of a stage to open the next."
)
@click.option(
    "--errors",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="Percent of a stage to stop everything.",
)
@click.option(
    "--timeout-min", type=click.IntRange(min=1), default=1440, show_default=True, help="For one device, from its offer."
)
def rollout_start(
    site: Site,
    as_json: bool,
    sequence: int,
    arch: str,
    by: str,
    devices: tuple[str, ...],
    canary: int,
    shares: tuple[int, ...],
    success: int,
    errors: int,
    timeout_min: int,
) -> None:
    """Plan a rollout; it begins when a second person approves. Prints its number.

    Example: jikimi release rollout start --sequence 8 --by maintenance --canary 2
    """
    from jikimi.fleet.rollout import Plan, start_rollout  # slow import

    plan = Plan(
        canary=canary,
        shares=shares,
        success_percent=success,
        error_percent=errors,
        timeout_ms=timeout_min * 60_000,
    )
    number = start_rollout(site, arch, sequence, plan, by, list(devices) or None)
    click.echo(json.dumps({"rollout": number}) if as_json else str(number))
    click.echo(f"waits for a second person: jikimi release rollout approve {number} --by ROLE", err=True)


@rollout.command("approve")
@site_option
@_number
@click.option("--by", required=True, metavar="ROLE", help="Who approves; not who asked for it.")
def rollout_approve(site: Site, number: int, by: str) -> None:
    """Approve a rollout that somebody else has asked for: it begins.

    Example: jikimi release rollout approve 1 --by safety-manager
    """
    from jikimi.fleet.rollout import approve_rollout  # slow import

    approve_rollout(site, number, by)


@rollout.command("pause")
@site_option
@_number
def rollout_pause(site: Site, number: int) -> None:
    """Offer the release to no more devices for now.

    Example: jikimi release rollout pause 1
    """
    from jikimi.fleet.rollout import pause_rollout  # slow import

    pause_rollout(site, number)


@rollout.command("resume")
@site_option
@_number
def rollout_resume(site: Site, number: int) -> None:
    """Go on with a paused rollout, past a stage that missed its success threshold, too.

    Example: jikimi release rollout resume 1
    """
    from jikimi.fleet.rollout import resume_rollout  # slow import

    resume_rollout(site, number)


@rollout.command("abort")
@site_option
@_number
def rollout_abort(site: Site, number: int) -> None:
    """End a rollout for good; devices that have not begun forget the offer.

    Example: jikimi release rollout abort 1
    """
    from jikimi.fleet.rollout import abort_rollout  # slow import

    abort_rollout(site, number)


@rollout.command("status")
@site_option
@json_option
@click.argument("number", type=click.IntRange(min=1), required=False)
def rollout_status(site: Site, as_json: bool, number: int | None) -> None:
    """List all rollouts, or the devices of one.

    Example: jikimi release rollout status 1 --json
    """
    from jikimi.fleet.rollout import devices_of, rollouts  # slow import

    rows = [row for row in rollouts(site) if number in (None, row.rollout)]
    members = devices_of(site, number) if number is not None else {}
    if as_json:
        devices = {device: asdict(member) for device, member in members.items()}
        print_json([asdict(row) | ({} if number is None else {"devices": devices}) for row in rows])
    elif number is None:
        print_rows(
            _ROLLOUTS,
            [_cells(row) for row in rows],
            empty="no rollout yet: `jikimi release rollout start` asks for one",
        )
    else:
        found = [[device, str(one.stage), one.state, str(one.offers), one.why] for device, one in members.items()]
        print_rows(_DEVICES, found, empty="no device")


def _cells(row: Row) -> list[str]:
    return [
        str(row.rollout),
        f"{row.sequence} ({row.version})",
        row.state,
        row.why,
        str(row.stage),
        ", ".join(f"{many} {state}" for state, many in sorted(row.counts.items())),
        local_time(row.changed_ms, "minutes"),
    ]
