"""`jikimi release`: signed releases of the device application, and how they reach the devices."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jikimi.fleet.cli.options import json_option, site_option

if TYPE_CHECKING:
    from jikimi.fleet.release import Checked
    from jikimi.fleet.site import Site

_ARCHES = ("x64", "xtensawin", "rv32imc")
_COLUMNS = ("sequence", "arch", "version", "firmware", "bytes", "published", "supported until")

_directory = click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))


@click.group("release")
def command() -> None:
    """Releases of the device application: build, sign, publish, roll out.

    Example: jikimi release list
    """


@command.command("build")
@site_option
@json_option
@_directory
@click.option("--version", required=True, help="What people call it, such as 1.4.0.")
@click.option(
    "--arch",
    type=click.Choice(_ARCHES),
    default="x64",
    show_default=True,
    help="Chip family; x64 is the virtual board.",
)
@click.option("--sequence", type=click.IntRange(min=1), help="[default: one above the highest published]")
@click.option("--support-until", metavar="DATE", help="Last day on which it gets fixes, as 2031-12-31.")
@click.option(
    "--source",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Your version of jikimi/edge, the device application.  [default: this installation's]",
)
def build_(
    site: Site,
    as_json: bool,
    directory: Path,
    version: str,
    arch: str,
    sequence: int | None,
    support_until: str | None,
    source: Path | None,
) -> None:
    """Compile, compress and list the application in a new directory DIR.

    Example: jikimi release build out/1.4.0 --version 1.4.0 --arch xtensawin --support-until 2031-12-31
    """
    from jikimi.fleet import release  # slow import

    until = _date(support_until)
    files = release.application_files(arch, source)
    _show(
        release.build(site, directory, version=version, arch=arch, sequence=sequence, support_until=until, files=files),
        as_json,
    )


@command.command("sign")
@site_option
@json_option
@_directory
def sign_(site: Site, as_json: bool, directory: Path) -> None:
    """Sign the release in DIR with the site's release key; one of its signatures is used up.

    Example: jikimi release sign out/1.4.0
    """
    from jikimi.fleet import release, signing  # slow import

    _show(release.sign(site, directory), as_json)
    left = signing.current(site, signing.RELEASE).remaining
    click.echo(f"{left} signatures are left in this key", err=True)


@command.command("verify")
@site_option
@json_option
@_directory
def verify_(site: Site, as_json: bool, directory: Path) -> None:
    """Check signature, digests and sizes of the release in DIR, as a device would.

    Example: jikimi release verify out/1.4.0
    """
    from jikimi.fleet import release  # slow import

    _show(release.verify(site, directory), as_json)


@command.command("publish")
@site_option
@json_option
@_directory
def publish_(site: Site, as_json: bool, directory: Path) -> None:
    """Make the signed release in DIR available to devices; `rollout start` tells them.

    Example: jikimi release publish out/1.4.0
    """
    from jikimi.fleet import release  # slow import

    row = release.publish(site, directory)
    click.echo(json.dumps(asdict(row)) if as_json else f"{row.arch} {row.sequence} ({row.version}) is published")


@command.command("list")
@site_option
@json_option
def list_(site: Site, as_json: bool) -> None:
    """List what is published, the newest first.

    Example: jikimi release list --json
    """
    from jikimi.fleet import release  # slow imports
    from jikimi.fleet.cli.show import local_time, print_rows

    rows = release.published(site)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=1))
        return
    cells = [
        [
            str(row.sequence),
            row.arch,
            row.version,
            row.firmware,
            str(row.envelope_bytes + row.stored_bytes),
            local_time(row.published_ms, "minutes"),
            local_time(row.support_until_ms, "minutes")[:10] if row.support_until_ms else "not said",
        ]
        for row in rows
    ]
    print_rows(_COLUMNS, cells)


@command.command("devices")
@site_option
@json_option
def devices_(site: Site, as_json: bool) -> None:
    """List what each device said that it runs, what it refused or rolled back, and until when that is supported.

    Example: jikimi release devices --json
    """
    from jikimi.fleet import release  # slow imports
    from jikimi.fleet.cli.show import local_time, print_rows

    rows = release.devices(site)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
        return
    cells = [
        [
            row.device,
            row.name,
            row.slot or "",
            (row.version or str(row.release or "by cable")) + (" on trial" if row.trial else ""),
            row.firmware or "never heard",
            local_time(row.support_until_ms, "minutes")[:10] if row.support_until_ms else "not said",
            f"{row.failed_release} {row.failed_why}" if row.failed_why else "",
        ]
        for row in rows
    ]
    print_rows(("id", "name", "slot", "release", "firmware", "supported until", "failed"), cells)


@command.group("key")
def key() -> None:
    """The key that signs releases, and the one that follows it.

    Example: jikimi release key show
    """


@key.command("show")
@site_option
@json_option
def key_show(site: Site, as_json: bool) -> None:
    """Show the signing key and how many signatures it has left.

    Example: jikimi release key show
    """
    from jikimi.fleet import signing  # slow import

    current, coming = signing.current(site, signing.RELEASE), signing.following(site, signing.RELEASE)
    found: list[dict[str, Any]] = [
        {"use": use, "key_id": one.key_id, "remaining": one.remaining, "capacity": one.capacity}
        for use, one in (("signs", current), ("is to follow", coming))
        if one is not None
    ]
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for row in found:
        click.echo(f"{row['key_id']}\t{row['use']}\t{row['remaining']} of {row['capacity']} signatures left")


@key.command("rotate")
@site_option
def key_rotate(site: Site) -> None:
    """Make the next key. The next release, still signed by the old one, brings it to the devices.

    Example: jikimi release key rotate
    """
    from jikimi.fleet import signing  # slow import

    click.echo(signing.rotate(site, signing.RELEASE).key_id)
    click.echo("build, sign and roll out a release; when every device runs it: jikimi release key advance", err=True)


@key.command("advance")
@site_option
@click.option("--leave-behind", is_flag=True, help="Also when devices would be left that do not trust the new key.")
def key_advance(site: Site, leave_behind: bool) -> None:
    """Let the next key sign from now on, once all devices trust it.

    Example: jikimi release key advance
    """
    from jikimi.fleet import release, signing  # slow import

    behind = [] if leave_behind else release.without_next_root(site)
    if behind:
        raise click.UsageError(
            f"{len(behind)} devices do not run a release that brought them the new key, such as {behind[0]}: roll one "
            "out first, or --leave-behind"
        )
    click.echo(signing.advance(site, signing.RELEASE).key_id)


@command.group("rollout")
def rollout() -> None:
    """Releases on their way to devices: canary, cohorts, thresholds, approval by a second person.

    Example: jikimi release rollout status
    """


@rollout.command("start")
@site_option
@json_option
@click.option("--sequence", required=True, type=click.IntRange(min=1), help="The published release.")
@click.option("--arch", type=click.Choice(_ARCHES), default="x64", show_default=True, help="Its chip family.")
@click.option("--by", required=True, metavar="ROLE", help="Who asks for it; a role, such as maintenance.")
@click.option("--device", "devices", multiple=True, metavar="ID", help="Only these, canaries first.  [default: all]")
@click.option("--canary", type=click.IntRange(min=1), default=1, show_default=True, help="Devices of the first stage.")
@click.option("--shares", default="10,50,100", show_default=True, help="Percent of the others, stage by stage.")
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
    shares: str,
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
        shares=_shares(shares),
        success_percent=success,
        error_percent=errors,
        timeout_ms=timeout_min * 60_000,
    )
    number = start_rollout(site, arch, sequence, plan, by, list(devices) or None)
    click.echo(json.dumps({"rollout": number}) if as_json else str(number))
    click.echo(f"waits for a second person: jikimi release rollout approve {number} --by ROLE", err=True)


_number = click.argument("number", type=click.IntRange(min=1))


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
    from jikimi.fleet.cli.show import local_time, print_rows
    from jikimi.fleet.rollout import devices_of, rollouts  # slow imports

    rows = [row for row in rollouts(site) if number in (None, row.rollout)]
    members = devices_of(site, number) if number is not None else {}
    if as_json:
        listed = [asdict(row) for row in rows]
        for row in listed if number is not None else []:
            row["devices"] = {device: asdict(member) for device, member in members.items()}
        click.echo(json.dumps(listed, indent=1))
        return
    if number is None:
        cells = [
            [
                str(row.rollout),
                f"{row.sequence} ({row.version})",
                row.state,
                row.why,
                str(row.stage),
                _counted(row.counts),
                local_time(row.changed_ms, "minutes"),
            ]
            for row in rows
        ]
        print_rows(("rollout", "release", "state", "why", "stage", "devices", "changed"), cells)
        return
    found = [[device, str(one.stage), one.state, str(one.offers), one.why] for device, one in members.items()]
    print_rows(("device", "stage", "state", "offers", "why"), found)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{many} {state}" for state, many in sorted(counts.items()))


def _shares(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter("numbers with commas between, such as 10,50,100", param_hint="--shares") from None


def _date(text: str | None) -> datetime.date | None:
    try:
        return None if text is None else datetime.date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text} is not a date such as 2031-12-31", param_hint="--support-until") from None


def _show(checked: Checked, as_json: bool) -> None:
    about = checked.manifest
    facts = {
        "sequence": about.sequence,
        "arch": checked.arch,
        "version": about.version,
        "firmware": checked.firmware_hash,
        "signed_by": checked.key_id,
        "files": checked.files,
        "file_bytes": checked.file_bytes,
        "stored_bytes": checked.stored_bytes,
        "support_until_ms": about.support_until_ms,
    }
    if as_json:
        click.echo(json.dumps(facts))
    else:
        click.echo("\n".join(f"{name}\t{'' if value is None else value}" for name, value in facts.items()))
