"""The site's own certificate authority: EC P-256, one certificate per device, per host service and for the broker.

The broker knows a client by the DNS name in its certificate (`jikimi.fleet.site.names`), and clients know the broker
by `broker.{site}.jikimi.internal`, whatever address they dial.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from jikimi.fleet.errors import SiteError
from jikimi.fleet.site.files import PRIVATE, PUBLIC, write_atomic
from jikimi.fleet.site.names import broker_name, device_label, device_name, host_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_CA_DAYS = 9_131  # 25 years: longer than any device certificate it may sign
_SERVER, _CLIENT = (ExtendedKeyUsageOID.SERVER_AUTH,), (ExtendedKeyUsageOID.CLIENT_AUTH,)
# A device's clock may be behind ours when it first checks the broker's certificate.
_BACKDATE = datetime.timedelta(days=1)
_RENEW_BEFORE = datetime.timedelta(days=30)


@dataclass(frozen=True)
class Certified:
    """A certificate; the private key is elsewhere."""

    certificate: x509.Certificate

    @property
    def serial(self) -> str:
        """Serial number in hexadecimal."""
        return f"{self.certificate.serial_number:x}"

    @property
    def not_after_ms(self) -> int:
        """End of validity, ms since 1970 UTC."""
        return int(self.certificate.not_valid_after_utc.timestamp()) * 1000

    def certificate_der(self) -> bytes:
        """DER of the certificate, as MicroPython's `load_cert_chain` takes it."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


@dataclass(frozen=True)
class Issued(Certified):
    """A certificate and its private key, both only in memory."""

    key: ec.EllipticCurvePrivateKey

    def key_der(self) -> bytes:
        """Unencrypted PKCS#8 DER of the key, as MicroPython's `load_cert_chain` takes it."""
        return _key_bytes(self.key, serialization.Encoding.DER)

    def write_pem(self, directory: Path, name: str) -> None:
        """Write `NAME.key.pem` (readable by the owner only) and `NAME.pem`, the key first."""
        write_atomic(directory / f"{name}.key.pem", _key_bytes(self.key, serialization.Encoding.PEM), PRIVATE)
        write_atomic(directory / f"{name}.pem", self.certificate.public_bytes(serialization.Encoding.PEM), PUBLIC)


