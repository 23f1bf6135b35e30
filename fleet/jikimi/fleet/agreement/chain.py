"""Are the stored agreements what they say? Documents and signatures decide; a database can withhold, and not add.

An agreement can be in force only with the signatures that its change asks for, by the keys of the agreement before it
(the first: by the keys in itself). Each names the digest of the one before, so none can be taken out or changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jikimi.fleet.agreement import document as documents
from jikimi.fleet.agreement.scope import Change, compare, needs_both
from jikimi.fleet.agreement.signature import is_by
from jikimi.fleet.agreement.terms import EMPLOYER, PARTIES
from jikimi.fleet.errors import AgreementError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jikimi.fleet.agreement.terms import Terms
    from jikimi.fleet.store import AgreementRow


@dataclass(frozen=True)
class Link:
    """One agreement, checked. `in_force_ms` None: a proposal; `needs_both`: before it takes force."""

    number: int
    terms: Terms
    digest: bytes
    signed_by: tuple[str, ...]
    needs_both: bool
    changes: tuple[Change, ...]
    proposed_ms: int
    in_force_ms: int | None

    @property
    def missing(self) -> tuple[str, ...]:
        """Who has yet to sign, or could, where one of two is enough."""
        if self.in_force_ms is not None:
            return ()
        return tuple(party for party in PARTIES if party not in self.signed_by)


@dataclass(frozen=True)
class Chain:
    """All agreements that ever were in force, and what is proposed."""

    past: tuple[Link, ...] = ()
    proposal: Link | None = None

    @property
    def in_force(self) -> Link | None:
        """The agreement of now; None: there was never one."""
        return self.past[-1] if self.past else None


def check(site: str, rows: Iterable[AgreementRow]) -> Chain:
    """The chain of `rows`, in the order of their numbers. AgreementError names the first that is not genuine."""
    past: list[Link] = []
    proposal: Link | None = None
    for number, row in enumerate(rows, 1):
        if proposal is not None:
            raise _wrong(number, "it comes behind a proposal, which is not in force")
        if row.number != number:
            raise _wrong(number, "it is missing")
        link = _link(site, row, past[-1] if past else None)
        if link.in_force_ms is None:
            proposal = link
        else:
            past.append(link)
    return Chain(tuple(past), proposal)


def may_sign(before: Link | None, terms: Terms) -> dict[str, bytes]:
    """Party -> the key with which it signs `terms`: that of the agreement before, because a new one proves nothing."""
    signers = terms if before is None else before.terms
    return {party: signers.party(party).key for party in PARTIES}


def signature_of(row: AgreementRow, party: str) -> bytes | None:
    """The signature of `party` in a row."""
    return row.employer_signature if party == EMPLOYER else row.workers_signature


def with_signature(row: AgreementRow, party: str, envelope: bytes) -> AgreementRow:
    """The row with the signature of `party`."""
    if party == EMPLOYER:
        return replace(row, employer_signature=envelope)
    return replace(row, workers_signature=envelope)


def is_enough(signed_by: Iterable[str], *, both: bool) -> bool:
    """Whether these signatures put an agreement in force."""
    return len(set(signed_by)) >= (2 if both else 1)


def _link(site: str, row: AgreementRow, before: Link | None) -> Link:
    try:
        found = documents.decode(row.document)
    except AgreementError as error:
        raise _wrong(row.number, str(error)) from error
    if found.site != site:
        raise _wrong(row.number, f"it is of the site {found.site!r}")
    if found.number != row.number or found.previous != (None if before is None else before.digest):
        raise _wrong(row.number, "it does not follow the one before it")
    both = needs_both(None if before is None else before.terms, found.terms)
    signed_by = tuple(_signers(row, before, found.terms))
    if row.in_force_ms is not None and not is_enough(signed_by, both=both):
        raise _wrong(row.number, "it is said to be in force without the signatures it needs")
    return Link(
        row.number,
        found.terms,
        documents.digest(row.document),
        signed_by,
        both,
        () if before is None else tuple(compare(before.terms, found.terms)),
        row.proposed_ms,
        row.in_force_ms,
    )


def _signers(row: AgreementRow, before: Link | None, terms: Terms) -> Iterable[str]:
    for party, key in may_sign(before, terms).items():
        envelope = signature_of(row, party)
        if envelope is None:
            continue
        if not is_by(key, row.document, envelope):
            raise _wrong(row.number, f"the signature of {party} is not by the key of {party} under these bytes")
        yield party


def _wrong(number: int, what: str) -> AgreementError:
    return AgreementError(
        f"agreement {number} is not genuine: {what}. Restore the site's database from a backup, or get another copy"
    )
