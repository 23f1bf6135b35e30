"""Where agreements are made: propose, sign, take in what was signed elsewhere. One transaction each, and noted."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jikimi.fleet.agreement import chain as chains
from jikimi.fleet.agreement import document as documents
from jikimi.fleet.agreement.document import Document
from jikimi.fleet.agreement.keys import fingerprint, public
from jikimi.fleet.agreement.scope import compare
from jikimi.fleet.agreement.signature import is_by, sign
from jikimi.fleet.agreement.terms import PARTIES
from jikimi.fleet.errors import AgreementError
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.store import AgreementRow, AuditEntry, agreements, audit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy as sa
    from cryptography.hazmat.primitives.asymmetric import ec

    from jikimi.fleet.agreement.chain import Chain, Link
    from jikimi.fleet.agreement.terms import Terms
    from jikimi.fleet.site import Site

PURPOSE, HOST, IN_FORCE = "agreement", "command line", "in force"  # in the audit log


def read(site: Site) -> Chain:
    """All agreements of the site, checked. AgreementError."""
    with transaction(site) as connection:
        return chains.check(site.name, agreements.rows(connection, site.name))


def propose(site: Site, terms: Terms) -> Link:
    """Propose `terms`, in place of an earlier proposal. AgreementError when they are in force already."""
    with _open(site) as book:
        force = book.chain.in_force
        if force is not None and not compare(force.terms, terms):
            raise AgreementError(
                f"agreement {force.number} in force says all of this already: there is nothing to sign"
            )
        number, previous = (1, None) if force is None else (force.number + 1, force.digest)
        raw = Document(site.name, number, previous, terms).encode()
        return book.write(AgreementRow(number, raw, None, None, _now_ms(), None), HOST, "propose")


def sign_as(site: Site, party: str, key: ec.EllipticCurvePrivateKey, digest: str | None = None) -> Link:
    """Sign the proposal as `party`; with `digest` only if it is still that one. AgreementError."""
    with _open(site) as book:
        row = book.proposed()
        _refuse_stale(row, digest)
        expected = chains.may_sign(book.chain.in_force, documents.decode(row.document).terms)
        refuse_key(party, public(key), expected)
        return book.add({party: sign(key, row.document)})


def take(site: Site, rows: Sequence[AgreementRow]) -> Link:
    """Take the signatures under the proposal that a copy of it (`paper`) brings. AgreementError: it brings none."""
    with _open(site) as book:
        row = book.proposed()
        brought = [one for one in rows if one.document == row.document]
        if not brought:
            raise AgreementError(
                f"the copy is of another proposal than number {row.number} here: `jikimi agreement export` anew"
            )
        of = chains.signature_of
        fresh = {party: raw for party in PARTIES if (raw := of(brought[0], party)) and not of(row, party)}
        if not fresh:
            raise AgreementError("the copy brings no signature that is not here already")
        return book.add(fresh)


@dataclass(frozen=True)
class _Book:
    """The agreements of a site within one transaction that nobody else disturbs."""

    site: Site
    connection: sa.Connection
    rows: list[AgreementRow]
    chain: Chain

    def proposed(self) -> AgreementRow:
        if self.chain.proposal is None:
            raise AgreementError("nothing is proposed: `jikimi agreement propose agreement.toml` first")
        return self.rows[-1]

    def add(self, signatures: dict[str, bytes]) -> Link:
        """Add signatures to the proposal, each checked; in force if they are enough."""
        row, proposal = self.proposed(), self.chain.proposal
        assert proposal is not None
        keys = chains.may_sign(self.chain.in_force, proposal.terms)
        for party, envelope in signatures.items():
            if party in proposal.signed_by:
                raise AgreementError(f"{party} has signed agreement {row.number} already")
            if not is_by(keys[party], row.document, envelope):
                raise AgreementError(f"the signature of {party} does not match agreement {row.number}: not taken in")
        enough = chains.is_enough((*proposal.signed_by, *signatures), both=proposal.needs_both)
        for party, envelope in signatures.items():
            row = chains.with_signature(row, party, envelope)
        row = replace(row, in_force_ms=_now_ms() if enough else None)
        return self.write(row, " and ".join(signatures), "sign")

    def write(self, row: AgreementRow, who: str, what: str) -> Link:
        """Write the row and note it; what it has become."""
        agreements.put(self.connection, self.site.name, row)
        chain = chains.check(self.site.name, agreements.rows(self.connection, self.site.name))
        link = chain.proposal or chain.in_force
        assert link is not None
        outcome = "waits for signatures" if link.in_force_ms is None else IN_FORCE
        question = signing(link) if what == "sign" else f"{what} agreement {link.number}, {link.digest.hex()}"
        entry = AuditEntry(who, PURPOSE, question, outcome)
        audit.append(self.connection, self.site.name, entry, _now_ms())
        return link


@contextmanager
def _open(site: Site) -> Iterator[_Book]:
    with transaction(site) as connection:
        audit.lock(connection)
        rows = agreements.rows(connection, site.name)
        yield _Book(site, connection, rows, chains.check(site.name, rows))


def _refuse_stale(row: AgreementRow, digest: str | None) -> None:
    found = documents.digest(row.document).hex()
    if digest is not None and not (len(digest) >= 8 and found.startswith(digest.lower())):
        raise AgreementError(
            f"what is proposed now is not {digest} any more, but {found}: read `jikimi agreement diff` again first"
        )


def signing(link: Link) -> str:
    """How the audit log tells of a signature."""
    return f"sign agreement {link.number}, {link.digest.hex()}"


def refuse_key(party: str, key: bytes, expected: dict[str, bytes]) -> None:
    """AgreementError when `key` is not the one with which `party` signs (`chain.may_sign`)."""
    if key == expected[party]:
        return
    for other, theirs in expected.items():
        if key == theirs:
            raise AgreementError(f"this is the key of {other}: sign with --as {other}, or with the key of {party}")
    raise AgreementError(
        f"this key ({fingerprint(key)}) is neither party's: for {party} the agreement names "
        f"{fingerprint(expected[party])}"
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
