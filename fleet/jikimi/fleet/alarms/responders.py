"""Who may take alarms on at the page: roles, never persons, each with a code that is good for nothing else.

A code is random and long enough that nobody guesses it, so the database keeps its SHA-256 without salt or stretching.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from jikimi.fleet.errors import RegistryError
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.site import is_name
from jikimi.fleet.store.schema import responder as _responder

if TYPE_CHECKING:
    from jikimi.fleet.site import Site

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_GROUPS, _GROUP = 4, 5  # 100 bits, in groups that can be read out and typed on a telephone


@dataclass(frozen=True)
class Responder:
    """A role with a code; `created_ms` since 1970 UTC."""

    role: str
    created_ms: int


def add(site: Site, role: str) -> str:
    """A new code for `role`, which is told only here. RegistryError when it has one, or is no role's name."""
    if not is_name(role):
        raise RegistryError("a responder is 1 to 32 of a-z, 0-9 and -: a role such as first-aider, never a person")
    code = "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    row = {"site": site.name, "role": role, "code_hash": _hash(code), "created_ms": time.time_ns() // 1_000_000}
    with transaction(site) as connection:
        if connection.execute(sa.select(_responder).where(_is(site, role))).first() is not None:
            raise RegistryError(
                f"{role} has a code already: to replace it, `jikimi alarm responder remove {role}` first"
            )
        connection.execute(_responder.insert().values(row))
    return code


def remove(site: Site, role: str) -> None:
    """End the code of `role`, on every browser that is signed in with it, too. RegistryError when it has none."""
    with transaction(site) as connection:
        if connection.execute(_responder.delete().where(_is(site, role))).rowcount == 0:
            raise RegistryError(f"{role} has no code: `jikimi alarm responder list` shows who has")


def responders(site: Site) -> list[Responder]:
    """All roles with a code, by name."""
    query = sa.select(_responder.c.role, _responder.c.created_ms).where(_responder.c.site == site.name)
    with transaction(site) as connection:
        return [Responder(*row) for row in connection.execute(query.order_by(_responder.c.role))]


def role_of(site: Site, code: str) -> str | None:
    """Whose code it is, however it was typed; None: nobody's."""
    query = sa.select(_responder.c.role).where(_responder.c.site == site.name, _responder.c.code_hash == _hash(code))
    with transaction(site) as connection:
        return connection.execute(query).scalar()


def _hash(code: str) -> str:
    letters = "".join(letter for letter in code.lower() if letter in _LETTERS)
    return hashlib.sha256(letters.encode()).hexdigest()


def _is(site: Site, role: str) -> sa.ColumnElement[bool]:
    return (_responder.c.site == site.name) & (_responder.c.role == role)