class CertificateAuthority:
    """Signs certificates of one site; its key stays in the site directory."""

    def __init__(self, site: str, issued: Issued) -> None:
        self._site = site
        self._issued = issued

    @classmethod
    def create(cls, site: str, directory: Path) -> CertificateAuthority:
        """Make a new authority and write it to `directory` as `ca.pem` and `ca.key.pem`."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _subject(f"Jikimi CA of {site}")
        builder = _builder(name, name, key.public_key(), _CA_DAYS)
        for extension in _ca_extensions(key.public_key()):
            builder = builder.add_extension(extension, critical=not isinstance(extension, x509.SubjectKeyIdentifier))
        issued = Issued(builder.sign(key, hashes.SHA256()), key)
        issued.write_pem(directory, "ca")
        return cls(site, issued)

    @classmethod
    def load(cls, site: str, directory: Path) -> CertificateAuthority:
        """Read the authority that `create` wrote; SiteError when its files are missing or damaged."""
        try:
            certificate = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
            key = serialization.load_pem_private_key((directory / "ca.key.pem").read_bytes(), None)
        except (OSError, ValueError) as error:
            raise SiteError(f"the CA in {directory} cannot be read ({error}): restore it from a backup") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise SiteError(f"ca.key.pem in {directory} is not the key of ca.pem: restore both from a backup")
        return cls(site, Issued(certificate, key))

    def certificate_der(self) -> bytes:
        """DER of the CA certificate, as MicroPython's `load_verify_locations` takes it."""
        return self._issued.certificate_der()

    def issue_device(self, device: str, days: int) -> Issued:
        """A client certificate for one device, with a fresh key."""
        return self._issue(device, [device_name(self._site, device)], _CLIENT, days)

    def certify_device(self, device: str, generation: int, public_key: bytes, days: int) -> Certified:
        """A client certificate for a key the device made itself (65 bytes, SEC 1); SiteError when it is no key."""
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
        except ValueError as error:
            raise SiteError(f"the device sent no P-256 public key ({error}): provision it again") from error
        names = [device_name(self._site, device, generation)]
        return Certified(self._sign(device_label(device, generation), names, _CLIENT, days, key))

    def issue_host(self, role: str, days: int) -> Issued:
        """A client certificate for one service of the host."""
        return self._issue(role, [host_name(self._site, role)], _CLIENT, days)

    def issue_broker(self, names: Sequence[str], days: int, *, dials_peers: bool = False) -> Issued:
        """The broker's server certificate, valid for `names` (DNS names and addresses).

        `dials_peers`: nodes of a cluster also show it to each other as clients.
        """
        all_names = [broker_name(self._site), *names]
        usages = (*_SERVER, *_CLIENT) if dials_peers else _SERVER
        # From the site's beginning on: a device whose clock was never set takes it to be that time.
        since = self._issued.certificate.not_valid_before_utc
        return self._issue("broker", all_names, usages, days, since)

    def revocation_list(self, serials: Iterable[str], after: bytes | None = None) -> bytes:
        """PEM of the list of certificates (their serials in hexadecimal) that are void.

        It is newer than the list `after`: OpenSSL, which keeps both when a broker reads its files again, goes by the
        newest.
        """
        since = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - _BACKDATE
        if after is not None:
            since = max(since, x509.load_pem_x509_crl(after).last_update_utc + datetime.timedelta(seconds=1))
        builder = x509.CertificateRevocationListBuilder(self._issued.certificate.subject)
        # Without end: a list that has run out shuts everybody out.
        builder = builder.last_update(since).next_update(self._issued.certificate.not_valid_after_utc)
        for serial in serials:
            revoked = x509.RevokedCertificateBuilder(int(serial, 16), since)
            builder = builder.add_revoked_certificate(revoked.build())
        return builder.sign(self._issued.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _issue(
        self,
        common: str,
        names: Sequence[str],
        usages: Sequence[x509.ObjectIdentifier],
        days: int,
        since: datetime.datetime | None = None,
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        return Issued(self._sign(common, names, usages, days, key.public_key(), since), key)

    def _sign(
        self,
        common: str,
        names: Sequence[str],
        usages: Sequence[x509.ObjectIdentifier],
        days: int,
        key: ec.EllipticCurvePublicKey,
        since: datetime.datetime | None = None,
    ) -> x509.Certificate:
        authority = self._issued.certificate
        builder = _builder(_subject(common), authority.subject, key, days, since)
        alternative = x509.SubjectAlternativeName([_general_name(name) for name in names])
        builder = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(alternative, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._issued.key.public_key()), critical=False
            )
        )
        return builder.sign(self._issued.key, hashes.SHA256())


def needs_renewal(path: Path, names: Sequence[str]) -> bool:
    """Whether the certificate at `path` is absent, damaged, about to end or not valid for one of `names`."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return True
    ends = certificate.not_valid_after_utc - _RENEW_BEFORE
    missing = any(_general_name(name) not in held for name in names)
    return missing or ends < datetime.datetime.now(datetime.UTC)


def _subject(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    days: int,
    since: datetime.datetime | None = None,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since or now - _BACKDATE)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _ca_extensions(key: ec.EllipticCurvePublicKey) -> list[x509.ExtensionType]:
    return [
        x509.BasicConstraints(ca=True, path_length=0),
        _key_usage(signs_certificates=True),
        x509.SubjectKeyIdentifier.from_public_key(key),
    ]


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_bytes(key: ec.EllipticCurvePrivateKey, encoding: serialization.Encoding) -> bytes:
    return key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
