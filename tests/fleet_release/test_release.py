"""From the application of this installation to a published release; whatever was changed on the way is found."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jikimi.fleet import content, release, signing
from jikimi.fleet.cli import cli, options
from jikimi.fleet.errors import ReleaseError
from jikimi.fleet.release.bundle import bundle, compress, decompress, firmware_hash
from jikimi.fleet.site import Site
from jikimi.wire import manifest

_FILES = {"jikimi/edge/app.mpy": b"application" * 50, "jikimi/sigcore.mpy": bytes(range(256))}
_EDGE = Path(__file__).parents[2] / "firmware/jikimi/edge"


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(signing, "HEIGHT", 5)
    return Site.init(tmp_path / "site")


@pytest.fixture
def built(site, tmp_path):
    directory = tmp_path / "out"
    until = datetime.date(2031, 12, 31)
    release.build(site, directory, version="1.4.0", arch="x64", files=_FILES, support_until=until)
    return directory


def test_a_release_of_this_installation_has_all_the_application_and_is_a_quarter_smaller_on_the_way(site, tmp_path):
    checked = release.build(site, tmp_path / "out", version="1.4.0", arch="x64")
    assert checked.files == len(release.application_files("x64")) > 40
    assert checked.stored_bytes < 0.85 * checked.file_bytes
    document = json.loads((tmp_path / "out/sbom.cdx.json").read_text())
    names = [item["name"] for item in document["components"]]
    assert {"MicroPython", "jikimi.sigcore (C99)", "jikimi/edge/app.mpy"} <= set(names)


def test_the_bill_of_materials_keeps_the_schema_of_cyclonedx(built):
    # Their import reads 38 grammars, which takes two seconds that every worker would spend.
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = (built / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert {"name": "jikimi:support-until", "value": "2031-12-31"} in document["metadata"]["component"]["properties"]
    hashes = {item["bom-ref"]: item["hashes"][0]["content"] for item in document["components"] if "hashes" in item}
    assert hashes == {path: hashlib.sha256(data).hexdigest() for path, data in _FILES.items()}


def test_the_same_files_give_the_same_bytes(site, built, tmp_path):
    again = tmp_path / "again"
    until = datetime.date(2031, 12, 31)
    release.build(site, again, version="1.4.0", arch="x64", files=_FILES, support_until=until)
    first = {path.relative_to(built): path.read_bytes() for path in built.rglob("*") if path.is_file()}
    assert first == {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}


def test_a_signed_release_is_published_and_every_piece_of_it_can_be_fetched(site, built):
    release.sign(site, built)
    row = release.publish(site, built)
    assert release.published(site) == [row]
    assert (row.sequence, row.version, row.arch, row.leaf) == (1, "1.4.0", "x64", 0)
    assert content.get(site, bytes.fromhex(row.envelope)) == (built / "envelope").read_bytes()
    index = content.get(site, manifest.decode((built / "manifest").read_bytes()).index_digest)
    assert index is not None
    for entry in manifest.decode_index(index):
        stored = content.get(site, entry.stored_digest)
        assert stored is not None
        assert decompress(stored, entry.size) == _FILES[entry.path]


@pytest.mark.parametrize("name", ["manifest", "index", "sbom.cdx.json", "envelope", "objects"])
def test_a_change_to_any_file_of_a_signed_release_is_found(site, built, name):
    release.sign(site, built)
    path = next((built / name).iterdir()) if name == "objects" else built / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ReleaseError):
        release.publish(site, built)
    assert release.published(site) == []


def test_what_is_not_signed_or_signed_by_another_site_is_not_published(site, built, tmp_path):
    with pytest.raises(ReleaseError, match="is not signed: `jikimi release sign"):
        release.publish(site, built)
    release.sign(Site.init(tmp_path / "other"), built)
    with pytest.raises(ReleaseError, match="not trusted"):
        release.publish(site, built)


def test_a_release_is_not_signed_twice_and_not_published_under_an_older_number(site, built, tmp_path):
    release.sign(site, built)
    with pytest.raises(ReleaseError, match="already"):
        release.sign(site, built)
    release.publish(site, built)
    old = tmp_path / "old"
    release.build(site, old, version="1.3.9", arch="x64", files=_FILES, sequence=1)
    release.sign(site, old)
    with pytest.raises(ReleaseError, match="not newer"):
        release.publish(site, old)


def test_a_leaf_that_signed_another_release_betrays_a_restored_key(site, built, tmp_path):
    release.sign(site, built)
    release.publish(site, built)
    key = signing.current(site, signing.RELEASE)
    (key.directory / "next").write_text("0\n")  # as a backup would
    again = tmp_path / "again"
    release.build(site, again, version="1.5.0", arch="x64", files=_FILES)
    release.sign(site, again)
    with pytest.raises(ReleaseError, match="rotate"):
        release.publish(site, again)


def test_paths_and_sizes_that_no_device_takes_are_refused_when_they_are_built(site):
    for files in ({"main.py": b""}, {"jikimi/../main.py": b""}, {"jikimi/a.mpy": bytes(70_000)}, {}):
        with pytest.raises(ReleaseError):
            bundle(files, sequence=1, version="1", arch="x64", roots=[])


def test_the_hash_of_a_release_is_the_one_its_device_reports(tmp_path):
    from jikimi.edge import fingerprint  # the device's own code, as an oracle

    files = {**_FILES, "jikimi/edge/drivers/a.mpy": b"x", "jikimi/edge.mpy": b"y"}
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    assert firmware_hash(files) == fingerprint.of_tree(str(tmp_path / "jikimi"))


def test_what_was_compressed_comes_back_and_nothing_longer():
    assert decompress(compress(b"abc" * 100), 300) == b"abc" * 100
    for size in (299, 301):
        with pytest.raises(ReleaseError):
            decompress(compress(b"abc" * 100), size)


def _run(site: Site, *words: str) -> Any:
    result = CliRunner().invoke(cli, ["release", *words, "--site", str(site.path)])
    assert result.exit_code == 0, result.output
    return result


def test_the_commands_offer_the_architectures_there_are_releases_for():
    assert options.ARCHES == release.ARCHES


def test_the_commands_lead_from_nothing_to_a_published_release(site, tmp_path):
    out = str(tmp_path / "out")
    facts = json.loads(_run(site, "build", out, "--version", "2.0.0", "--support-until", "2032-01-01", "--json").stdout)
    assert (facts["sequence"], facts["signed_by"]) == (1, None)
    signed = _run(site, "sign", out, "--json")
    assert "31 signatures are left" in signed.stderr
    assert json.loads(_run(site, "verify", out, "--json").stdout)["signed_by"] == json.loads(signed.stdout)["signed_by"]
    _run(site, "publish", out)
    (row,) = json.loads(_run(site, "list", "--json").stdout)
    assert (row["version"], row["sequence"]) == ("2.0.0", 1)
    assert "2.0.0" in _run(site, "list").stdout


def test_a_release_of_your_own_source_differs_in_what_you_changed_and_in_nothing_else(tmp_path):
    own = tmp_path / "edge"
    shutil.copytree(_EDGE, own)
    (own / "health.py").write_text((own / "health.py").read_text() + "OWN = 1\n")
    usual, mine = release.application_files("x64"), release.application_files("x64", own)
    assert mine.keys() == usual.keys()
    assert [path for path in usual if mine[path] != usual[path]] == ["jikimi/edge/health.mpy"]


def test_the_key_is_shown_replaced_and_not_used_before_the_devices_know_it(site):
    (first,) = json.loads(_run(site, "key", "show", "--json").stdout)
    _run(site, "key", "rotate")
    assert [row["use"] for row in json.loads(_run(site, "key", "show", "--json").stdout)] == ["signs", "is to follow"]
    _run(site, "key", "advance")
    (second,) = json.loads(_run(site, "key", "show", "--json").stdout)
    assert second["key_id"] != first["key_id"]
