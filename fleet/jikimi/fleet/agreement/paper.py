"""A copy of all agreements as one file: checked, and signed, on any machine, so that nobody has to trust the site's.

JSON: {"site", "agreements": [{"number", "document", "employer_signature", "workers_signature", "proposed_ms",
"in_force_ms"}]}, bytes in base64.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from jikimi.fleet.agreement import chain as chains
from jikimi.fleet.agreement.desk import IN_FORCE, PURPOSE, refuse_key, signing
from jikimi.fleet.agreement.keys import fingerprint, public
from jikimi.fleet.agreement.signature import sign
from jikimi.fleet.errors import AgreementError
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.store import AgreementRow, agreements, audit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric import ec

    from jikimi.fleet.agreement.chain import Chain
    from jikimi.fleet.site import Site

_BYTES: Final = ("document", "employer_signature", "workers_signature")


@dataclass(frozen=True)
class Paper:
    """A copy of a site's agreements."""

    site: str
    rows: tuple[AgreementRow, ...]

    def check(self) -> Chain:
        """The chain it holds. AgreementError names what is not genuine."""
        return chains.check(self.site, self.rows)


def of_site(site: Site) -> Paper:
    """What the site has. AgreementError when its audit log tells of a later agreement: then one was taken away."""
    with transaction(site) as connection:
        rows, log = agreements.rows(connection, site.name), audit.rows(connection, site.name)
    audit.check(site.name, log)
    told = [entry.question for entry in log if entry.purpose == PURPOSE and entry.outcome == IN_FORCE]
    force = chains.check(site.name, rows).in_force
    if told[-1:] != ([] if force is None else [signing(force)]):
        raise AgreementError(
            "the audit log tells of another agreement in force than the one that is here: an earlier state of the "
            "database was put back, or somebody changed it"
        )
    return Paper(site.name, tuple(rows))


def write(site: str, rows: Sequence[AgreementRow]) -> str:
    """The text of a copy."""
    return json.dumps({"site": site, "agreements": [_plain(row) for row in rows]}, indent=1) + "\n"


def read(text: str, name: str) -> Paper:
    """The copy in the text of the file `name`. AgreementError when it is none."""
    try:
        document = json.loads(text)
        rows, site = [_row(one) for one in document["agreements"]], str(document["site"])
    except (ValueError, TypeError, KeyError, binascii.Error) as error:
        raise AgreementError(f"{name} is no copy of agreements: make one with `jikimi agreement export`") from error
    return Paper(site, tuple(rows))


def signed(paper: Paper, party: str, key: ec.EllipticCurvePrivateKey) -> Paper:
    """The copy with a signature of `party` under its proposal. AgreementError."""
    chain = paper.check()
    if chain.proposal is None:
        raise AgreementError("nothing is proposed in this copy: `jikimi agreement export` it anew")
    refuse_key(party, public(key), chains.may_sign(chain.in_force, chain.proposal.terms))
    # It is the site that puts it in force: in the copy it stays a proposal, with a signature more.
    last = chains.with_signature(paper.rows[-1], party, sign(key, paper.rows[-1].document))
    return Paper(paper.site, (*paper.rows[:-1], last))


def vouch(chain: Chain, known: Mapping[str, bytes]) -> None:
    """Refuse a chain that the keys in `known` (party -> public key) do not stand for. AgreementError.

    A key stands for a chain that began with it, or in which it has signed something: every signature is also one under
    all that came before. A key that is only named in it would prove nothing.
    """
    for party, key in known.items():
        if not any(_stands(chain, number, party, key) for number in range(len(chain.past))):
            raise AgreementError(
                f"the key {fingerprint(key)} of {party} has signed nothing here: these agreements are not theirs, "
                "or began with another key"
            )


def _stands(chain: Chain, at: int, party: str, key: bytes) -> bool:
    link = chain.past[at]
    before = chain.past[at - 1] if at else None
    return party in link.signed_by and chains.may_sign(before, link.terms)[party] == key


def _plain(row: AgreementRow) -> dict[str, Any]:
    found = asdict(row)
    return {**found, **{name: _text(found[name]) for name in _BYTES}}


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()


def _row(found: dict[str, Any]) -> AgreementRow:
    raw = {name: None if found[name] is None else base64.b64decode(found[name], validate=True) for name in _BYTES}
    row = AgreementRow(**{item.name: raw.get(item.name, found[item.name]) for item in fields(AgreementRow)})
    numbers = (row.number, row.proposed_ms, 0 if row.in_force_ms is None else row.in_force_ms)
    if row.document is None or not all(type(number) is int for number in numbers):
        raise TypeError("a row")
    return row
