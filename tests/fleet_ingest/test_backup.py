"""Backup and restore: of a site under load, into another directory, and what devices are told afterwards."""

from __future__ import annotations

import stat
import tarfile
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from jikimi.fleet import registry, signing
from jikimi.fleet.backup import backup, restore
from jikimi.fleet.cli import cli
from jikimi.fleet.configuration import applied
from jikimi.fleet.errors import SiteError, StoreError
from jikimi.fleet.signing.key import leaf_of
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import DatabaseSettings, SiteSettings
from jikimi.fleet.store import Batch, RecordMessage, Store, StreamKey
from jikimi.wire import cose, kinds
from tests.fleet_ingest.build import BOOT_MS, SITE, add_devices, events
from tools import postgres

T1 = StreamKey("t1", 1, kinds.STREAM_EVENT)
FAR_MS = 4_000_000_000_000  # after any restore of these tests


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return DatabaseSettings().url
    server: postgres.Server = request.getfixturevalue("postgres_server")
    return server.url()


@pytest.fixture
def new_url(request: pytest.FixtureRequest, url: str) -> str | None:
    """Where to restore to; None: into the new directory."""
    if url.startswith("sqlite"):
        return None
    server: postgres.Server = request.getfixturevalue("postgres_server")
    return server.url()


@pytest.fixture
def site(tmp_path: Path, url: str) -> Site:
    made = Site.init(
        tmp_path / "old", settings=Settings(site=SiteSettings(SITE), database=DatabaseSettings(url)), name=SITE
    )
    open_(made).close()
    add_devices(made.database_url, t1=("tag", "hall"), t2=("tag", "hall"))
    return made


def open_(site: Site) -> Store:
    return Store.open(site.database_url, site.name)


def test_a_site_comes_back_from_a_backup_made_while_records_were_stored(site, tmp_path, new_url):
    done, stop = threading.Event(), threading.Event()
    acked = [0]

    def load() -> None:
        with open_(site) as store:
            seq = 0
            while not stop.is_set():
                outcome = store.store_batch(Batch(messages=(events("t1", *range(seq + 1, seq + 21)),)))
                acked[0] = seq = outcome.acks[T1]
                done.set()

    writer = threading.Thread(target=load)
    writer.start()
    try:
        assert done.wait(60)
        before = acked[0]
        backup(site, tmp_path / "site.tar")
        after = acked[0]
    finally:
        stop.set()
        writer.join()
    assert acked[0] > before
    back = restore(tmp_path / "site.tar", tmp_path / "new", new_url)
    with open_(back) as store:
        (row,) = store.sequences()
        # As of one moment during the backup: whole batches, nothing half done.
        assert before <= row.stored <= after + 20
        assert (row.stored % 20, row.upto, row.missing) == (0, row.stored, 0)


