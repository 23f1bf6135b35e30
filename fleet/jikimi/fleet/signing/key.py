"""One HSS/LMS key on disk, whose state is written before a signature leaves.

A leaf of the tree that signs two different messages gives its private part away. So under a lock between processes the
next number is on the disk, forced there, before the signature of the one before is even computed. A crash at any point
wastes at most one leaf. A key from a backup does not know which leaves were used since, so a restore skips half of
what is left (`skip_half`). What code cannot hold: a directory copied by other means signs with leaves that are used.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jikimi.fleet.errors import SigningError
from jikimi.fleet.signing.tree import Tree
from jikimi.fleet.site.files import PRIVATE, PUBLIC, write_atomic
from jikimi.wire import WireError, cose, lms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Signatures kept back for what brings the next key to the devices.
RESERVE = 16

_SECRET, _LEAVES, _PUBLIC, _STATE, _LOCK = "secret.json", "leaves", "public", "next", "lock"


class SigningKey:
    """A key in a directory of its own. Any number of processes may sign with it at once."""

    def __init__(self, directory: Path, tree: Tree) -> None:
        self.directory = directory
        self._tree = tree

    @classmethod
    def create(cls, directory: Path, height: int, progress: Callable[[int], None] | None = None) -> SigningKey:
        """A new key of 2**height signatures; the directory appears whole or not at all. SigningError when it is there.

        `progress` is told how many leaves are made.
        """
        tree = Tree.grow(height, progress)
        draft = directory.with_name(f".{directory.name}.{secrets.token_hex(4)}")
        draft.mkdir(mode=0o700, parents=True)
        try:
            write_atomic(draft / _SECRET, json.dumps(tree.secret()), PRIVATE)
            write_atomic(draft / _LEAVES, b"".join(tree.leaves), PUBLIC)
            write_atomic(draft / _PUBLIC, tree.public_key, PUBLIC)
            write_atomic(draft / _STATE, "0\n", PRIVATE)
            _put_in_place(draft, directory)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        return cls(directory, tree)

    @classmethod
    def open(cls, directory: Path) -> SigningKey:
        """The key in `directory`; SigningError when it is missing or damaged."""
        try:
            secret: dict[str, Any] = json.loads((directory / _SECRET).read_text("utf-8"))
            tree = Tree.load(secret, (directory / _LEAVES).read_bytes())
            whole = tree.public_key == (directory / _PUBLIC).read_bytes()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SigningError(
                f"the signing key in {directory} cannot be read ({error}): rotate to a new one"
            ) from error
        if not whole:
            raise SigningError(f"the signing key in {directory} is damaged: rotate to a new one")
        return cls(directory, tree)

    @property
    def public_key(self) -> bytes:
        """The HSS public key, 52 bytes: what a device trusts."""
        return self._tree.public_key

    @property
    def key_id(self) -> str:
        """Its short name, as envelopes carry it (hexadecimal)."""
        return cose.key_id(self.public_key).hex()

    @property
    def capacity(self) -> int:
        """How many signatures it had when it was new."""
        return len(self._tree.leaves)

    @property
    def remaining(self) -> int:
        """How many signatures are left, those in reserve for the rotation included."""
        return self.capacity - self._next()

    def sign(self, content_type: str, payload: bytes, *, rotation: bool = False) -> bytes:
        """The signed envelope (COSE_Sign1) of `payload`.

        SigningError when the signatures are used up; the last RESERVE are for envelopes that bring the next key
        (`rotation`).
        """
        message = cose.to_be_signed(content_type, payload)
        leaf = self._reserve(0 if rotation else RESERVE)
        signature = self._tree.sign(leaf, b"".join(message))
        if not lms.verify(self.public_key, message, signature):
            raise SigningError(f"the signing key in {self.directory} made a wrong signature: is this machine sound?")
        try:
            return cose.seal(content_type, self.public_key, payload, signature)
        except WireError as error:
            raise SigningError(f"what is to be signed is too long: {error}") from error

    def skip_half(self) -> None:
        """Give up half of the signatures that are left, the reserve apart: some may have been given already."""
        with self._locked():
            leaf = self._next()
            skipped = max(0, self.capacity - RESERVE - leaf + 1) // 2
            write_atomic(self.directory / _STATE, f"{leaf + skipped}\n", PRIVATE)

    def _reserve(self, keep: int) -> int:
        """The next leaf, which no one will get again, whatever happens from here on."""
        with self._locked():
            leaf = self._next()
            if self.capacity - leaf <= keep:
                raise SigningError(
                    f"only {self.capacity - leaf} signatures are left in {self.directory}, kept for the release that "
                    "brings the next key: run `jikimi release key rotate`"
                )
            write_atomic(self.directory / _STATE, f"{leaf + 1}\n", PRIVATE)
        return leaf

    def _next(self) -> int:
        path = self.directory / _STATE
        try:
            text = path.read_text("ascii")
        except (OSError, ValueError) as error:
            raise SigningError(
                f"{path} cannot be read ({error}); signing on would repeat: rotate to a new key"
            ) from error
        if not text.strip().isdecimal():
            raise SigningError(f"{path} is damaged; signing on would repeat: rotate to a new key")
        return int(text)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.directory / _LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def leaf_of(envelope: bytes) -> tuple[str, int]:
    """(key id, number of the leaf) that signed an envelope: a pair that must never come twice. SigningError."""
    try:
        found = cose.parts(envelope)
    except WireError as error:
        raise SigningError(f"this is not a signed envelope: {error}") from error
    return found.key_id.hex(), int.from_bytes(found.signature[4:8], "big")


def fingerprint(public_key: bytes) -> str:
    """SHA-256 of a public key, to be read out and compared."""
    return hashlib.sha256(public_key).hexdigest()


def _put_in_place(draft: Path, directory: Path) -> None:
    try:
        draft.rename(directory)
    except OSError as error:
        raise SigningError(f"{directory} is there already") from error
    handle = os.open(directory.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
