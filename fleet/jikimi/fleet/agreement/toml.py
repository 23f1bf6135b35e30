"""Terms as a file for people: TOML with comments, every error with its line and what to do."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from jikimi.fleet.agreement.terms import (
    EMPLOYER,
    MOST_DAYS,
    PARTIES,
    PURPOSES,
    WORKERS,
    Party,
    Terms,
    key_bytes,
    key_text,
)
from jikimi.fleet.errors import TermsError

if TYPE_CHECKING:
    from collections.abc import Iterable

TEMPLATE: Final = """\
# The data-use agreement of this site. Change it to what employer and workers agree on, then:
#   jikimi agreement propose agreement.toml
#   jikimi agreement sign --as employer --key employer.key
#   jikimi agreement sign --as workers --key workers.key
# In force when both have signed. Later changes: a wider agreement needs both, one that only narrows needs one.
#
# Not in here, because it works without an agreement: open alarms and help (rescue first), and what devices say about
# themselves (batteries, faults, connections).

# Near misses are counted only where at least so many people are behind a number; 5 or more.
minimum_group = 5

# Zones of which no question is answered, such as ["break-room"]. Alarms there are still raised.
hidden_zones = []

# Each party makes its own key, keeps the file to itself, away from the site's computer, and puts the line here that
# the command prints:  jikimi agreement key employer.key
[party.employer]
role = "plant-management"  # a role, never a person
key = ""

[party.workers]
role = "works-council"
key = ""

# What may be asked, and of which data. Leave a purpose out, and nobody gets an answer to its questions.
# Categories: proximity (near misses, warnings), posture (counts of bends), emergency (falls, calls for help, stumbles),
# device (faults, batteries).

# Which hazard to remove first: near misses by zone, hour and machine; events without who.
[purpose.hazard-reduction]
categories = ["emergency", "posture", "proximity"]

# Learning from an incident: alarms that are over, with the tag that raised them.
[purpose.incident-review]
categories = ["device", "emergency"]

# When how many records came, without who and what: to measure how large a computer a site needs.
# [purpose.capacity-planning]
# categories = ["device", "emergency", "posture", "proximity"]

# Days after which records are deleted. The numbers here are the longest that can be agreed on; site.toml may shorten
# them further. What is counted from records stays. unknown: kinds this version cannot read; unreadable: messages that
# could not be stored.
[retention_days]
device = 90
emergency = 365
posture = 30
proximity = 90
unknown = 30
unreadable = 90
"""

_TOP: Final = ("minimum_group", "hidden_zones", "party", "purpose", "retention_days")


def parse(text: str, name: str) -> Terms:
    """The terms in the text of the file `name`. TermsError: which line and setting is wrong, and what to do."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TermsError(f"{name} is not valid TOML: {error}") from error
    try:
        return _terms(document)
    except ValueError as error:
        raise TermsError(f"{name}{_place(text, str(error))}: {error}") from error


def render(terms: Terms) -> str:
    """A file that `parse` reads back to the same terms."""
    lines = [f"minimum_group = {terms.minimum_group}", f"hidden_zones = {_list(terms.hidden_zones)}"]
    for party in PARTIES:
        side = terms.party(party)
        lines += ["", f"[party.{party}]", f'role = "{side.role}"', f'key = "{key_text(side.key)}"']
    for purpose, categories in terms.purposes:
        lines += ["", f"[purpose.{purpose}]", f"categories = {_list(categories)}"]
    lines += ["", "[retention_days]", *(f"{category} = {days}" for category, days in terms.retention_days)]
    return "\n".join([*lines, ""])


def _terms(document: dict[str, Any]) -> Terms:
    _refuse_unknown(document, _TOP, "")
    sides = _table(document, "party")
    _refuse_unknown(sides, PARTIES, "party.")
    purposes = _table(document, "purpose")
    _refuse_unknown(purposes, PURPOSES, "purpose.")
    days = _table(document, "retention_days")
    _refuse_unknown(days, MOST_DAYS, "retention_days.")
    if missing := [category for category in MOST_DAYS if category not in days]:
        raise ValueError(f"retention_days.{missing[0]} is missing: say a number of days up to {MOST_DAYS[missing[0]]}")
    if "minimum_group" not in document:
        raise ValueError("minimum_group is missing: say how many people must be behind a number")
    return Terms(
        employer=_party(sides, EMPLOYER),
        workers=_party(sides, WORKERS),
        purposes=tuple((name, _categories(purposes, name)) for name in sorted(purposes)),
        minimum_group=document["minimum_group"],
        retention_days=tuple(sorted(days.items())),
        hidden_zones=_names(document.get("hidden_zones", []), "hidden_zones"),
    )


def _party(sides: dict[str, Any], party: str) -> Party:
    where = f"party.{party}."
    table = _table(sides, party, "party.")
    _refuse_unknown(table, ("role", "key"), where)
    for key in ("role", "key"):
        if not isinstance(table.get(key), str):
            raise ValueError(f"{where}{key} must be text in quotes")  # noqa: TRY004 (one class for all wrong settings)
    try:
        return Party(table["role"], key_bytes(table["key"]))
    except ValueError as error:
        raise ValueError(f"{where}{error}") from error


def _categories(purposes: dict[str, Any], name: str) -> tuple[str, ...]:
    where = f"purpose.{name}."
    table = _table(purposes, name, "purpose.")
    _refuse_unknown(table, ("categories",), where)
    return _names(table.get("categories"), f"{where}categories")


def _table(document: dict[str, Any], name: str, above: str = "") -> dict[str, Any]:
    found = document.get(name, {})
    if not isinstance(found, dict):
        raise ValueError(f"{above}{name} must be a section [{above}{name}]")  # noqa: TRY004
    return found


def _names(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError(f'{where} must be a list of names in quotes, such as ["proximity"]')
    return tuple(sorted(set(value)))


def _refuse_unknown(table: dict[str, Any], known: Iterable[str], above: str) -> None:
    known = list(known)
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise ValueError(f"{above}{key} is nothing that can be agreed on; {hint}")


def _list(names: tuple[str, ...]) -> str:
    return json.dumps(list(names), ensure_ascii=False)  # is TOML, too


def _place(text: str, complaint: str) -> str:
    """`, line N` of the setting with which a complaint begins, or of its section where it is missing."""
    path = re.split(r"[ :]", complaint, maxsplit=1)[0].split(".")
    section, place = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([^\]]+)\]", line):
            section = header[1].strip()
            if section == ".".join(path) or section == ".".join(path[:-1]):
                place = f", line {number}"
        elif (key := re.match(r"\s*([\w-]+)\s*=", line)) and path == [*filter(None, section.split(".")), key[1]]:
            return f", line {number}"
    return place
