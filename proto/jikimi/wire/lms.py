"""Verification of HSS/LMS signatures (RFC 8554, with the 192-bit sets of RFC 9858): SHA-256 and nothing else.

Hash-based, so a device needs no big integers and no curve, only the hash that every MicroPython has. Memory is bounded:
one small buffer is hashed again and again; the message is never copied. Some 400 hashes for LMS_SHA256_M24_H10 with W4.
"""

import hashlib

MAX_LEVELS = 8
ID_BYTES = 16  # I, the random name of one tree

_D_PBLC, _D_MESG, _D_LEAF, _D_INTR = b"\x80\x80", b"\x81\x81", b"\x82\x82", b"\x83\x83"
_LMS_M32_H5, _LMS_M24_H5 = 5, 10  # first of five type codes each: heights 5, 10, 15, 20, 25
_OTS_N32_W1, _OTS_N24_W1 = 1, 5  # first of four type codes each: widths 1, 2, 4, 8
_CHECKSUM_DIGITS = {(32, 1): 9, (24, 1): 8, (32, 2): 5, (24, 2): 5, (32, 4): 3, (24, 4): 3, (32, 8): 2, (24, 8): 2}


def verify(
    public_key: "bytes | memoryview", message: "tuple[bytes | memoryview, ...]", signature: "bytes | memoryview"
) -> bool:
    """Whether `signature` (RFC 8554 section 6.2) is one of the message, given in pieces, by the HSS `public_key`.

    False as well for anything that is not a key or a signature. Never raises.
    """
    key_view, rest = memoryview(public_key), memoryview(signature)
    levels = _u32(key_view, 0)
    if not 1 <= levels <= MAX_LEVELS or _u32(rest, 0) != levels - 1:
        return False
    key = _Key.parse(key_view[4:])
    rest = rest[4:]
    for _ in range(levels - 1):
        if key is None:
            return False
        end = key.signature_bytes
        after = end + key.size
        below = rest[end:after]
        if not key.signed((below,), rest[:end]):
            return False
        key, rest = _Key.parse(below), rest[after:]
    return key is not None and key.signed(message, rest)


class _Key:
    """An LMS public key: the root of one tree."""

    def __init__(self, view: memoryview, n: int, height: int, width: int) -> None:
        self.size = len(view)
        self._types = (_u32(view, 0), _u32(view, 4))
        self._ident = bytes(view[8 : 8 + ID_BYTES])
        self._root = bytes(view[8 + ID_BYTES :])
        self._n, self._height, self._width = n, height, width
        self._digits = 8 * n // width
        self._chains = self._digits + _CHECKSUM_DIGITS[(n, width)]
        self._ots_bytes = 4 + n * (1 + self._chains)
        self.signature_bytes = 4 + self._ots_bytes + 4 + n * height

    @classmethod
    def parse(cls, view: memoryview) -> "_Key | None":
        """The key in `view`; None when its types are unknown or do not go together, or its length is another."""
        lms, ots = _u32(view, 0), _u32(view, 4)
        n, first = (32, _LMS_M32_H5) if lms < _LMS_M24_H5 else (24, _LMS_M24_H5)
        first_ots = _OTS_N32_W1 if n == 32 else _OTS_N24_W1
        if not (first <= lms < first + 5 and first_ots <= ots < first_ots + 4 and len(view) == 8 + ID_BYTES + n):
            return None
        return cls(view, n, 5 * (lms - first + 1), 1 << (ots - first_ots))

    def signed(self, message: "tuple[bytes | memoryview, ...]", sig: memoryview) -> bool:
        """Whether `sig` is this tree's signature of the message (RFC 8554 section 5.4.2)."""
        path_at = 4 + self._ots_bytes
        if len(sig) != self.signature_bytes or self._types != (_u32(sig, path_at), _u32(sig, 4)):
            return False
        leaf = _u32(sig, 0)
        if leaf >> self._height:
            return False
        node = (1 << self._height) + leaf
        found = self._hashed(node, _D_LEAF, self._one_time_key(leaf, message, sig[8:path_at]), b"")
        for at in range(path_at + 4, self.signature_bytes, self._n):
            beside = sig[at : at + self._n]
            found = (
                self._hashed(node >> 1, _D_INTR, beside, found)
                if node & 1
                else (self._hashed(node >> 1, _D_INTR, found, beside))
            )
            node >>= 1
        return found == self._root

    def _hashed(self, number: int, domain: bytes, left: "bytes | memoryview", right: "bytes | memoryview") -> bytes:
        digest = hashlib.sha256(self._ident + number.to_bytes(4, "big") + domain)
        digest.update(left)
        digest.update(right)
        return digest.digest()[: self._n]

    def _one_time_key(self, leaf: int, message: "tuple[bytes | memoryview, ...]", sig: memoryview) -> bytes:
        """The one-time public key that this one-time signature of the message belongs to (section 4.6)."""
        n, ends = self._n, (1 << self._width) - 1
        prefix = self._ident + leaf.to_bytes(4, "big")
        digits = self._message_digits(prefix, sig[:n], message)
        link = bytearray(prefix + bytes(3 + n))  # I, q, number of the chain, number of the link, its value
        view = memoryview(link)
        public = hashlib.sha256(prefix + _D_PBLC)
        for chain in range(self._chains):
            view[20] = chain >> 8
            view[21] = chain & 0xFF
            view[23:] = sig[n * (1 + chain) : n * (2 + chain)]
            for step in range(_digit(digits, chain, self._width), ends):
                view[22] = step
                view[23:] = memoryview(hashlib.sha256(link).digest())[:n]
            public.update(view[23:])
        return public.digest()[:n]

    def _message_digits(
        self, prefix: bytes, randomizer: memoryview, message: "tuple[bytes | memoryview, ...]"
    ) -> bytes:
        """Hash of the message, followed by its checksum (section 4.4)."""
        digest = hashlib.sha256(prefix + _D_MESG)
        digest.update(randomizer)
        for piece in message:
            digest.update(piece)
        found = digest.digest()[: self._n]
        ends = (1 << self._width) - 1
        checksum = sum([ends - _digit(found, i, self._width) for i in range(self._digits)])
        shift = 16 - self._width * (self._chains - self._digits)
        return found + (checksum << shift).to_bytes(2, "big")


def _digit(digits: bytes, place: int, width: int) -> int:
    at = place * width
    return digits[at >> 3] >> (8 - width - (at & 7)) & ((1 << width) - 1)


def _u32(view: memoryview, at: int) -> int:
    """The integer at `at`; 0, which is no type of anything, when `view` is too short."""
    return int.from_bytes(view[at : at + 4], "big") if len(view) >= at + 4 else 0
