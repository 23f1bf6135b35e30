"""`jikimi agreement template`, `key`, `propose`, `sign`, `import`: how an agreement comes into force."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.agreement.listing import print_changes
from jikimi.fleet.cli.options import lazy_site_option, read_text, site_option

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from jikimi.fleet.agreement.chain import Link
    from jikimi.fleet.site import Site

PARTIES = ("employer", "workers")  # as jikimi.fleet.agreement.terms has them, which is slow to import
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_ENVIRONMENT = "JIKIMI_PASSPHRASE"


@click.command("template")
def template() -> None:
    """Print a commented agreement to start from.

    Example: jikimi agreement template > agreement.toml
    """
    from jikimi.fleet.agreement.toml import TEMPLATE  # slow import

    click.echo(TEMPLATE, nl=False)


@click.command("key")
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
def key(path: Path) -> None:
    """Make the key of a party in FILE, which only its passphrase opens; print the public half, for agreement.toml.

    Each party makes its own, and keeps FILE and a copy of it away from the site's computer: who has lost it can sign
    nothing any more, and no other key can take its place without it. The passphrase is asked for, or taken from
    $JIKIMI_PASSPHRASE.

    Example: jikimi agreement key workers.key
    """
    from jikimi.fleet.agreement import keys  # slow imports
    from jikimi.fleet.agreement.terms import key_text

    made = keys.make(path, _passphrase(confirm=True))
    click.echo(key_text(made))
    click.echo(f"put this line into agreement.toml; to be compared aloud: {keys.fingerprint(made)}", err=True)


@click.command("propose")
@site_option
@click.argument("path", metavar="FILE", type=_FILE)
def propose(site: Site, path: Path) -> None:
    """Propose the agreement in FILE, in place of an earlier proposal; nothing changes before it is signed.

    Example: jikimi agreement propose agreement.toml
    """
    from jikimi.fleet.agreement import desk, toml  # slow import

    terms = toml.parse(read_text(path), str(path))
    link = desk.propose(site, terms)
    for zone in sorted({*terms.hidden_zones} - _zones(site)):
        click.echo(f"no device is in the zone {zone!r}: is it spelt as in `jikimi device list`?", err=True)
    print_changes(link.changes)
    click.echo(link.digest.hex())
    click.echo(_what_next(link), err=True)


@click.command("sign")
@lazy_site_option
@click.option("--as", "party", required=True, type=click.Choice(PARTIES), help="For whom.")
@click.option("--key", "path", required=True, metavar="FILE", type=_FILE, help="The party's key.")
@click.option("--digest", metavar="HEX", help="Only if this is still what is proposed (8 digits or more).")
@click.option("--copy", metavar="FILE", type=_FILE, help="Sign this copy (`export`) instead, on any machine.")
def sign(site: Path | None, party: str, path: Path, digest: str | None, copy: Path | None) -> None:
    """Sign what is proposed. In force when both parties have, or one where it only narrows the agreement.

    Read `jikimi agreement diff` first. The passphrase is asked for, or taken from $JIKIMI_PASSPHRASE. Whoever does not
    want to type it on the site's computer signs a copy elsewhere, and `jikimi agreement import` brings it back.

    Example: jikimi agreement sign --as workers --key workers.key
    """
    from jikimi.fleet.agreement import desk  # slow imports
    from jikimi.fleet.site import Site

    if copy is not None:
        if digest is not None:
            raise click.UsageError("--digest is about the proposal of a site: a copy does not change by itself")
        _sign_copy(copy, party, _key(path))
        return
    link = desk.sign_as(Site.open(site), party, _key(path), digest)
    click.echo(_what_next(link), err=True)


@click.command("import")
@site_option
@click.argument("path", metavar="FILE", type=_FILE)
def take(site: Site, path: Path) -> None:
    """Take in the signatures of a copy of the proposal that was signed elsewhere.

    Example: jikimi agreement import signed.json
    """
    from jikimi.fleet.agreement import desk, paper  # slow import

    link = desk.take(site, paper.read(read_text(path), str(path)).rows)
    click.echo(_what_next(link), err=True)


def _sign_copy(copy: Path, party: str, key: ec.EllipticCurvePrivateKey) -> None:
    from jikimi.fleet.agreement import paper  # slow imports
    from jikimi.fleet.site.files import write_atomic

    signed = paper.signed(paper.read(read_text(copy), str(copy)), party, key)
    write_atomic(copy, paper.write(signed.site, signed.rows))
    click.echo(f"signed; at the site: jikimi agreement import {shlex.quote(copy.name)}", err=True)


def _what_next(link: Link) -> str:
    if link.in_force_ms is not None:
        return f"agreement {link.number} is in force"
    who = " and " if link.needs_both else " or "
    waits = f"agreement {link.number} waits for the signature of {who.join(link.missing)}"
    return f"{waits}: read `jikimi agreement diff`, then `jikimi agreement sign --as {link.missing[0]} --key FILE`"


def _zones(site: Site) -> set[str]:
    from jikimi.fleet.store import Store  # slow import

    with Store.open(site.database_url, site.name) as store:
        return {row.zone for row in store.device_rows()}


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    from jikimi.fleet.agreement import keys  # slow import

    return keys.load(path, _passphrase(confirm=False))


def _passphrase(*, confirm: bool) -> str:
    """From the environment or the terminal; never an option, which every user of the machine could see."""
    given = os.environ.get(_ENVIRONMENT)
    return given or click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
