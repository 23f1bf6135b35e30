"""`jikimi release key`: the key that signs releases, and the one that follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, site_option
from jikimi.fleet.cli.show import print_json

if TYPE_CHECKING:
    from jikimi.fleet.site import Site


@click.group("key")
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
    found = [
        {"use": use, "key_id": one.key_id, "remaining": one.remaining, "capacity": one.capacity}
        for use, one in (("signs", current), ("is to follow", coming))
        if one is not None
    ]
    if as_json:
        print_json(found)
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
