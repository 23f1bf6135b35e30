"""What the agreement in force allows for a purpose, or why it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jikimi.fleet.agreement import chain
from jikimi.fleet.agreement.terms import HAZARDS
from jikimi.fleet.errors import AgreementError

if TYPE_CHECKING:
    from jikimi.fleet.agreement.chain import Link
    from jikimi.fleet.store import AgreementRow, NearMissCell, Store

NO_AGREEMENT, NOT_AGREED, NOT_GENUINE = "no_agreement", "not_agreed", "not_genuine"
_SENTENCES: Final = {
    NO_AGREEMENT: "no data-use agreement is in force, so nothing is answered for {purpose}: employer and workers sign "
    "one, beginning with `jikimi agreement template > agreement.toml`",
    NOT_AGREED: "the agreement in force does not cover {purpose} with {needs}: `jikimi agreement explain` says what it "
    "covers, `jikimi agreement propose` asks for more",
    NOT_GENUINE: "the data-use agreement in the database is not genuine, so nothing is answered for {purpose}: "
    "`jikimi agreement verify` says what is wrong",
}


def sentence(code: str, purpose: str = HAZARDS, needs: tuple[str, ...] = ("proximity",)) -> str:
    """Why, and what to do."""
    return _SENTENCES[code].format(purpose=purpose, needs=", ".join(needs))


class RefusedError(AgreementError):
    """The agreement does not allow it; `code` says why, the text what to do."""

    def __init__(self, code: str, purpose: str, needs: tuple[str, ...]) -> None:
        super().__init__(sentence(code, purpose, needs))
        self.code = code


@dataclass(frozen=True)
class Permit:
    """What agreement `number` allows for `purpose`."""

    number: int
    purpose: str
    categories: frozenset[str]
    group_min: int
    hidden_zones: frozenset[str]


class Book:
    """The agreement in force, read anew at each question and checked anew whenever it has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: list[AgreementRow] | None = None
        self._link: Link | None = None
        self._genuine = True

    def in_force(self) -> Link | None:
        """The agreement; None: there is none. AgreementError when what is stored is not genuine."""
        rows = self._store.agreements()
        if rows != self._rows or not self._genuine:
            self._rows, self._link, self._genuine = rows, None, False
            self._link = chain.check(self._store.site, rows).in_force
            self._genuine = True
        return self._link

    def permit(self, purpose: str, *needs: str) -> Permit:
        """Leave to ask for `purpose` about the categories `needs`; RefusedError."""
        try:
            link = self.in_force()
        except AgreementError as error:
            raise RefusedError(NOT_GENUINE, purpose, needs) from error
        return permit_of(link, purpose, *needs)


def permit_of(link: Link | None, purpose: str, *needs: str) -> Permit:
    """The same, of the agreement `link`."""
    if link is None:
        raise RefusedError(NO_AGREEMENT, purpose, needs)
    terms = link.terms
    allowed = terms.categories(purpose)
    if not allowed or not allowed.issuperset(needs):
        raise RefusedError(NOT_AGREED, purpose, needs or ("any data",))
    return Permit(link.number, purpose, allowed, terms.minimum_group, frozenset(terms.hidden_zones))


class PermittedCells:
    """Near misses outside the hidden zones: what `jikimi.fleet.aggregate` may count."""

    def __init__(self, store: Store, permit: Permit) -> None:
        self._store = store
        self._permit = permit

    def near_miss_cells(self, since_ms: int = 0) -> list[NearMissCell]:
        """By zone, machine and hour, of hours that begin at `since_ms` or later."""
        hidden = self._permit.hidden_zones
        return [cell for cell in self._store.near_miss_cells(since_ms) if cell.zone not in hidden]
