"""The parties' keys: P-256, the private half in a file that only its passphrase opens, away from the site."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from jikimi.fleet.errors import AgreementError
from jikimi.fleet.site.files import PRIVATE, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

LEAST_LETTERS: Final = 12  # of a passphrase: it is all that protects a copied file


def make(path: Path, passphrase: str) -> bytes:
    """Write a new private key to `path`, which must not be there yet, nor in a site; its public key. AgreementError."""
    if path.exists():
        raise AgreementError(f"{path} is there already: a key that has signed must not be lost, so name a new file")
    if site := next((above for above in path.absolute().parents if (above / "site.toml").is_file()), None):
        raise AgreementError(f"{path} lies in the site {site}: a party keeps its key elsewhere, as ~/{path.name}")
    if len(passphrase) < LEAST_LETTERS:
        raise AgreementError(f"a passphrase has {LEAST_LETTERS} letters or more: take some words without a meaning")
    key = ec.generate_private_key(ec.SECP256R1())
    sealed = BestAvailableEncryption(passphrase.encode())
    write_atomic(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed), PRIVATE)
    return public(key)


def load(path: Path, passphrase: str) -> ec.EllipticCurvePrivateKey:
    """The private key in `path`; AgreementError when it is none, or the passphrase is not its."""
    try:
        key = load_pem_private_key(path.read_bytes(), passphrase.encode() or None)
    except OSError as error:
        raise AgreementError(f"{path} cannot be read ({error.strerror}): name the file of your key") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AgreementError(f"{path} does not open: wrong passphrase, or no key of `jikimi agreement key`") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise AgreementError(f"{path} is a key of another kind: make one with `jikimi agreement key`")
    return key


def public(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Its public half, as terms hold it."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def fingerprint(key: bytes) -> str:
    """Short enough to be read out and compared."""
    text = hashlib.sha256(key).hexdigest()[:32]
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
