"""From blank boards to devices: real mpremote transport, real MicroPython, the site's own registry."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import zxingcpp
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from PIL import Image

from jikimi.fleet import registry
from jikimi.fleet.provision import STEPS, Batch, Row, papers, sheet
from jikimi.fleet.registry import Description
from jikimi.fleet.site import Site
from jikimi.fleet.virtual import World
from tests.provision.conftest import PATIENCE_S, key_of


def _states(site: Site) -> dict[str, str]:
    return {device.device: device.state for device in registry.devices(site)}


def test_eight_boards_side_by_side_become_eight_devices_with_keys_of_their_own(site, boards, run, tmp_path):
    bench = boards(8)
    results = run(bench)
    assert [(result.result, result.reason) for result in results] == [("pass", "")] * 8
    assert len({result.id for result in results}) == 8
    assert sorted(result.description.name for result in results) == [f"Tag {number}" for number in range(1, 9)]
    assert set(_states(site).items()) == {(result.id, "active") for result in results}
    assert len({key_of(board) for board in bench}) == 8

    papers.write(site.name, results, tmp_path / "labels")
    for result in results:
        (code,) = zxingcpp.read_barcodes(Image.open(tmp_path / "labels" / f"{result.id}.png"))
        assert code.text == f"jk/plant/{result.id}/tag"
    assert (tmp_path / "labels/labels.pdf").read_bytes().startswith(b"%PDF")
    page = (tmp_path / "labels/sheet.html").read_text("utf-8")
    assert all(result.id in page for result in results)

    for board, result in zip(bench, results, strict=True):
        board.wait_for(rf"jk boot 1 tag {result.id}", PATIENCE_S)


def test_the_private_key_is_made_on_the_board_and_is_nowhere_on_the_host(site, boards, run):
    (board,) = boards(1)
    run([board])
    key = serialization.load_der_private_key(key_of(board), None)
    certificate = x509.load_der_x509_certificate((board.flash_dir / "tls/cert.der").read_bytes())
    assert key.public_key() == certificate.public_key()
    secret = key.private_numbers().private_value.to_bytes(32, "big")  # type: ignore[union-attr]
    on_host = [path for path in site.path.rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert on_host == []


def test_a_second_run_recognises_the_board_and_repairs_only_what_is_missing(site, boards, run):
    (board,) = boards(1)
    (first,) = run([board])
    key = key_of(board)
    lib = board.flash_dir / "lib/jikimi/edge"
    (lib / "warn.mpy").unlink()
    (lib / "link.mpy").write_bytes(b"damaged")
    (second,) = run([board])
    assert (second.result, second.id, second.new_key, second.files_written) == ("pass", first.id, False, 2)
    assert key_of(board) == key
    assert _states(site) == {first.id: "active"}


def test_a_board_that_lost_its_certificate_gets_a_new_key_under_its_old_id(site, boards, run):
    (board,) = boards(1)
    (first,) = run([board])
    old_key = key_of(board)
    (board.flash_dir / "tls/cert.der").unlink()
    (second,) = run([board])
    assert (second.result, second.id, second.new_key) == ("pass", first.id, True)
    assert key_of(board) != old_key


def test_runs_whose_cable_was_pulled_at_any_step_are_finished_by_the_next_one(site, boards, run):
    bench = dict(zip(STEPS, boards(len(STEPS)), strict=True))

    def pull(port: str, reached: str) -> None:
        if bench[reached].port == port:
            bench[reached].kill()

    for board, result in zip(bench.values(), run(list(bench.values()), on_step=pull), strict=True):
        assert result.result == "fail"
        assert board.port in result.reason
        board.start()
    again = run(list(bench.values()))
    assert [(result.result, result.reason) for result in again] == [("pass", "")] * len(STEPS)
    assert set(_states(site).items()) == {(result.id, "active") for result in again}


FAULTS = {"imu_nak": "imu: ", "imu_frozen": "imu: ", "uwb_silent": "uwb: ", "empty cell": "battery: "}


def test_boards_with_a_dead_part_fail_by_its_name_and_pass_once_it_is_mended(site, world, boards, run):
    *bad, good = boards(len(FAULTS) + 1)
    for board, fault in zip(bad, FAULTS, strict=True):
        _break(world, board.name, fault, broken=True)
    *failed, passed = run([*bad, good])
    for result, reason in zip(failed, FAULTS.values(), strict=True):
        assert result.result == "fail"
        assert result.reason.startswith(reason), result.reason
    assert _states(site) == {passed.id: "active"} | {result.id: "enrolled" for result in failed}
    page = sheet.render(site.name, [passed, *failed])
    assert max(page.index(result.id) for result in failed) < page.index(passed.id)

    for board, fault in zip(bad, FAULTS, strict=True):
        _break(world, board.name, fault, broken=False)
    mended = run(bad)
    assert [(result.result, result.id) for result in mended] == [("pass", result.id) for result in failed]


def _break(world: World, board: str, fault: str, *, broken: bool) -> None:
    if fault == "empty cell":
        world.set_battery(board, 2500 if broken else 4000)
    else:
        setattr(world.faults(board), fault, broken)


def test_two_names_of_one_port_are_one_board(site, boards, run, tmp_path):
    (board,) = boards(1)
    alias = tmp_path / "by-id"
    alias.symlink_to(board.port)

    class Named:
        port = str(alias)

    results = run([board, Named])
    assert sorted(result.result for result in results) == ["fail", "pass"]
    refused = next(result for result in results if result.result == "fail")
    # Which of these depends on how far the first has come, and on whether the port is let go within the patience.
    assert any(why in refused.reason for why in ("is the same board as", "failed", "does not open"))
    assert len(_states(site)) == 1


def test_a_copied_flash_is_refused(site, boards, run):
    original, copy = boards(2)
    (first,) = run([original])
    copy.stop()
    shutil.copytree(original.flash_dir, copy.flash_dir, dirs_exist_ok=True)
    copy.start()
    copy.wait_for("jk boot", PATIENCE_S)
    (refused,) = run([copy])
    assert refused.result == "fail"
    assert f"carries the identity of {first.id}" in refused.reason
    assert _states(site) == {first.id: "active"}


def test_a_board_of_another_site_and_a_revoked_one_are_refused(site, boards, run):
    stranger, revoked = boards(2)
    (stranger.flash_dir / "config.json").write_text(json.dumps({"site": "elsewhere", "device": "dx"}))
    (first,) = run([revoked])
    registry.revoke(site, first.id)
    told, second = run([stranger, revoked])
    assert "belongs to the site elsewhere" in told.reason
    assert f"{first.id} is revoked" in second.reason
    assert _states(site) == {first.id: "revoked"}


def test_rows_of_a_batch_go_to_the_boards_they_name_and_are_given_once(site, boards, run):
    bench = boards(3)
    rows = [
        Row(Description("node", "Press 3", "press-hall", "press"), port=bench[1].port),
        Row(Description("tag", "조립 1", "assembly")),
    ]
    batch = Batch(rows, Description("tag", "Tag", "floor"), lambda _name: True)
    results = run(bench, batch)
    assert results[1].description == rows[0].description
    left = [result for result in (results[0], results[2]) if result.result == "fail"]
    assert [result.reason for result in left] == [
        "the batch has no row left for this board: add one, or unplug the board"
    ]
    node = json.loads(Path(bench[1].flash_dir, "config.json").read_text("utf-8"))
    assert (node["kind"], node["machine"]["name"], node["machine"]["kind"]) == ("node", "Press 3", "press")
    assert "ephemeral_secret" not in node
