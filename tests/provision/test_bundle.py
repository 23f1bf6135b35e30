"""Enrolling away from the site, and taking it over there."""

from __future__ import annotations

import json
import shutil
import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from jikimi.fleet import registry
from jikimi.fleet.errors import RegistryError
from jikimi.fleet.provision import Batch, BundleEnroller, bundle, provision
from jikimi.fleet.registry import admission, vouchers
from tests.provision.conftest import PATIENCE_S, USUAL, key_of


def _run(folder, boards):
    enroller = BundleEnroller(folder)
    batch = Batch(None, USUAL, enroller.name_is_free)
    found = {result.port: result for result in provision(enroller, [board.port for board in boards], batch)}
    return [found[board.port] for board in boards]


def test_boards_enrolled_away_from_the_site_are_admitted_once_merged(site, boards, tmp_path):
    folder = tmp_path / "bundle"
    bundle.make(site, "contractor", 7, 3, folder)
    bench = boards(2)
    results = _run(folder, bench)
    assert [(result.result, result.reason) for result in results] == [("pass", "")] * 2
    again = _run(folder, bench)
    assert [(result.id, result.new_key) for result in again] == [(result.id, False) for result in results]
    for board, result in zip(bench, results, strict=True):
        board.wait_for(rf"jk boot \d+ tag {result.id}", PATIENCE_S)
        certificate = x509.load_der_x509_certificate((board.flash_dir / "tls/cert.der").read_bytes())
        key = serialization.load_der_private_key(key_of(board), None)
        assert certificate.public_key() == key.public_key()
        held = [path for path in folder.rglob("*") if path.is_file() and result.id in path.name]
        assert held == []  # the key is on the board, and has left the technician's computer

    assert admission.admitted(site) == {}
    ids = sorted(result.id for result in results)
    taken, refused = bundle.merge(site, folder)
    assert (sorted(taken), refused) == (ids, {})
    assert sorted(admission.admitted(site)) == ids
    assert bundle.merge(site, folder) == ([], {})
    (row,) = vouchers.technicians(site)
    assert (row.devices, row.merged) == (3, 2)


@pytest.fixture
def enrolled(site, tmp_path):
    """A bundle that says it has enrolled a board; made without one."""
    folder = tmp_path / "bundle"
    bundle.make(site, "contractor", 7, 2, folder)
    enroller = BundleEnroller(folder)
    device = enroller.enrol("aa", USUAL, None).device
    enroller.passed(device)
    return folder, device


def test_the_bundle_is_closed_to_others_and_holds_no_authority(site, enrolled):
    folder, _device = enrolled
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    secret = (site.tls_dir / "ca.key.pem").read_bytes()
    assert all(secret not in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder / "vouchers").iterdir()} == {0o600}


def test_a_revoked_technician_merges_nothing(site, enrolled):
    folder, _device = enrolled
    vouchers.revoke(site, "contractor")
    with pytest.raises(RegistryError, match="is revoked"):
        bundle.merge(site, folder)
    assert registry.devices(site) == []


def test_the_same_board_twice_and_foreign_ids_are_refused_at_merging(site, enrolled, tmp_path):
    folder, device = enrolled
    assert bundle.merge(site, folder) == ([device], {})
    rows = json.loads((folder / "enrolled.json").read_text())
    other = next(path.stem for path in (folder / "vouchers").iterdir())
    rows += [{**rows[0], "device": other}, {**rows[0], "device": "dforeign", "board": "bb"}]
    (folder / "enrolled.json").write_text(json.dumps(rows))
    taken, refused = bundle.merge(site, folder)
    assert taken == []
    assert refused == {other: f"its board is {device} already", "dforeign": "this id was not given to this technician"}

    copy = tmp_path / "copy"  # the same voucher, used for another board on another computer
    shutil.copytree(folder, copy)
    (copy / "enrolled.json").write_text(json.dumps([{**rows[0], "board": "cc"}]))
    assert bundle.merge(site, copy) == ([], {device: "this id was merged for another board"})


def test_a_name_that_a_device_in_use_has_is_refused_at_merging_with_what_to_do_and_merges_once_it_is_free(
    site, enrolled
):
    folder, device = enrolled
    mine = registry.add_device(site, "tag", USUAL.name, "hall").device
    before = registry.devices(site), admission.admitted(site)
    taken, refused = bundle.merge(site, folder)
    assert (taken, list(refused)) == ([], [device])
    assert f"{mine} is called {USUAL.name!r} already" in refused[device]
    assert f"jikimi device rename {mine}" in refused[device]
    assert (registry.devices(site), admission.admitted(site)) == before
    assert [row.merged for row in vouchers.technicians(site)] == [0]
    registry.rename(site, mine, "Tag 2")
    assert bundle.merge(site, folder) == ([device], {})


def test_two_boards_of_a_bundle_with_one_name_are_not_both_merged(site, enrolled):
    folder, device = enrolled
    rows = json.loads((folder / "enrolled.json").read_text())
    other = next(path.stem for path in (folder / "vouchers").iterdir())
    (folder / "enrolled.json").write_text(json.dumps([*rows, {**rows[0], "device": other, "board": "bb"}]))
    taken, refused = bundle.merge(site, folder)
    assert (taken, list(refused)) == ([device], [other])


def test_a_bundle_past_its_date_enrols_nothing_and_of_another_site_merges_nothing(site, enrolled):
    folder, _device = enrolled
    about = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(about | {"not_after_ms": 1}))
    with pytest.raises(RegistryError, match="past its date"):
        BundleEnroller(folder)
    (folder / "bundle.json").write_text(json.dumps(about | {"site": "elsewhere"}))
    with pytest.raises(RegistryError, match="of the site elsewhere"):
        bundle.merge(site, folder)


def test_a_bundle_that_is_used_up_says_so(enrolled):
    folder, _device = enrolled
    enroller = BundleEnroller(folder)
    enroller.enrol("bb", USUAL, None)
    with pytest.raises(RegistryError, match="no id left"):
        enroller.enrol("cc", USUAL, None)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("bundle.json", "{}"),
        ("bundle.json", "[1]"),
        ("bundle.json", '{"site": "plant", "technician": "contractor", "not_after_ms": 1, "broker": {"host": "h"}}'),
        ("enrolled.json", '[{"device": "d"}]'),
        ("enrolled.json", '{"device": "d"}'),
        ("enrolled.json", "[["),
    ],
)
def test_a_damaged_bundle_is_named_and_neither_enrols_nor_merges(site, enrolled, file, text):
    folder, _device = enrolled
    (folder / file).write_text(text)
    with pytest.raises(RegistryError, match=rf"{file} cannot be read"):
        BundleEnroller(folder)
    with pytest.raises(RegistryError, match=rf"{file} cannot be read"):
        bundle.merge(site, folder)
    assert registry.devices(site) == []


def test_a_damaged_voucher_is_named_and_its_board_is_not_written_down(enrolled):
    folder, _device = enrolled
    enroller = BundleEnroller(folder)
    (voucher,) = (folder / "vouchers").iterdir()
    voucher.write_text('{"cert": "%", "key": ""}')
    with pytest.raises(RegistryError, match=rf"{voucher.name} cannot be read"):
        enroller.enrol("bb", USUAL, None)
    assert enroller.on_board("bb") is None
