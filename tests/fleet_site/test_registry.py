"""The registry without a broker: identities, keys and refusals."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509

from jikimi.fleet import registry
from jikimi.fleet.errors import JikimiError, RegistryError
from jikimi.fleet.site import Site
from jikimi.fleet.store.schema import device_status


def test_a_new_device_is_listed_with_what_was_said_about_it(site):
    files = registry.add_device(site, "node", "Press 3", "press-hall", "press")
    (listed,) = registry.devices(site)
    assert re.fullmatch(r"d[a-z2-7]{9}", files.device)
    assert (listed.device, listed.kind, listed.name) == (files.device, "node", "Press 3")
    assert (listed.zone, listed.machine_kind, listed.state) == ("press-hall", "press", "active")
    assert (listed.online, listed.last_seen_ms, listed.battery_pct) == (False, None, None)


def test_the_certificate_names_the_device_and_the_table_knows_its_serial_and_end(site, tag):
    certificate = x509.load_der_x509_certificate(tag.cert_der)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (listed,) = registry.devices(site)
    assert names.get_values_for_type(x509.DNSName) == [f"{tag.device}.site-a.jikimi.internal"]
    assert listed.cert_serial == f"{certificate.serial_number:x}"
    assert listed.cert_not_after_ms == certificate.not_valid_after_utc.timestamp() * 1000


def test_the_private_key_of_a_device_is_kept_nowhere_on_the_host(site, tag):
    secret = tag.key_der[-100:-68]
    assert len(secret) == 32
    assert all(secret not in path.read_bytes() for path in site.path.rglob("*") if path.is_file())
    assert "key_der" not in repr(tag)


def test_the_files_of_a_device_are_written_with_its_key_closed_to_others(tag, tmp_path):
    tag.write_tls(tmp_path / "tls")
    assert {path.name for path in (tmp_path / "tls").iterdir()} == {"ca.der", "cert.der", "key.der"}
    assert stat.S_IMODE((tmp_path / "tls" / "key.der").stat().st_mode) == 0o600


def test_what_was_last_heard_of_a_device_is_shown(site, tag):
    row = {"site": site.name, "device": tag.device, "boot": 1, "online": True, "last_seen_ms": 5, "battery_pct": 71}
    with registry.database.transaction(site) as connection:
        connection.execute(device_status.insert().values(row))
    (listed,) = registry.devices(site)
    assert (listed.online, listed.last_seen_ms, listed.battery_pct) == (True, 5, 71)


def test_no_two_devices_in_use_have_one_name(site, tag):
    with pytest.raises(RegistryError, match=f"{tag.device} is called 'Tag 1'"):
        registry.add_device(site, "node", "Tag 1", "floor")
    with pytest.raises(RegistryError, match="another one is called 'Tag 2'"):
        registry.add_devices(site, "tag", ["Tag 2", "Tag 2"], "floor")
    other = registry.add_device(site, "tag", "Tag 2", "floor").device
    with pytest.raises(RegistryError, match="each needs its own"):
        registry.rename(site, other, "Tag 1")
    registry.rename(site, other, "Tag 2")  # its own
    registry.retire(site, tag.device)
    registry.rename(site, other, "Tag 1")


def test_a_revoked_device_stays_listed_and_revoking_again_is_fine(site, tag):
    registry.revoke(site, tag.device)
    registry.revoke(site, tag.device)
    assert [device.state for device in registry.devices(site)] == ["revoked"]


def test_revoking_an_unknown_device_is_refused(site):
    with pytest.raises(RegistryError, match="no device dnobody"):
        registry.revoke(site, "dnobody")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("phone", "x", "floor", None), "kind must be tag or node"),
        (("tag", "", "floor", None), "name must be 1 to 64"),
        (("tag", "x" * 65, "floor", None), "name must be 1 to 64"),
        (("tag", "a\nb", "floor", None), "name must be 1 to 64"),
        (("tag", "x", "z" * 33, None), "zone must be 1 to 32"),
        (("tag", "x", "floor", "press"), "leave the machine kind out for a tag"),
        (("node", "x", "floor", "p" * 17), "machine kind must be 1 to 16"),
    ],
)
def test_an_unusable_value_is_refused_and_nothing_is_added(site, values, sentence):
    with pytest.raises(RegistryError, match=sentence):
        registry.add_device(site, *values)
    assert registry.devices(site) == []


def test_eight_ports_can_provision_at_once(site):
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda n: registry.add_device(site, "tag", f"Tag {n}", "floor").device, range(24)))
    assert len(set(added)) == 24
    assert {device.device for device in registry.devices(site)} == set(added)


def _states(site: Site) -> dict[str, str]:
    return {device.device: device.state for device in registry.devices(site)}


def test_many_are_added_and_retired_at_once_or_none_of_them(site):
    added = registry.add_devices(site, "tag", ["Tag 1", "Tag 2"], "floor")
    one, two = (files.device for files in added)
    assert one != two
    assert added[0].key_der != added[1].key_der
    assert {device.device: device.name for device in registry.devices(site)} == {one: "Tag 1", two: "Tag 2"}
    with pytest.raises(RegistryError, match="name must be"):
        registry.add_devices(site, "tag", ["Tag 3", ""], "floor")
    with pytest.raises(RegistryError, match="no device dnobody"):
        registry.retire_all(site, [one, "dnobody"])
    assert _states(site) == {one: "active", two: "active"}
    assert registry.add_devices(site, "tag", [], "floor") == []
    registry.retire_all(site, [one, two])
    assert _states(site) == {one: "retired", two: "retired"}


def test_an_unreachable_database_is_a_sentence(site):
    (site.path / "site.toml").write_text('[database]\nurl = "sqlite:////nonexistent-folder/x.db"\n')
    with pytest.raises(JikimiError, match=r"check \[database\] url"):
        registry.devices(Site.open(site.path))
