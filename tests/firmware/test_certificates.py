"""Certificates that have run out, and clocks that cannot tell: real handshakes of MicroPython with the real broker.

mbedTLS checks validity by the chip's clock, which on an ESP32 starts in the year 2000.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jikimi.fleet import registry
from jikimi.fleet.services import Supervisor, broker_service
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.ca import CertificateAuthority
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from tools.shift_world import FastClock

pytestmark = pytest.mark.parametrize("runtime", ["micropython"])
Session = Callable[..., dict[str, Any]]
_NOW = datetime.datetime.now(datetime.UTC)
_NEVER_SET = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
    site = Site.init(tmp_path_factory.mktemp("certificates") / "site", "plant", settings)
    with Supervisor(site, [broker_service(site)]):
        yield site


@pytest.fixture
def session(site, run_device, tmp_path) -> Session:
    """`session(clock, files)`: one connection of a device whose clock says `clock`."""

    def run(clock: datetime.datetime, files: registry.DeviceFiles) -> dict[str, Any]:
        folder = tmp_path / "tls"
        folder.mkdir()
        for name, content in (("ca", files.ca_der), ("cert", files.cert_der), ("key", files.key_der)):
            (folder / f"{name}.der").write_bytes(content)
        off_s = round((clock - datetime.datetime.now(datetime.UTC)).total_seconds())
        told = run_device(
            "certificate_session",
            files.broker.port,
            files.broker.server_name,
            files.device,
            more=FastClock(tmp_path, off_s).environment,
        )
        assert isinstance(told, dict)
        return told

    return run


def _new_tag(site) -> registry.DeviceFiles:
    return registry.add_device(site, "tag", f"Tag {len(registry.devices(site)) + 1}", "hall")


@pytest.fixture
def files(site) -> registry.DeviceFiles:
    return _new_tag(site)


def test_a_device_whose_clock_was_never_set_reaches_the_site_and_still_does_not_claim_to_know_the_time(session, files):
    told = session(_NEVER_SET, files)
    assert told["connected"], told["reason"]
    assert not told["knows the time"]
    assert not told["knows the time after"]


def test_a_device_that_knows_the_time_refuses_a_broker_whose_certificate_has_run_out_and_says_so(session, site, files):
    later = _NOW + datetime.timedelta(days=site.settings.tls.broker_days + 2)
    told = session(later, files)
    assert not told["connected"]
    assert "expired" in told["reason"]


def test_a_device_whose_own_certificate_has_run_out_is_refused_and_says_what_to_look_for(session, site, monkeypatch):
    issue = CertificateAuthority.issue_device
    monkeypatch.setattr(CertificateAuthority, "issue_device", lambda self, device, _days: issue(self, device, 0))
    told = session(_NOW, _new_tag(site))
    assert not told["connected"]
    assert "certificate" in told["reason"]


def test_a_device_with_a_good_certificate_and_the_right_time_connects(session, files):
    told = session(datetime.datetime.now(datetime.UTC), files)
    assert told["connected"], told["reason"]
    assert told["knows the time"]
