"""Whether the certificate found on a board is the one it was given."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization

_RENEW_BEFORE = datetime.timedelta(days=30)


def still_good(certificate_der: bytes | None, serial: str, public_key: bytes) -> bool:
    """Whether it is the one of `serial`, for the key the board holds, and does not end within a month.

    An empty `serial` stands for any: a technician's bundle gives a board one certificate and no other.
    """
    if certificate_der is None:
        return False
    try:
        certificate = x509.load_der_x509_certificate(certificate_der)
    except ValueError:
        return False
    held = certificate.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    ends = certificate.not_valid_after_utc - _RENEW_BEFORE
    lasts = ends > datetime.datetime.now(datetime.UTC)
    same = not serial or f"{certificate.serial_number:x}" == serial
    return lasts and held == public_key and same
