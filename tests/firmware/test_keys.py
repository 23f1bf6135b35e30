"""A device makes its own P-256 key; OpenSSL, through cryptography, is the oracle."""

import random

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _public(secret: int) -> str:
    key = ec.derive_private_key(secret, ec.SECP256R1()).public_key()
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint).hex()


def test_public_keys_are_those_that_openssl_computes(run_device):
    rng = random.Random(1)
    secrets = [1, 2, 3, _N - 1, _N - 2, 1 << 255, *(rng.randrange(1, _N) for _ in range(10))]
    found = run_device("key_cases", *(f"{secret:x}" for secret in secrets))["public"]
    assert found == [_public(secret) for secret in secrets]


def test_a_made_key_is_one_openssl_reads_and_is_new_each_time(run_device):
    found = run_device("key_cases")
    key = serialization.load_der_private_key(bytes.fromhex(found["der"]), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert _public(key.private_numbers().private_value) == found["made"]
    assert found["read"]
    assert not found["same"]


def test_a_key_file_that_is_cut_or_absent_has_no_public_half(run_device):
    assert run_device("key_cases")["no"] == [None, None]
