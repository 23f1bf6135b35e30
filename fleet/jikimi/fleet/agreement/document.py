"""Terms with their place in the chain, as the bytes that both parties sign: deterministic CBOR (RFC 8949, 4.2).

{1: 1 (this format), 2: site, 3: number, 4: SHA-256 of the document before (null: the first),
5: {"employer": [role, key], "workers": [role, key]}, 6: {purpose: [category, …]},
7: {category: days}, 8: minimum group, 9: [hidden zone, …]}
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import cbor2

from jikimi.fleet.agreement.terms import EMPLOYER, PARTIES, WORKERS, Party, Terms
from jikimi.fleet.errors import AgreementError

_FORMAT: Final = 1
_KEYS: Final = set(range(1, 10))
_MOST_BYTES: Final = 8192


@dataclass(frozen=True)
class Document:
    """The agreement number `number` of `site`; `previous` is the digest of the one before, None for the first."""

    site: str
    number: int
    previous: bytes | None
    terms: Terms

    def encode(self) -> bytes:
        """The bytes to sign; equal documents are equal bytes."""
        terms = self.terms
        fields = {
            1: _FORMAT,
            2: self.site,
            3: self.number,
            4: self.previous,
            5: {name: [terms.party(name).role, terms.party(name).key] for name in PARTIES},
            6: {name: list(categories) for name, categories in terms.purposes},
            7: dict(terms.retention_days),
            8: terms.minimum_group,
            9: list(terms.hidden_zones),
        }
        return cbor2.dumps(fields, canonical=True)


def digest(document: bytes) -> bytes:
    """SHA-256 of a document's bytes: what the next one names, and people compare."""
    return hashlib.sha256(document).digest()


def decode(raw: bytes) -> Document:
    """The document of such bytes; AgreementError for any that `encode` would not have made."""
    if len(raw) > _MOST_BYTES:
        raise AgreementError("it is too long to be an agreement")
    try:
        fields = cbor2.loads(raw)
        found = _document(fields)
    except (cbor2.CBORDecodeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise AgreementError(f"it is not an agreement that this version can read ({error})") from error
    if found.encode() != raw:
        raise AgreementError("its bytes are not in the one form that can be signed")
    return found


def _document(fields: Any) -> Document:
    if not isinstance(fields, dict) or set(fields) != _KEYS or fields[1] != _FORMAT:
        raise ValueError("unknown format")
    terms = Terms(
        employer=Party(*fields[5][EMPLOYER]),
        workers=Party(*fields[5][WORKERS]),
        purposes=tuple((name, tuple(fields[6][name])) for name in sorted(fields[6])),
        minimum_group=fields[8],
        retention_days=tuple(sorted(fields[7].items())),
        hidden_zones=tuple(fields[9]),
    )
    return Document(fields[2], fields[3], fields[4], terms)