def test_keys_settings_and_devices_come_back_and_the_file_is_for_its_owner_alone(site, tmp_path, new_url):
    files = registry.add_device(site, "tag", "Tag 9", "hall")
    (site.path / "fleet.toml").write_text("[defaults]\nvitals_s = 10\n")
    (site.log_dir / "ingest.log").write_text("noise")
    made = backup(site, tmp_path / "site.tar")
    assert stat.S_IMODE(Path(made.path).stat().st_mode) == 0o600
    back = restore(tmp_path / "site.tar", tmp_path / "new", new_url)
    assert files.device in [one.device for one in registry.devices(back)]
    assert back.ca.certificate_der() == site.ca.certificate_der()
    assert back.client_id("ingest") == site.client_id("ingest")
    assert (back.path / "fleet.toml").read_text() == "[defaults]\nvitals_s = 10\n"
    assert stat.S_IMODE((back.tls_dir / "ca.key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(back.path.stat().st_mode) == 0o700
    assert list(back.log_dir.iterdir()) == []
    registry.add_device(back, "tag", "Tag 10", "hall")


def test_a_restored_site_signs_with_no_leaf_that_was_used_since_the_backup(site, tmp_path, new_url):
    keys = [signing.current(site, purpose) for purpose in (signing.RELEASE, signing.CONFIG)]
    for key in keys:
        key.sign(cose.RELEASE, b"before")
    backup(site, tmp_path / "site.tar")
    since = {leaf_of(key.sign(cose.RELEASE, bytes([i]))) for key in keys for i in range(20)}
    back = restore(tmp_path / "site.tar", tmp_path / "new", new_url)
    for purpose in (signing.RELEASE, signing.CONFIG):
        key = signing.current(back, purpose)
        assert leaf_of(key.sign(cose.RELEASE, b"after")) not in since
        assert key.remaining > 400


def test_a_restored_site_numbers_its_configurations_beyond_what_devices_were_told_since_the_backup(
    site, tmp_path, new_url
):
    device = registry.add_device(site, "tag", "Tag 9", "hall").device
    applied.note_by_cable(site, device, {"vitals_s": 10})
    backup(site, tmp_path / "site.tar")
    for _ in range(5):
        applied.note(site, applied.next_sequence(site), {device: b"x"}, {device: {"vitals_s": 20}})
    told = applied.told(site, device)[device].sequence
    back = restore(tmp_path / "site.tar", tmp_path / "new", new_url)
    assert applied.next_sequence(back) > told == 5


def _restored(site: Site, tmp_path: Path, new_url: str | None, *after_backup: RecordMessage) -> Site:
    """A backup, then more records that their device is told are stored, then the restore of the backup."""
    backup(site, tmp_path / "site.tar")
    with open_(site) as store:
        store.store_batch(Batch(messages=after_backup))
    return restore(tmp_path / "site.tar", tmp_path / "new", new_url)


def test_a_device_that_forgot_what_the_backup_lacks_goes_on_and_the_loss_is_named(site, tmp_path, new_url):
    with open_(site) as store:
        store.store_batch(Batch(messages=(events("t1", 1, 2, 3),)))
    back = _restored(site, tmp_path, new_url, events("t1", 4, 5, 6))
    with open_(back) as store:
        assert store.store_batch(Batch(messages=(events("t1", 7, 8),))).acks == {T1: 8}
        (row,) = store.sequences()
        assert (row.stored, row.lost, row.missing) == (5, 3, 0)
        # Only the first message since then tells what is gone; a later gap is a gap.
        assert store.store_batch(Batch(messages=(events("t1", 11),))).acks == {T1: 8}


def test_a_boot_the_backup_never_saw_goes_on_as_well_and_one_that_began_later_does_not(site, tmp_path, new_url):
    back = _restored(site, tmp_path, new_url, events("t1", 1, 2, 3))
    later = events("t2", 4)
    later = later._replace(source=later.source._replace(recv_ms=FAR_MS))
    with open_(back) as store:
        assert store.store_batch(Batch(messages=(events("t1", 4, 5),))).acks == {T1: 5}
        assert list(store.store_batch(Batch(messages=(later,))).acks.values()) == [0]


def test_nothing_is_overwritten_and_what_is_no_backup_is_named(site, tmp_path, url, new_url):
    backup(site, tmp_path / "site.tar")
    with pytest.raises(SiteError, match="is there already"):
        backup(site, tmp_path / "site.tar")
    with pytest.raises(SiteError, match="not an empty directory"):
        restore(tmp_path / "site.tar", site.path, new_url)
    if new_url is not None:
        with pytest.raises(StoreError, match="not empty"):
            restore(tmp_path / "site.tar", tmp_path / "new")
    with pytest.raises(StoreError, match="cannot be restored into"):
        restore(tmp_path / "site.tar", tmp_path / "new", "sqlite:///x.db" if new_url else "postgresql://nobody@/x")
    (tmp_path / "cut.tar").write_bytes((tmp_path / "site.tar").read_bytes()[:5000])
    with pytest.raises(SiteError, match="whole backup"):
        restore(tmp_path / "cut.tar", tmp_path / "new", new_url)
    with tarfile.open(tmp_path / "other.tar", "w") as tar:
        tar.add(site.floor_path, "floor.json")
    with pytest.raises(SiteError, match="no backup"):
        restore(tmp_path / "other.tar", tmp_path / "new", new_url)
    assert not (tmp_path / "new").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("url", [DatabaseSettings().url])
def test_backup_and_restore_are_commands(site, tmp_path):
    file, directory = tmp_path / "site.tar", tmp_path / "new"
    made = CliRunner().invoke(cli, ["site", "backup", str(file), "--site", str(site.path)])
    assert (made.exit_code, made.stdout.strip()) == (0, str(file)), made.output
    back = CliRunner().invoke(cli, ["site", "restore", str(file), str(directory)])
    assert (back.exit_code, back.stdout.strip()) == (0, str(directory)), back.output
    assert Site.open(directory).name == SITE
    assert BOOT_MS < FAR_MS
