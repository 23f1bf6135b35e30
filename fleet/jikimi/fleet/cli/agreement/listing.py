"""`jikimi agreement show`, `explain`, `diff`, `history`: what is agreed on, and what was."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jikimi.fleet.cli.options import json_option, read_text, site_option
from jikimi.fleet.cli.show import local_time, print_json, print_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jikimi.fleet.agreement.chain import Link
    from jikimi.fleet.agreement.scope import Change
    from jikimi.fleet.site import Site

_NONE = "no agreement is in force yet: `jikimi agreement template > agreement.toml`, then `jikimi agreement propose`"
_NO_PROPOSAL = "nothing is proposed: `jikimi agreement propose agreement.toml`"
_proposal_option = click.option("--proposal", is_flag=True, help="What is proposed instead of what is in force.")


@click.command("show")
@site_option
@json_option
@_proposal_option
def show(site: Site, as_json: bool, proposal: bool) -> None:
    """Print the agreement in force, as a file to change and propose again.

    Example: jikimi agreement show > agreement.toml
    """
    from jikimi.fleet.agreement import toml  # slow import

    link = _chosen(site, proposal=proposal)
    if as_json:
        print_json(None if link is None else _plain(link))
    elif link is None:
        click.echo(_NO_PROPOSAL if proposal else _NONE, err=True)
    else:
        click.echo(toml.render(link.terms), nl=False)
        click.echo(_state(link), err=True)


@click.command("explain")
@site_option
@_proposal_option
@click.option("--lang", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="English or Korean.")
def explain(site: Site, proposal: bool, lang: str) -> None:
    """Say in plain words what may be asked, of which data, and how long they are kept.

    Example: jikimi agreement explain --lang ko
    """
    from jikimi.fleet.agreement import words  # slow import

    link = _chosen(site, proposal=proposal)
    if link is None:
        click.echo(_NO_PROPOSAL if proposal else _NONE, err=True)
    else:
        click.echo(words.explain(link, site.name, lang))


@click.command("diff")
@site_option
@json_option
@click.argument("path", metavar="[FILE]", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def diff(site: Site, as_json: bool, path: Path | None) -> None:
    """Show what the proposal, or FILE, changes in the agreement in force, and who must sign it.

    JSON: {"digest", "needs_both", "signed_by", "changes": [{"what", "effect", "old", "new"}]}; "effect" is wider,
    narrower or neither, "digest" null for a FILE.

    Example: jikimi agreement diff agreement.toml
    """
    from jikimi.fleet.agreement import desk, toml  # slow imports
    from jikimi.fleet.agreement.scope import compare, needs_both

    chain = desk.read(site)
    force, link = chain.in_force, chain.proposal
    if path is None and link is None:
        raise click.UsageError(f"{_NO_PROPOSAL}, or name the file of one")
    terms = toml.parse(read_text(path), str(path)) if path is not None else None if link is None else link.terms
    assert terms is not None
    changes = [] if force is None else compare(force.terms, terms)
    both = needs_both(None if force is None else force.terms, terms)
    digest = link.digest.hex() if path is None and link is not None else None
    signed_by = link.signed_by if path is None and link is not None else ()
    if as_json:
        found = {"digest": digest, "needs_both": both, "signed_by": list(signed_by)}
        print_json({**found, "changes": [asdict(change) for change in changes]})
        return
    print_changes(changes)
    if force is None:
        click.echo(toml.render(terms), nl=False)
    who = "both parties must sign it" if both else "it only narrows: one party can put it in force"
    click.echo(f"{who}; signed so far: {', '.join(signed_by) or 'by nobody'}", err=True)
    if digest is not None:
        click.echo(f"to sign exactly this: --digest {digest[:16]}", err=True)


@click.command("history")
@site_option
@json_option
def history(site: Site, as_json: bool) -> None:
    """List all agreements that ever were in force, and the proposal: since when, signed by whom, what they changed.

    Example: jikimi agreement history --json
    """
    from jikimi.fleet.agreement import desk  # slow import

    chain = desk.read(site)
    links = [*chain.past, *([] if chain.proposal is None else [chain.proposal])]
    if as_json:
        print_json([_plain(link) for link in links])
        return
    columns = ("number", "in force since", "signed by", "digest", "changes")
    print_rows(columns, [_cells(link) for link in links], empty=_NONE)


def print_changes(changes: Sequence[Change]) -> None:
    """One line for each, on stdout."""
    rows = [[change.effect, change.what, change.old or "-", change.new or "-"] for change in changes]
    if rows:
        print_rows(("effect", "what", "from", "to"), rows, empty="")


def _chosen(site: Site, *, proposal: bool) -> Link | None:
    from jikimi.fleet.agreement import desk  # slow import

    chain = desk.read(site)
    return chain.proposal if proposal else chain.in_force


def _plain(link: Link) -> dict[str, Any]:
    from jikimi.fleet.agreement.terms import PARTIES, key_text  # slow import

    terms = link.terms
    return {
        "number": link.number,
        "digest": link.digest.hex(),
        "in_force_ms": link.in_force_ms,
        "proposed_ms": link.proposed_ms,
        "signed_by": list(link.signed_by),
        "needs_both": link.needs_both,
        "changes": [asdict(change) for change in link.changes],
        "party": {p: {"role": terms.party(p).role, "key": key_text(terms.party(p).key)} for p in PARTIES},
        "purpose": {name: list(categories) for name, categories in terms.purposes},
        "minimum_group": terms.minimum_group,
        "retention_days": dict(terms.retention_days),
        "hidden_zones": list(terms.hidden_zones),
    }


def _state(link: Link) -> str:
    if link.in_force_ms is None:
        return f"proposal {link.number} waits for {', '.join(link.missing)}; digest {link.digest.hex()}"
    return f"agreement {link.number}, in force since {local_time(link.in_force_ms)}; digest {link.digest.hex()}"


def _cells(link: Link) -> list[str]:
    since = "proposed" if link.in_force_ms is None else local_time(link.in_force_ms)
    changes = ", ".join(f"{change.what} {change.effect}" for change in link.changes)
    return [str(link.number), since, ", ".join(link.signed_by), link.digest.hex()[:16], changes]
