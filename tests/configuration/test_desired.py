"""The desired state of a fleet as a file: layers, checks, and the way there and back."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.fleet.configuration import desired as module
from jikimi.fleet.configuration.desired import STARTER, Desired, Subject, load_secrets, parse, render, resolve
from jikimi.fleet.errors import ConfigurationError
from jikimi.fleet.site import Endpoint

ENDPOINT = Endpoint("10.0.0.1", 8883, "broker.fab.jikimi.internal")
TAG = Subject("d1", "tag", "Tag 1", "조립")
NODE = Subject("d2", "node", "Press 3", "press-hall", "press")


def _resolved(text: str, subject: Subject = TAG, secrets: dict[str, str] | None = None) -> dict[str, Any]:
    return resolve(parse(text), subject, "fab", ENDPOINT, secrets if secrets is not None else {})


BASE = """
[defaults]
vitals_s = 30
[kind.tag]
imu = { driver = "lsm6dsox" }
[kind.node]
machine = { warn_mm = 5000, danger_mm = 2500 }
"""


def test_a_new_site_has_settings_for_tags_and_nodes():
    tag = resolve(STARTER, TAG, "fab", ENDPOINT)
    node = resolve(STARTER, NODE, "fab", ENDPOINT)
    assert (tag["zone"], tag["imu"]["rate_hz"], "machine" in tag) == ("조립", 104, False)
    assert node["machine"] == {"kind": "press", "name": "Press 3", "warn_mm": 5000, "danger_mm": 2500}
    assert tag["broker"] == {"host": "10.0.0.1", "port": 8883, "server_name": "broker.fab.jikimi.internal"}


def test_later_layers_win_and_sections_are_merged_key_by_key():
    text = (
        BASE
        + """
[zone."조립".alarms]
no_motion_min = 5
check_in_min = 30
[device.d1]
vitals_s = 10
alarms = { no_motion_min = 1 }
[device.d9]
vitals_s = 1
"""
    )
    found = _resolved(text)
    assert found["vitals_s"] == 10
    assert found["alarms"] == {"no_motion_min": 1, "check_in_min": 30}
    assert _resolved(text, NODE)["vitals_s"] == 30


def test_a_layer_can_remove_what_an_earlier_one_sets():
    text = BASE + '[zone."조립"]\nremove = ["alarms.check_in_min", "uwb"]\n'
    found = _resolved(text.replace("[defaults]", '[defaults]\nalarms = {check_in_min = 30}\nuwb = {driver="ryuw122"}'))
    assert "uwb" not in found
    assert found["alarms"] == {}


def test_secrets_come_from_their_own_file_and_are_missed_by_name(tmp_path):
    text = BASE + '[defaults.wifi]\nssid = "plant"\npassword = "secret:wifi"\n'
    text = text.replace("[defaults]\nvitals_s = 30\n", "")
    (tmp_path / "secrets.toml").write_text('wifi = "hunter22"\n')
    assert _resolved(text, TAG, load_secrets(tmp_path / "secrets.toml"))["wifi"]["password"] == "hunter22"
    with pytest.raises(ConfigurationError, match="no 'wifi'"):
        _resolved(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x", "not valid TOML"),
        ("[default]\n", r"\[default\] is not known"),
        ("[kind.phone]\n", r"\[kind.phone\] is not known"),
        ("zone = 1\n", r"\[zone\] must be a section"),
        ("[zone]\nhall = 1\n", r"\[zone.hall\] must be a section"),
        ("[defaults]\nremove = 1\n", "remove must be a list"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(text, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        parse(text)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("vitals = 1", r"d1 \(Tag 1\): vitals is not a known key"),
        ("vitals_s = 0", "vitals_s must be a whole number"),
        ("alarms = { cancel = 3 }", "alarms.cancel is not a known key"),
        ('device = "d3"', "device is decided when a device is enrolled"),
        ('ephemeral_secret = "00"', "ephemeral_secret is decided"),
    ],
)
def test_a_setting_no_device_would_take_is_refused_before_anything_is_sent(line, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        _resolved(BASE + f"[device.d1]\n{line}\n")


_keys = st.text(string.ascii_lowercase + "_", min_size=1, max_size=8).filter(lambda key: key != "remove")
_names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)
_scalars = st.integers(-(2**40), 2**40) | st.booleans() | _names
_tables = st.recursive(
    st.dictionaries(_keys, _scalars, max_size=3), lambda inside: st.dictionaries(_keys, _scalars | inside, max_size=3)
)
_layers = st.dictionaries(_names, _tables, max_size=3)
_desired = st.builds(Desired, _tables, st.dictionaries(st.sampled_from(["tag", "node"]), _tables), _layers, _layers)


@given(_desired)
def test_what_is_exported_is_imported_as_the_same(wanted):
    assert parse(render(wanted)) == wanted


def test_a_zone_may_be_called_as_the_word_that_removes_settings():
    wanted = Desired({}, {}, {"remove": {"vitals_s": 5}}, {})
    assert parse(render(wanted)) == wanted


def test_the_starter_survives_the_way_there_and_back():
    assert module.parse(module.render(STARTER)) == STARTER
