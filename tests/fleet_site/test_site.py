"""The site directory: made whole or not at all, closed to others, and clear about what is wrong with it."""

import json
import socket
import stat
from dataclasses import replace

import pytest

from jikimi.fleet.errors import SiteError
from jikimi.fleet.site import Site
from jikimi.fleet.site.ca import CertificateAuthority, needs_renewal
from jikimi.fleet.site.ports import free_port, is_free
from jikimi.fleet.site.settings import BrokerSettings, DatabaseSettings, SiteSettings


def test_a_new_site_has_all_its_parts_and_opens_again(tmp_path):
    made = Site.init(tmp_path / "busan-1")
    opened = Site.open(tmp_path / "busan-1")
    assert opened == made
    assert opened.name == "busan-1"
    assert {"zones", "machines", "width_mm", "height_mm"} == set(json.loads(opened.floor_path.read_text()))
    assert {path.name for path in opened.tls_dir.iterdir()} == {
        f"{name}{end}" for name in ("ca", "broker", "ingest") for end in (".pem", ".key.pem")
    }


def test_the_directory_and_its_keys_and_settings_are_closed_to_other_users(site):
    assert stat.S_IMODE(site.path.stat().st_mode) == 0o700
    private = [*site.tls_dir.glob("*.key.pem"), site.path / "site.toml"]
    assert len(private) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_a_second_init_is_refused_and_changes_nothing(site):
    before = {path: path.read_bytes() for path in site.path.rglob("*") if path.is_file()}
    with pytest.raises(SiteError, match="already holds a site"):
        Site.init(site.path)
    assert {path: path.read_bytes() for path in site.path.rglob("*") if path.is_file()} == before


def test_a_directory_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(SiteError, match="not an empty directory"):
        Site.init(tmp_path / "full")
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"


def test_a_place_where_nothing_can_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SiteError, match="cannot make a site at"):
        Site.init(tmp_path / "file" / "busan-1")


def test_an_empty_directory_becomes_a_site(tmp_path):
    (tmp_path / "empty").mkdir()
    assert Site.init(tmp_path / "empty").name == "empty"


@pytest.mark.parametrize("name", ["Busan", "a b", "", "x" * 33, "busan/1", "부산"])
def test_a_name_that_cannot_stand_in_a_topic_is_refused(tmp_path, name):
    with pytest.raises(SiteError, match="1 to 32 of a-z, 0-9 and -"):
        Site.init(tmp_path / "SITE", name=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["create", "issue_broker", "issue_host"])
def test_an_init_interrupted_anywhere_leaves_nothing(tmp_path, monkeypatch, step):
    def interrupt(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(CertificateAuthority, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        Site.init(tmp_path / "busan-1")
    assert list(tmp_path.iterdir()) == []


def test_open_prefers_its_argument_then_the_environment_then_the_current_directory(site, other_site, monkeypatch):
    monkeypatch.chdir(site.path)
    monkeypatch.delenv("JIKIMI_SITE", raising=False)
    assert Site.open().name == "site-a"
    monkeypatch.setenv("JIKIMI_SITE", str(other_site.path))
    assert Site.open().name == "site-b"
    assert Site.open(site.path).name == "site-a"


def test_opening_nothing_says_how_to_make_a_site(tmp_path):
    with pytest.raises(SiteError, match=r"no site at .*jikimi site init"):
        Site.open(tmp_path)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///jikimi.db", "{site}/jikimi.db"),
        ("sqlite:////var/lib/jikimi.db", None),
        ("postgresql+psycopg://jikimi@db/jikimi", None),
    ],
)
def test_only_a_relative_database_path_is_taken_inside_the_site(site, url, path):
    settings = replace(site.settings, database=DatabaseSettings(url))
    expected = f"sqlite:///{path.format(site=site.path)}" if path else url
    assert Site(site.path, settings).database_url == expected


def test_ports_are_chosen_once_and_differ(site):
    ports = site.ports()
    assert len({ports.mqtt, ports.nats, ports.monitor, ports.web}) == 4
    assert Site.open(site.path).ports() == ports


def test_a_port_in_the_settings_wins_over_the_one_chosen_before(site):
    wanted = free_port(taken=frozenset({site.ports().mqtt}))
    settings = replace(site.settings, broker=replace(site.settings.broker, mqtt_port=wanted))
    assert Site(site.path, settings).ports() == replace(site.ports(), mqtt=wanted)
    assert is_free("127.0.0.1", wanted)


def test_a_damaged_ports_file_is_replaced(site):
    site.ports()
    (site.run_dir / "ports.json").write_text('{"mqtt": ')
    assert Site.open(site.path).ports().mqtt > 0


def test_internal_ports_taken_by_others_are_chosen_again_and_the_devices_port_never(site):
    before = site.ports()
    with socket.socket() as intruder:
        intruder.bind(("127.0.0.1", before.monitor))
        intruder.listen()
        after = site.ports(renew_internal=True)
    assert after == replace(before, monitor=after.monitor)
    assert after.monitor != before.monitor
    assert site.ports() == after


def test_devices_dial_the_first_name(site):
    settings = replace(site.settings, broker=BrokerSettings(host="0.0.0.0", names=("broker.plant.local", "10.0.0.5")))
    assert Site(site.path, settings).endpoint().host == "broker.plant.local"


def test_a_broker_on_every_interface_needs_a_name_devices_can_dial(site):
    settings = replace(site.settings, broker=BrokerSettings(host="0.0.0.0"))
    with pytest.raises(SiteError, match=r"\[broker\] names"):
        Site(site.path, settings).endpoint()


def test_the_broker_certificate_is_renewed_when_names_are_added_or_its_end_is_near(site):
    pem = site.tls_dir / "broker.pem"
    assert not needs_renewal(pem, site.broker_names())
    assert needs_renewal(pem, [*site.broker_names(), "10.0.0.5"])
    site.ca.issue_broker(site.broker_names(), days=29).write_pem(site.tls_dir, "broker")
    assert needs_renewal(pem, site.broker_names())
    pem.write_text("not a certificate")
    assert needs_renewal(pem, site.broker_names())


def test_the_client_id_of_ingest_is_stable_and_differs_between_sites_of_one_name(tmp_path, site):
    twin = Site.init(tmp_path / "twin", name=site.name)
    assert site.client_id("ingest") == Site.open(site.path).client_id("ingest")
    assert site.client_id("ingest") != twin.client_id("ingest")


def test_a_certificate_authority_with_anothers_key_is_named(site, other_site):
    (site.tls_dir / "ca.key.pem").write_bytes((other_site.tls_dir / "ca.key.pem").read_bytes())
    with pytest.raises(SiteError, match=r"ca\.key\.pem .* is not the key of ca\.pem"):
        _ = Site.open(site.path).ca


def test_a_missing_authority_is_a_sentence(site):
    (site.tls_dir / "ca.key.pem").unlink()
    with pytest.raises(SiteError, match="restore it from a backup"):
        _ = Site.open(site.path).ca


def test_a_site_can_be_named_apart_from_its_directory(tmp_path):
    site = Site.init(tmp_path / "Work Folder", name="busan-1")
    assert site.settings.site == SiteSettings("busan-1")


def test_no_draft_is_left_beside_a_new_site(site):
    assert [path.name for path in site.path.parent.iterdir()] == [site.path.name]
