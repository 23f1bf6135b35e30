"""What a change of terms does: wider, narrower, or neither. A change that only narrows needs one signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jikimi.fleet.agreement.terms import MOST_DAYS, PARTIES, PURPOSES, key_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jikimi.fleet.agreement.terms import Terms

WIDER, NARROWER, NEITHER = "wider", "narrower", "neither"
OPPOSITE: Final = {WIDER: NARROWER, NARROWER: WIDER, NEITHER: NEITHER}


@dataclass(frozen=True)
class Change:
    """One difference: `what` went from `old` to `new`, "" where there was or is none."""

    what: str
    effect: str
    old: str
    new: str


def compare(old: Terms, new: Terms) -> list[Change]:
    """All differences, field by field."""
    return list(_changes(old, new))


def needs_both(old: Terms | None, new: Terms) -> bool:
    """Whether both parties must sign `new`: the first agreement, and whatever does not only narrow."""
    return old is None or any(change.effect != NARROWER for change in _changes(old, new))


def _changes(old: Terms, new: Terms) -> Iterator[Change]:
    for party in PARTIES:
        before, after = old.party(party), new.party(party)
        if before.role != after.role:
            yield Change(f"party.{party}.role", NEITHER, before.role, after.role)
        if before.key != after.key:
            yield Change(f"party.{party}.key", NEITHER, key_text(before.key), key_text(after.key))
    for purpose, categories in PURPOSES.items():
        had, has = old.categories(purpose), new.categories(purpose)
        for category in categories:
            if (category in had) != (category in has):
                yield _one(f"purpose.{purpose}", category, wider=category in has)
    if old.minimum_group != new.minimum_group:
        effect = WIDER if new.minimum_group < old.minimum_group else NARROWER
        yield Change("minimum_group", effect, str(old.minimum_group), str(new.minimum_group))
    before_days, after_days = dict(old.retention_days), dict(new.retention_days)
    for category in MOST_DAYS:
        was, now = before_days[category], after_days[category]
        if was != now:
            yield Change(f"retention_days.{category}", WIDER if now > was else NARROWER, str(was), str(now))
    for zone in sorted({*old.hidden_zones} ^ {*new.hidden_zones}):
        hidden = zone in new.hidden_zones
        yield Change("hidden_zones", NARROWER if hidden else WIDER, "" if hidden else zone, zone if hidden else "")


def _one(what: str, name: str, *, wider: bool) -> Change:
    return Change(what, WIDER, "", name) if wider else Change(what, NARROWER, name, "")
