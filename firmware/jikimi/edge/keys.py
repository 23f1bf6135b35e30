"""A device makes its own key, so that the private half exists nowhere else: P-256 with MicroPython's integers.

Multiplication runs once in a device's life and once per rotation, with nobody near who could time it: it is written to
be short and to be checked against another implementation (tests/firmware/test_keys.py), not to be constant in time.
"""

import hashlib
import os

# SEC 2, section 2.4.2; a = -3.
_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    1,
)
_INFINITY = (1, 1, 0)
_BITS = 256

# RFC 5958 around RFC 5915: everything before the private key, and between it and the public one.
_HEAD = (
    b"\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    b"\x04\x6d\x30\x6b\x02\x01\x01\x04\x20"
)
_MIDDLE = b"\xa1\x44\x03\x42\x00"
PUBLIC_BYTES = 65


def make(path, extra):
    """Write a new private key (PKCS#8 DER) to the file `path`; its public half, 65 bytes as SEC 1 has them.

    `extra` is entropy of the host's: a chip whose radio is off has a poorer source of its own, and neither side alone
    then decides the key.
    """
    secret = _secret(extra)
    public = public_of(secret)
    with open(path, "wb") as file:
        file.write(_HEAD + secret.to_bytes(32, "big") + _MIDDLE + public)
    return public


def public_in(path):
    """The public half in a key file that `make` wrote; None when it is absent or another kind of file."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return None
    whole = len(content) == len(_HEAD) + 32 + len(_MIDDLE) + PUBLIC_BYTES and content.startswith(_HEAD)
    return content[-PUBLIC_BYTES:] if whole else None


def public_of(secret):
    """The public half of a private key (an integer from 1 to n-1): 0x04, x, y."""
    point = _INFINITY
    for bit in range(_BITS - 1, -1, -1):
        point = _double(point)
        if secret >> bit & 1:
            point = _add(point, _G)
    x, y, z = point
    inverse = _inverse(z)
    square = inverse * inverse % _P
    return b"\x04" + (x * square % _P).to_bytes(32, "big") + (y * square * inverse % _P).to_bytes(32, "big")


def _secret(extra):
    """Uniform from 1 to n-1: what falls outside is drawn again (FIPS 186-5, A.2.2)."""
    while True:
        drawn = int.from_bytes(hashlib.sha256(os.urandom(32) + extra).digest(), "big")
        if 0 < drawn < _N:
            return drawn


def _inverse(value):
    """Modulo p, by extended Euclid: MicroPython's pow has no negative exponent."""
    old, new, a, b = _P, value % _P, 0, 1
    while new:
        quotient = old // new
        old, new, a, b = new, old - quotient * new, b, a - quotient * b
    return a % _P


def _double(point):
    """Jacobian coordinates; EFD "dbl-2001-b"."""
    x, y, z = point
    if not z:
        return point
    delta = z * z % _P
    gamma = y * y % _P
    beta = x * gamma % _P
    alpha = 3 * (x - delta) * (x + delta) % _P
    x3 = (alpha * alpha - 8 * beta) % _P
    z3 = ((y + z) * (y + z) - gamma - delta) % _P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % _P, z3


def _add(point, other):
    """`other` has z = 1; EFD "madd", and what it leaves out: equal and opposite points."""
    x1, y1, z1 = point
    if not z1:
        return other
    square = z1 * z1 % _P
    h = (other[0] * square - x1) % _P
    r = (other[1] * square * z1 - y1) % _P
    if not h:
        return _double(point) if not r else _INFINITY
    hh = h * h % _P
    hhh = h * hh % _P
    v = x1 * hh % _P
    x3 = (r * r - hhh - 2 * v) % _P
    return x3, (r * (v - x3) - y1 * hhh) % _P, z1 * h % _P
