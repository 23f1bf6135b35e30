"""`jikimi release build|sign|verify|publish`: a release, from source to what devices can fetch."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import arch_option, json_option, site_option

if TYPE_CHECKING:
    import datetime

    from jikimi.fleet.release import Checked
    from jikimi.fleet.site import Site

_directory = click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))


@click.command("build")
@site_option
@json_option
@_directory
@click.option("--version", required=True, help="What people call it, such as 1.4.0.")
@arch_option
@click.option("--sequence", type=click.IntRange(min=1), help="[default: one above the highest published]")
@click.option(
    "--support-until",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day on which it gets fixes, as 2031-12-31.",
)
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
    support_until: datetime.datetime | None,
    source: Path | None,
) -> None:
    """Compile, compress and list the application in a new directory DIR.

    Example: jikimi release build out/1.4.0 --version 1.4.0 --arch xtensawin --support-until 2031-12-31
    """
    from jikimi.fleet import release  # slow import

    made = release.build(
        site,
        directory,
        version=version,
        arch=arch,
        sequence=sequence,
        support_until=support_until.date() if support_until else None,
        files=release.application_files(arch, source),
    )
    _show(made, as_json)


@click.command("sign")
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


@click.command("verify")
@site_option
@json_option
@_directory
def verify_(site: Site, as_json: bool, directory: Path) -> None:
    """Check signature, digests and sizes of the release in DIR, as a device would.

    Example: jikimi release verify out/1.4.0
    """
    from jikimi.fleet import release  # slow import

    _show(release.verify(site, directory), as_json)


@click.command("publish")
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
