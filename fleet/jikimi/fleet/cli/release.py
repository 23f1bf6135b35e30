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
    """Releases of the device application: build, sign, publish, roll out."""


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
def build_(
    site: Site, as_json: bool, directory: Path, version: str, arch: str, sequence: int | None, support_until: str | None
) -> None:
    """Compile, compress and list the application in a new directory DIR.

    Example: jikimi release build out/1.4.0 --version 1.4.0 --arch xtensawin --support-until 2031-12-31
    """
    from jikimi.fleet import release  # slow import

    until = _date(support_until)
    _show(
        release.build(site, directory, version=version, arch=arch, sequence=sequence, support_until=until),
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
    """The key that signs releases, and the one that follows it."""


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
