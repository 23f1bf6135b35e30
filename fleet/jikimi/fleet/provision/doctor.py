"""The cause of a device's trouble, and what to do about it, in plain words.

`examine` judges facts of a board over USB, `from_afar` what the site has heard of a device. Both are pure functions:
all they need is given.
"""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from jikimi.fleet.provision.remedies import REMEDIES
from jikimi.wire import settings as wire_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jikimi.fleet.configuration.applied import Told
    from jikimi.fleet.provision.facts import Facts
    from jikimi.fleet.registry import Device, Known
    from jikimi.fleet.site import Endpoint

_CLOCK_OFF_S = 300  # from here on, times of alarms are misleading
_SOON = datetime.timedelta(days=30)
_UNSET = datetime.timedelta(days=1)  # after the beginning of the site's authority, which is dated a day back
_EARLIEST_YEAR = 2025  # before it a clock was never set
_FLASH_LEAST_KB = 192
_LOW_BATTERY_PCT = 20
_SILENT_MS = 24 * 3_600_000


@dataclass(frozen=True)
class Finding:
    """One fault: a stable code, what was seen, and what to do in English and Korean."""

    code: str
    seen: str

    @property
    def remedy(self) -> str:
        """What to do, in English."""
        return REMEDIES[self.code][0]

    @property
    def remedy_ko(self) -> str:
        """What to do, in Korean."""
        return REMEDIES[self.code][1]


@dataclass(frozen=True)
class Expected:
    """What the site knows about the device on this board; `known` None: it knows no such board."""

    site: str
    endpoint: Endpoint
    ca_der: bytes
    now: datetime.datetime
    site_is_up: bool
    known: Known | None = None
    told: Told | None = None


def examine(facts: Facts, expected: Expected, *, near: bool = False) -> list[Finding]:
    """All faults of a board, the cause before its consequences. `near`: a working device lies beside it."""
    found = [
        *_application(facts),
        *_identity(facts, expected),
        *_configuration(facts, expected),
        *_time(facts, expected),
        *_certificates(facts, expected),
        *_network(facts, expected),
        *_hardware(facts, near=near),
    ]
    return list(dict.fromkeys(found))


def _application(facts: Facts) -> Iterator[Finding]:
    if not facts.installed:
        yield Finding("not-provisioned", "no application is on it")
    elif facts.application_differs:
        yield Finding("old-firmware", f"{facts.application_differs} files differ from this version's")
    if facts.free_kb < _FLASH_LEAST_KB:
        yield Finding("full-flash", f"{facts.free_kb} KB are free")


def _identity(facts: Facts, expected: Expected) -> Iterator[Finding]:
    if facts.chip.site is not None and facts.chip.site != expected.site:
        yield Finding("other-site", f"it says it belongs to {facts.chip.site}")
    elif facts.installed and expected.known is None:
        yield Finding("unknown-board", "the site has never enrolled this board")
    elif expected.known is not None and expected.known.state != "active":
        yield Finding("not-active", f"{expected.known.device} is {expected.known.state}")


def _configuration(facts: Facts, expected: Expected) -> Iterator[Finding]:
    if not facts.installed:
        return
    if facts.config_error is not None:
        yield Finding("bad-configuration", facts.config_error)
        return
    broker = facts.config.get("broker", {})
    wanted = expected.endpoint
    if (broker.get("host"), broker.get("port")) != (wanted.host, wanted.port):
        seen = f"{broker.get('host')}:{broker.get('port')} instead of {wanted.host}:{wanted.port}"
        yield Finding("wrong-broker", seen)
    elif expected.told is not None and wire_settings.digest(facts.config) != expected.told.digest:
        refused = f"; it refused {facts.refused}" if facts.refused else ""
        yield Finding("old-configuration", f"sequence {facts.config.get('sequence', 0)}{refused}")


def _time(facts: Facts, expected: Expected) -> Iterator[Finding]:
    year, month, day, _weekday, hour, minute, second = facts.clock[:7]
    if year < _EARLIEST_YEAR:
        return  # it is set by the site at each connection: nothing to do
    clock = datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)
    began = x509.load_der_x509_certificate(expected.ca_der).not_valid_before_utc
    if began <= clock < began + _UNSET:
        return  # the same: where a device puts a clock that nobody has set, to check certificates by it
    off_s = abs((clock - expected.now).total_seconds())
    if off_s > _CLOCK_OFF_S:
        yield Finding("wrong-clock", f"it is {clock.isoformat(' ', 'minutes')} there")


