"""`cluster.toml`: what is written is read back, and what cannot be a cluster is refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from jikimi.fleet.cli import cli
from jikimi.fleet.configuration import desired
from jikimi.fleet.errors import ServiceError, SiteError
from jikimi.fleet.jetstream import streams
from jikimi.fleet.services import standard_services
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site import cluster as clusters
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.wire import settings as device_settings

_HOSTS = ["10.0.0.1", "10.0.0.2", "fd00::3"]


def test_a_cluster_is_read_back_as_it_was_written(tmp_path):
    plain = clusters.on_machines(_HOSTS, 3, 16)
    tunnels = replace(plain, nodes=tuple(replace(one, via=("10.9.0.1:1", "[fd00::9]:2")) for one in plain.nodes))
    for wanted in (plain, tunnels, clusters.on_this_machine(3)):
        clusters.save(tmp_path, wanted)
        assert clusters.load(tmp_path) == wanted


def test_a_site_without_the_file_has_one_broker(tmp_path):
    assert clusters.load(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[node]]", "no host"),
        ("nodes = 3", "'nodes' is not known"),
        ("node = 3", r"\[\[node\]\]"),
        ('[[node]]\nhost = "h"\nport = 3', "'port' is not known"),
        ('[[node]]\nhost = "10.0.0.1"\n' * 2, "3, 5, 7 or 9 nodes, not 2"),
        ('[[node]]\nhost = "10.0.0.1"\n' * 4, "not 4"),
        ('[[node]]\nhost = "10.0.0.1"\n' * 3, "given twice"),
        ('workers = 0\n[[node]]\nhost = "10.0.0.1"\n' * 1, "nodes, not 1"),
        ("[[node", "cluster.toml"),
        ("".join(f'[[node]]\nhost = "plant-{n}"\n' for n in range(3)), "IP address"),
        ("".join(f'[[node]]\nhost = "10.0.0.{n}"\nmqtt_port = 70000\n' for n in range(3)), "mqtt_port"),
        ('[[node]]\nhost = "10.0.0.1"\nvia = 3', "via is a list"),
        ("".join(f'[[node]]\nhost = "10.0.0.{n}"\nvia = ["10.9.0.1:1"]\n' for n in range(3)), "2 other nodes, not 1"),
        ("".join(f'[[node]]\nhost = "10.0.0.{n}"\nvia = ["a:1", "b:2"]\n' for n in range(3)), "IP address"),
        ("".join(f'[[node]]\nhost = "10.0.0.{n}"\nvia = ["::1", "::1"]\n' for n in range(3)), "IP address"),
        ("workers = true\n" + "".join(f'[[node]]\nhost = "10.0.0.{n}"\n' for n in range(3)), "workers"),
    ],
)
def test_what_cannot_be_a_cluster_is_refused_in_words(tmp_path, text, word):
    (tmp_path / clusters.FILE).write_text(text)
    with pytest.raises(SiteError, match=word):
        clusters.load(tmp_path)


@given(st.sets(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=9), st.integers(1, 64))
def test_every_partition_has_exactly_one_reader_and_the_load_is_even(workers, partitions):
    shares = [streams.share(worker, sorted(workers, reverse=True), partitions) for worker in workers]
    assert sorted(partition for one in shares for partition in one) == list(range(partitions))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_worker_that_nobody_knows_yet_takes_its_share():
    assert streams.share("new", [], 4) == {0, 1, 2, 3}
    assert len(streams.share("new", ["old"], 4)) == 2


@pytest.fixture
def plain_site(tmp_path: Path) -> Site:
    return Site.init(tmp_path / "s", settings=Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0)))


def _run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, ["site", *arguments])
    return result.exit_code, result.stdout, f"{result.stderr}{result.exception}"


def test_the_command_makes_a_cluster_that_devices_know(plain_site):
    code, out, err = _run("cluster", "--site", str(plain_site.path), "--here", "3")
    assert (code, out.strip()) == (0, str(plain_site.path / clusters.FILE)), err
    endpoint = Site.open(plain_site.path).endpoint()
    assert len(endpoint.others) == 2
    subject = desired.Subject("dabc", "tag", "Tag 1", "hall", None)
    wanted = desired.Desired(defaults={"imu": {"driver": "lsm6dsox"}})
    found = desired.resolve(wanted, subject, "s", endpoint)
    checked = device_settings.check({**found, **desired.identity("s", "dabc", "tag"), "ephemeral_secret": "0" * 32})
    assert checked.broker.others.split() == [f"{host}:{port}" for host, port in endpoint.others]
    code, out, _ = _run("nodes", "--site", str(plain_site.path), "--json")
    assert (code, [row["state"] for row in json.loads(out)]) == (0, ["stopped"] * 3)


def test_a_cluster_without_its_library_is_refused_before_anything_starts(plain_site, monkeypatch):
    clusters.save(plain_site.path, clusters.on_this_machine(3))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ServiceError, match=r"pip install 'jikimi\[cluster\]'"):
        standard_services(Site.open(plain_site.path))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "--node"),
        (("--here", "3", "--node", "10.0.0.1"), "--node"),
        (("--here", "4"), "not 4"),
        (("--node", "10.0.0.1", "--node", "10.0.0.2", "--node", "10.0.0.3"), "PostgreSQL"),
    ],
)
def test_a_cluster_that_cannot_work_is_refused_and_nothing_is_written(plain_site, arguments, word):
    code, _, err = _run("cluster", "--site", str(plain_site.path), *arguments)
    assert code in (1, 2)
    assert word in err
    assert not (plain_site.path / clusters.FILE).exists()
