"""A tag whose certificate has run out is alone: it still warns, keeps what it owes, and both ends say what is wrong."""

from __future__ import annotations

import time

from jikimi.fleet import registry
from jikimi.fleet.provision import doctor
from jikimi.fleet.site.ca import CertificateAuthority
from jikimi.wire import kinds
from tests.shift.conftest import Plant


def test_a_tag_whose_certificate_has_run_out_says_so_and_goes_on_warning_its_wearer(plant: Plant, monkeypatch):
    issue = CertificateAuthority.issue_device
    monkeypatch.setattr(CertificateAuthority, "issue_device", lambda self, device, _days: issue(self, device, 0))
    tag = plant.add_tag(online=False)
    tag.board.start()
    tag.wait_line("^jk link down .*certificate ended or revoked")
    tag.press(2.0)
    tag.wait_line(rf"^jk rec \d+ 0 \d+ {kinds.SOS} ")
    lit = {output.name for output in plant.world.outputs(tag.device) if output.level}
    assert {"haptic", "buzzer", "led_red"} <= lit
    assert list((tag.board.flash_dir / "journal").glob("0-*"))  # owed, on flash
    known = next(device for device in registry.devices(plant.site) if device.device == tag.device)
    findings = doctor.from_afar(known, None, int(time.time() * 1000), [])
    assert "expired-certificate" in {finding.code for finding in findings}
