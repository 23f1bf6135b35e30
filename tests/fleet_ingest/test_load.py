"""`jikimi bench load`: a real site under load, and an account of it."""

from __future__ import annotations

import json

from click.testing import CliRunner

from jikimi.fleet.cli import cli


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
