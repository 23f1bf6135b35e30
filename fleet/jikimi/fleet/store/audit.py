"""The audit log: who asked what about people's work. It is only ever added to.

Each entry's digest is SHA-256 of the digest before it and of what the entry says, so an entry that is changed, taken
out or moved no longer fits those behind it. Only the end can be cut off unseen, or everything be made anew by whoever
owns the database: against that, people note the head now and then (`jikimi audit head`), and `verify` asks for it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

import cbor2
import sqlalchemy as sa

from jikimi.fleet.errors import AuditError
from jikimi.fleet.store.rows import AuditRow
from jikimi.fleet.store.schema import audit
from jikimi.fleet.store.upsert import is_shared

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOCK: Final = 0x6A6B_4155  # PostgreSQL's advisory lock under which entries get their numbers
_BEGINNING: Final = "00" * 32
_LONGEST: Final = {"who": 32, "purpose": 32, "question": 160, "outcome": 32}
_HEAD: Final = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


@dataclass(frozen=True)
class Entry:
    """What is to be noted; texts longer than their column are cut."""

    who: str
    purpose: str
    question: str
    outcome: str
    n_rows: int | None = None


def lock(connection: sa.Connection) -> None:
    """Let no other writer of the log, or of agreements, in until the commit."""
    if is_shared(connection):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def append(connection: sa.Connection, site: str, entry: Entry, now_ms: int) -> AuditRow:
    """Add an entry, in the transaction of what it tells of."""
    lock(connection)
    newest = sa.select(audit.c.number, audit.c.digest).where(audit.c.site == site)
    last = connection.execute(newest.order_by(audit.c.number.desc()).limit(1)).one_or_none()
    number, before = (0, _BEGINNING) if last is None else (last[0], bytes(last[1]).hex())
    said = asdict(entry) | {name: getattr(entry, name)[:length] for name, length in _LONGEST.items()}
    row = AuditRow(number=number + 1, at_ms=now_ms, digest="", **said)
    row = replace(row, digest=_digest(site, row, before))
    connection.execute(audit.insert().values({**asdict(row), "site": site, "digest": bytes.fromhex(row.digest)}))
    return row


def rows(connection: sa.Connection, site: str, limit: int | None = None) -> list[AuditRow]:
    """Entries, oldest first; the newest `limit` of them, or all."""
    columns = [audit.c[name] for name in AuditRow.__dataclass_fields__]
    query = sa.select(*columns).where(audit.c.site == site).order_by(audit.c.number.desc()).limit(limit)
    found = [AuditRow(**{**row, "digest": bytes(row["digest"]).hex()}) for row in connection.execute(query).mappings()]
    return found[::-1]


def check(site: str, entries: Iterable[AuditRow], head: str | None = None) -> str:
    """The head of a log that is whole: NUMBER:DIGEST of its last entry. AuditError names the first wrong entry.

    With `head`, one that was noted earlier, the log must still go through it.
    """
    noted = None if head is None else _parse_head(head)
    number, before = 0, _BEGINNING
    for row in entries:
        number += 1
        if row.number != number:
            raise AuditError(f"entry {number} of the audit log is missing: what follows it is {row.number}")
        if row.digest != _digest(site, row, before):
            raise AuditError(
                f"entry {number} of the audit log does not fit those before it: it was changed, moved, or follows one "
                "that was taken out"
            )
        before = row.digest
        if noted is not None and noted[0] == number and noted[1] != before:
            raise AuditError(f"entry {number} of the audit log is not the one that was noted: the log was made anew")
    if noted is not None and noted[0] > number:
        raise AuditError(f"the audit log ends at entry {number}, and {noted[0]} was noted: its end was cut off")
    return f"{number}:{before}"


def _parse_head(text: str) -> tuple[int, str]:
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        raise AuditError(f"{text!r} is no head of an audit log: copy what `jikimi audit head` printed, NUMBER:DIGEST")
    return int(found[1]), found[2]


def _digest(site: str, row: AuditRow, before: str) -> str:
    said = [site, row.number, row.at_ms, row.who, row.purpose, row.question, row.outcome, row.n_rows]
    return hashlib.sha256(bytes.fromhex(before) + cbor2.dumps(said, canonical=True)).hexdigest()
