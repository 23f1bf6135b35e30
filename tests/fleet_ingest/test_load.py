"""`jikimi bench load`: a real site under load, and an account of it."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from pathlib import Path

from click.testing import CliRunner

from jikimi.fleet.cli import cli
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.load import enrol
from jikimi.fleet.services import Supervisor, broker_service
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings


def test_a_load_ends_with_one_json_object_and_nothing_lost_or_doubled():
    result = CliRunner().invoke(cli, ["bench", "load", "--seconds", "0.5", "--tags", "5", "--batch", "3", "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout.splitlines()[-1])
    assert (report["tags"], report["batch"], report["lost"], report["duplicates"]) == (5, 3, 0, 0)
    assert report["events_per_s"] > 0
    assert report["messages_per_s"] > 0
    assert 0 < report["commit_latency_ms"]["p50"] <= report["commit_latency_ms"]["p99"]


def test_what_cannot_be_measured_is_misuse():
    assert CliRunner().invoke(cli, ["bench", "load", "--tags", "0"]).exit_code == 2


def test_a_connected_tag_costs_the_process_less_than_32_kib(tmp_path: Path):
    site = Site.init(tmp_path / "plant", settings=Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0)))
    tags = enrol(site, 20, 1)

    async def kib_a_tag() -> float:
        await tags[0].connect()  # what the first one makes for all
        before, _ = tracemalloc.get_traced_memory()
        for tag in tags[1:]:
            await tag.connect()
        after, _ = tracemalloc.get_traced_memory()
        for tag in tags:
            tag.close()
        return (after - before) / 1024 / (len(tags) - 1)

    with Supervisor(site, [broker_service(site)]):
        tracemalloc.start()
        try:
            assert asyncio.run(kib_a_tag()) < 32
        finally:
            tracemalloc.stop()


def test_a_load_whose_broker_is_not_there_says_so_in_one_sentence(tmp_path: Path):
    site = Site.init(tmp_path / "plant", settings=Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0)))
    for arguments in ([], ["--profile", "calm"]):
        result = CliRunner().invoke(cli, ["bench", "load", "--site", str(site.path), "--tags", "2", *arguments])
        assert result.exit_code == 1
        assert isinstance(result.exception, ServiceError), result.exception
        assert "the broker does not take every connection" in str(result.exception)
