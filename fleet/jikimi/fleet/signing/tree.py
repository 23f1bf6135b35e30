"""The Merkle tree of an LMS key: leaves made once, one-time signatures by pyhsslms, paths from the kept leaves."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import pyhsslms  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

_N = 24  # bytes of a hash: SHA-256 cut to 192 bits (RFC 9858)
_OTS_TYPE: bytes = pyhsslms.lmots_sha256_n24_w4
_LMS_TYPES: dict[int, bytes] = {
    5: pyhsslms.lms_sha256_m24_h5,
    10: pyhsslms.lms_sha256_m24_h10,
    15: pyhsslms.lms_sha256_m24_h15,
}
_ID_BYTES = 16
_D_LEAF, _D_INTR = b"\x82\x82", b"\x83\x83"


class Tree:
    """`leaves` are hashes of one-time public keys, which are not secret; everything secret follows from the seed."""

    def __init__(self, height: int, ident: bytes, seed: bytes, leaves: list[bytes]) -> None:
        self.height = height
        self.leaves = leaves
        self._ident = ident
        self._seed = seed
        self._nodes = self._all_nodes()

    @classmethod
    def grow(cls, height: int, progress: Callable[[int], None] | None = None) -> Tree:
        """A new tree of `height` 5, 10 or 15; height 10 takes about two seconds."""
        ident, seed = secrets.token_bytes(_ID_BYTES), secrets.token_bytes(_N)
        leaves = []
        for number in range(1 << height):
            public: bytes = _one_time(ident, seed, number).publicKey().K
            leaves.append(_hashed(ident, (1 << height) + number, _D_LEAF, public))
            if progress is not None:
                progress(number + 1)
        return cls(height, ident, seed, leaves)

    @classmethod
    def load(cls, secret: dict[str, Any], leaves: bytes) -> Tree:
        """The tree whose `secret` and leaves were kept; ValueError when they cannot be those of one."""
        height = secret["height"]
        if height not in _LMS_TYPES or len(leaves) != _N << height:
            raise ValueError("the leaves do not fit the height")
        parts = [leaves[at : at + _N] for at in range(0, len(leaves), _N)]
        return cls(height, bytes.fromhex(secret["id"]), bytes.fromhex(secret["seed"]), parts)

    def secret(self) -> dict[str, Any]:
        """What `load` needs beside the leaves."""
        return {"height": self.height, "id": self._ident.hex(), "seed": self._seed.hex()}

    @property
    def public_key(self) -> bytes:
        """The HSS public key of one level."""
        return b"\0\0\0\1" + _LMS_TYPES[self.height] + _OTS_TYPE + self._ident + self._nodes[1]

    def sign(self, leaf: int, message: bytes) -> bytes:
        """The HSS signature by one leaf, which must be used once only; the caller sees to that."""
        one_time: bytes = _one_time(self._ident, self._seed, leaf).sign(message)
        node, path = (1 << self.height) + leaf, b""
        while node > 1:
            path += self._nodes[node ^ 1]
            node >>= 1
        return b"\0\0\0\0" + leaf.to_bytes(4, "big") + one_time + _LMS_TYPES[self.height] + path

    def _all_nodes(self) -> list[bytes]:
        count = 1 << self.height
        nodes = [b""] * count + self.leaves
        for number in range(count - 1, 0, -1):
            nodes[number] = _hashed(self._ident, number, _D_INTR, nodes[2 * number] + nodes[2 * number + 1])
        return nodes


def _one_time(ident: bytes, seed: bytes, leaf: int) -> Any:
    return pyhsslms.LmotsPrivateKey(ident, leaf.to_bytes(4, "big"), seed, _OTS_TYPE)


def _hashed(ident: bytes, number: int, domain: bytes, content: bytes) -> bytes:
    return hashlib.sha256(ident + number.to_bytes(4, "big") + domain + content).digest()[:_N]