def _certificates(facts: Facts, expected: Expected) -> Iterator[Finding]:
    if not facts.installed:
        return
    if facts.ca_sha256 != hashlib.sha256(expected.ca_der).digest():
        yield Finding("wrong-ca", "none" if facts.ca_sha256 is None else "it trusts another authority")
    if facts.certificate is None or facts.public_key is None:
        yield Finding("no-key", "key or certificate is missing")
        return
    try:
        certificate = x509.load_der_x509_certificate(facts.certificate)
    except ValueError:
        yield Finding("no-key", "the certificate is damaged")
        return
    point = serialization.PublicFormat.UncompressedPoint
    if certificate.public_key().public_bytes(serialization.Encoding.X962, point) != facts.public_key:
        yield Finding("no-key", "the certificate is not for the key on the board")
    ends = certificate.not_valid_after_utc
    if ends < expected.now:
        yield Finding("expired-certificate", f"ended {ends.date()}")
    elif ends < expected.now + _SOON:
        yield Finding("certificate-ends-soon", f"ends {ends.date()}")
    elif expected.known is not None and f"{certificate.serial_number:x}" != expected.known.cert_serial:
        yield Finding("no-key", "the certificate is an earlier one")


def _network(facts: Facts, expected: Expected) -> Iterator[Finding]:
    if facts.wifi == "not found":
        yield Finding("no-wifi", facts.config["wifi"]["ssid"])
    elif facts.wifi == "wrong password":
        yield Finding("wifi-password", facts.config["wifi"]["ssid"])
    elif facts.wifi == "no answer":
        yield Finding("no-wifi", f"{facts.config['wifi']['ssid']} does not answer")
    if facts.broker is None or facts.broker == "reached":
        return
    if not expected.site_is_up:
        yield Finding("site-down", facts.broker)
    else:
        yield Finding("no-broker", facts.broker)


def _hardware(facts: Facts, *, near: bool) -> Iterator[Finding]:
    for part in facts.parts:
        if part.name == "ble" and (not part.passed or (near and "heard 0 " in part.seen)):
            yield Finding("deaf-radio", part.seen)
        elif part.name == "flash" and not part.passed:
            yield Finding("full-flash", part.seen)
        elif part.name == "battery" and not part.passed:
            yield Finding("empty-battery", part.seen)
        elif not part.passed:
            yield Finding("dead-sensor", f"{part.name}: {part.seen}")


def from_afar(device: Device, told: Told | None, now_ms: int, firmwares: Sequence[str]) -> list[Finding]:
    """Faults of a device the site has heard, or should have heard; `firmwares`: what the others run."""
    return [*_life(device, now_ms), *_reports(device, told, firmwares)]


def _life(device: Device, now_ms: int) -> Iterator[Finding]:
    if device.state != "active":
        yield Finding("not-active", f"{device.device} is {device.state}")
        return
    if device.cert_not_after_ms < now_ms:
        yield Finding("expired-certificate", "")
    elif device.cert_not_after_ms < now_ms + _SOON.total_seconds() * 1000:
        yield Finding("certificate-ends-soon", "")
    if device.last_seen_ms is None:
        yield Finding("never-heard", "")
    elif not device.online and now_ms - device.last_seen_ms > _SILENT_MS:
        yield Finding("silent", f"for {(now_ms - device.last_seen_ms) // 3_600_000} hours")


def _reports(device: Device, told: Told | None, firmwares: Sequence[str]) -> Iterator[Finding]:
    if told is not None and told.refused:
        yield Finding("refused-configuration", f"{told.sequence} {told.refused}")
    elif told is not None and told.reported is not None and told.reported != told.digest:
        yield Finding("old-configuration", f"it runs {told.reported}, wanted is {told.digest}")
    if device.battery_pct is not None and device.battery_pct < _LOW_BATTERY_PCT:
        yield Finding("empty-battery", f"{device.battery_pct} %")
    if device.reset_reason == "watchdog":
        yield Finding("watchdog", "")
    usual = max(set(firmwares), key=firmwares.count) if firmwares else None
    if device.firmware is not None and usual is not None and device.firmware != usual:
        yield Finding("old-firmware", f"it runs {device.firmware}, most run {usual}")
