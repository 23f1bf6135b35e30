"""site.toml: what is written reads back, and what is wrong is named."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.fleet.errors import SiteError
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, TlsSettings, parse, render

_NAMES = st.lists(st.sampled_from(["broker.plant.local", "10.0.0.5", "fe80::1", "jikimi"]), unique=True).map(tuple)


@given(port=st.integers(0, 65535), names=_NAMES, days=st.integers(1, 7300))
def test_settings_written_are_settings_read(port, names, days):
    settings = Settings(broker=BrokerSettings(mqtt_port=port, names=names), tls=TlsSettings(device_days=days))
    assert parse(render(settings)) == settings


def test_what_is_left_out_has_its_default():
    assert parse('[site]\nname = "busan-1"\n').broker == BrokerSettings()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[broker\n", "not valid TOML"),
        ("[brokr]\n", "'brokr' is not a section; did you mean broker?"),
        ("[broker]\nmqtt_prt = 1\n", "'mqtt_prt' is not a setting of [broker]; did you mean mqtt_port?"),
        ("[web]\nzzz = 1\n", "'zzz' is not a setting of [web]; known: host, port"),
        ("[broker]\nmqtt_port = 70000\n", "[broker] mqtt_port must be a whole number from 0 to 65535, not 70000"),
        ("[broker]\nmqtt_port = true\n", "[broker] mqtt_port must be a whole number from 0 to 65535, not True"),
        ('[broker]\nmqtt_port = "8883"\n', "[broker] mqtt_port must be a whole number from 0 to 65535, not '8883'"),
        ("[broker]\nhost = 1\n", "[broker] host must be text in quotes, not 1"),
        ('[broker]\nhost = "localhost"\n', "[broker] host must be an IP address such as 127.0.0.1, not 'localhost'"),
        ('[broker]\nnames = "a"\n', "[broker] names must be a list of texts, not 'a'"),
        ('[broker]\nnames = ["a b"]\n', "[broker] names: 'a b' is neither a host name nor an address"),
        ('[site]\nname = "Busan"\n', "[site] name must be 1 to 32 of a-z, 0-9 and -, not 'Busan'"),
        ('[database]\nurl = "jikimi.db"\n', "[database] url must look like sqlite:///jikimi.db"),
        ("tls = 5\n", "tls must be a section [tls]"),
    ],
)
def test_a_damaged_setting_is_named_with_the_file(site, text, sentence):
    (site.path / "site.toml").write_text(text)
    with pytest.raises(SiteError, match=re.escape(f"{site.path / 'site.toml'}: {sentence}")):
        Site.open(site.path)


def test_a_file_that_is_not_text_is_named(site):
    (site.path / "site.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SiteError, match="not UTF-8 text"):
        Site.open(site.path)


def test_every_setting_is_explained_in_a_new_file(site):
    lines = (site.path / "site.toml").read_text().splitlines()
    assert all("  # " in line for line in lines if " = " in line)
    assert parse(render(replace(site.settings))) == site.settings
