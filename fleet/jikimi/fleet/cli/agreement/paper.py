"""`jikimi agreement export` and `verify`: a copy that can be checked anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, lazy_site_option, read_text, site_option
from jikimi.fleet.cli.show import print_json

if TYPE_CHECKING:
    from jikimi.fleet.agreement.chain import Chain
    from jikimi.fleet.site import Site


class _Key(click.ParamType[bytes]):
    """A public key, as `jikimi agreement key` prints it."""

    name = "key"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        from jikimi.fleet.agreement.terms import key_bytes  # slow import

        try:
            return key_bytes(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("export")
@site_option
def export(site: Site) -> None:
    """Print a copy of all agreements, and of the proposal: to be verified, or signed, on any machine.

    Example: jikimi agreement export > agreements.json
    """
    from jikimi.fleet.agreement import paper  # slow imports
    from jikimi.fleet.store import Store

    with Store.open(site.database_url, site.name) as store:
        rows = store.agreements()
    click.echo(paper.write(site.name, rows), nl=False)


@click.command("verify")
@lazy_site_option
@json_option
@click.argument("path", metavar="[FILE]", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--employer-key", type=_Key(), metavar="KEY", help="Also that this public key stands for the employer.")
@click.option("--workers-key", type=_Key(), metavar="KEY", help="Also that this public key stands for the workers.")
def verify(
    site: Path | None, as_json: bool, path: Path | None, employer_key: bytes | None, workers_key: bytes | None
) -> None:
    """Verify all agreements of the site, or of the copy FILE, without a site: signatures, order, completeness.

    With the public keys that the parties gave each other, nobody needs to trust the site's computer. At the site, the
    audit log must tell of the agreement in force, too.

    Example: jikimi agreement verify agreements.json --workers-key Ap6F2Uhh_KEY_
    """
    from jikimi.fleet.agreement import paper  # slow imports
    from jikimi.fleet.site import Site

    found = paper.of_site(Site.open(site)) if path is None else paper.read(read_text(path), str(path))
    chain = found.check()
    given = {"employer": employer_key, "workers": workers_key}
    paper.vouch(chain, {party: key for party, key in given.items() if key is not None})
    if as_json:
        print_json(_found(found.site, chain))
        return
    for link in chain.past:
        click.echo(f"{link.number}\t{link.digest.hex()}\tsigned by {' and '.join(link.signed_by)}")
    force = chain.in_force
    what = "no agreement is in force" if force is None else f"agreement {force.number} of {found.site} is in force"
    missing = [party for party, key in given.items() if key is None]
    unsure = f"; whose keys these are was not checked for {' and '.join(missing)}" if missing else ""
    click.echo(f"genuine: {what}{unsure}", err=True)


def _found(site: str, chain: Chain) -> dict[str, object]:
    links = [{"number": one.number, "digest": one.digest.hex(), "signed_by": list(one.signed_by)} for one in chain.past]
    return {"site": site, "in_force": None if chain.in_force is None else chain.in_force.number, "agreements": links}
