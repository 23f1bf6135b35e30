"""Key rotation and the end of a device's life, over USB and in the registry."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from jikimi.fleet import registry
from jikimi.fleet.cli import cli
from jikimi.fleet.provision import Batch, SiteEnroller, provision, usb
from jikimi.fleet.provision.wipe import wipe
from jikimi.fleet.registry import admission
from tests.provision.conftest import PATIENCE_S, USUAL, key_of


def _name(board) -> str:
    certificate = x509.load_der_x509_certificate((board.flash_dir / "tls/cert.der").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (name,) = names.get_values_for_type(x509.DNSName)
    return str(name)


def test_a_rotated_device_keeps_its_id_and_only_its_new_key_is_admitted(site, boards, run):
    (board,) = boards(1)
    (first,) = run([board])
    old_key, old_name = key_of(board), _name(board)
    (second,) = run([board], new_key=True)
    assert (second.result, second.id, second.new_key) == ("pass", first.id, True)
    assert key_of(board) != old_key
    assert (old_name, _name(board)) == (
        f"{first.id}.plant.jikimi.internal",
        f"{first.id}-2.plant.jikimi.internal",
    )
    assert admission.admitted(site) == {first.id: (2,)}
    board.wait_for(rf"jk boot \d+ tag {first.id}", PATIENCE_S)


def test_wiping_leaves_no_key_on_the_board_and_the_board_can_be_provisioned_again(site, boards, run):
    (board,) = boards(1)
    (first,) = run([board])
    key = key_of(board)
    assert wipe(site, board.port, lambda _text: None) == first.id
    files = [path for path in Path(board.flash_dir).rglob("*") if path.is_file()]
    assert files == []
    assert [device.state for device in registry.devices(site)] == ["wiped"]
    assert admission.admitted(site) == {}
    (again,) = run([board])
    assert (again.result, again.id) == ("pass", first.id)
    assert key_of(board) != key
    assert admission.admitted(site) == {first.id: (2,)}


def test_a_retired_devices_board_becomes_another_device(site, boards, run):
    (board,) = boards(1)
    (first,) = run([board])
    wipe(site, board.port, lambda _text: None)
    registry.retire(site, first.id)
    (second,) = run([board])
    assert second.result == "pass"
    assert second.id != first.id
    assert {device.device: device.state for device in registry.devices(site)} == {
        first.id: "retired",
        second.id: "active",
    }


def test_only_a_known_board_can_be_rotated(site, boards):
    (board,) = boards(1)
    batch = Batch([], USUAL, lambda _name: False)
    (result,) = provision(SiteEnroller(site), [board.port], batch, new_key=True)
    assert result.reason == "the batch has no row left for this board: add one, or unplug the board"
    assert registry.devices(site) == []


@pytest.mark.parametrize("word", ["rotate", "wipe", "doctor"])
def test_a_board_that_is_not_there_is_named(site, word, monkeypatch):
    monkeypatch.setattr(usb, "_OPEN_S", 0.0)
    arguments = ["device", word, "--site", str(site.path), "--port", "/dev/nowhere"]
    done = CliRunner().invoke(cli, arguments + (["--yes"] if word == "wipe" else []))
    assert done.exit_code == 1
    assert "/dev/nowhere" in str(done.exception)
