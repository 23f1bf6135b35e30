"""`jikimi watch`, `jikimi report` and `jikimi alarm`: what they print."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from jikimi.fleet import registry
from jikimi.fleet.aggregate.live import LiveRule
from jikimi.fleet.agreement import example
from jikimi.fleet.cli import cli
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import SiteSettings
from jikimi.fleet.store import Batch, RecordRow, Store
from jikimi.wire import kinds
from tests.fleet_agreement.build import remove
from tests.fleet_ingest.build import BOOT_MS, HOUR_MS, SITE, add_devices, message, near_miss, open_store, person

EVENT, ALARM = kinds.STREAM_EVENT, kinds.STREAM_ALARM


@pytest.fixture
def utc() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, utc: None) -> Site:
    """A site with near misses: six people at the press, two at the forklift; and one fall."""
    made = Site.init(tmp_path / SITE, settings=Settings(site=SiteSettings(SITE)))
    monkeypatch.setenv("JIKIMI_SITE", str(made.path))
    with open_store(made.database_url) as store:
        add_devices(made.database_url, fork=("node", "hall"), press=("node", "hall"), tag=("tag", "hall"))
        at_press = [near_miss(seq, person(seq), level=kinds.LEVEL_DANGER) for seq in range(1, 7)]
        at_fork = [near_miss(seq, person(seq)) for seq in range(1, 3)]
        fall = (1, kinds.FALL, {kinds.CONFIDENCE_PERMILLE: 970})
        messages = message("press", EVENT, *at_press), message("fork", EVENT, *at_fork), message("tag", ALARM, fall)
        store.store_batch(Batch(messages=messages))
    example.put_in_force(made)
    return made


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_report_by_zone_and_hour(site):
    assert json.loads(run("report", "near-misses", "--since", "2026-11-24", "--json")) == {
        "site": SITE,
        "by": "zone-hour",
        "since_ms": 1_795_478_400_000,
        "group_min": 5,
        "agreement": 1,
        "cells": [
            {
                "zone": "hall",
                "hour_ms": HOUR_MS,
                "count": 6,
                "danger_count": 6,
                "partial": True,
                "too_few": False,
            }
        ],
    }


def test_the_report_by_machine(site):
    document = json.loads(run("report", "near-misses", "--by", "machine", "--since", "2026-11-24T03:59", "--json"))
    assert document["since_ms"] == HOUR_MS
    assert document["cells"] == [
        {
            "machine": "fork",
            "count": None,
            "danger_count": None,
            "partial": False,
            "name": "FORK",
            "zone": "hall",
            "machine_kind": None,
            "too_few": True,
        },
        {
            "machine": "press",
            "count": 6,
            "danger_count": 6,
            "partial": False,
            "name": "PRESS",
            "zone": "hall",
            "machine_kind": None,
            "too_few": False,
        },
    ]


def test_reports_for_people_say_too_few_and_mark_what_is_partial(site):
    assert run("report", "near-misses", "--since", "2026-11-24") == "2026-11-24 03:00\thall\t6+\t6+\n"
    assert run("report", "near-misses", "--since", "2026-11-24", "--by", "machine").splitlines() == [
        "fork\tFORK\thall\ttoo few\ttoo few",
        "press\tPRESS\thall\t6\t6",
    ]


def test_a_record_that_would_tell_who_is_shown_without_device_and_zone(site):
    with open_store(site.database_url) as store:
        store.store_batch(Batch(messages=(message("tag", EVENT, (1, kinds.WARNING, {kinds.LEVEL: 1})),)))
        rule = LiveRule(store)
        shown = {row.kind: rule.shown(row) for row in store.records_after(0)}
        hidden = shown["warning"]
    assert (hidden.device, hidden.name, hidden.zone, hidden.boot, hidden.seq, hidden.data) == ("", "—", "—", 0, 0, {})
    assert shown["fall"].name == "TAG"
    assert shown["near_miss"].name == "—"  # the last one is the forklift's
    assert rule.shown(store_row(site, "press")).name == "PRESS"


def store_row(site: Site, device: str) -> RecordRow:
    with open_store(site.database_url) as store:
        return next(row for row in store.records_after(0) if row.device == device)


def test_a_start_that_is_no_time_is_misuse(site):
    result = CliRunner().invoke(cli, ["report", "near-misses", "--since", "yesterday"])
    assert result.exit_code == 2
    assert "2026-11-24" in result.output


def test_the_help_documents_every_key_of_the_json(site):
    text = run("report", "near-misses", "--help")
    for by in ("zone-hour", "machine"):
        document = json.loads(run("report", "near-misses", "--since", "2026-11-24", "--by", by, "--json"))
        for key in {*document, *document["cells"][0]}:
            assert f'"{key}"' in text


def test_without_an_agreement_alarms_are_listed_and_near_misses_refused_with_what_to_do(site):
    remove(site, "agreement", 1)
    refused = CliRunner().invoke(cli, ["report", "near-misses", "--json"])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "`jikimi agreement template > agreement.toml`" in str(refused.exception)
    listed = CliRunner().invoke(cli, ["alarm", "list", "--all", "--json"])
    assert [row["state"] for row in json.loads(listed.stdout)] == ["open"]
    assert "nothing is answered for incident-review" in listed.stderr
    asked = [row for row in json.loads(run("audit", "list", "--json")) if row["purpose"] != "agreement"]
    assert [(row["who"], row["purpose"], row["outcome"]) for row in asked] == [
        ("command line", "hazard-reduction", "refused: no_agreement"),
        ("command line", "incident-review", "refused: no_agreement"),
    ]


def test_open_alarms_are_listed(site):
    *cells, waited = run("alarm", "list").rstrip("\n").split("\t")
    assert cells == ["tag.1.1", "2026-11-24 03:05:01", "fall", "TAG", "hall", "open", ""]
    assert re.fullmatch(r"\d+:[0-5]\d", waited)
    (row,) = json.loads(run("alarm", "list", "--json"))
    assert (row["id"], row["t_ms"], row["state"]) == ("tag.1.1", BOOT_MS + 1000, "open")


def test_an_alarm_is_acknowledged_even_when_its_tag_cannot_be_told(site):
    command = [str(Path(sys.executable).with_name("jikimi")), "alarm", "ack", "tag.1.1", "--by", "first-aider"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the alarm is acknowledged, but" in done.stderr
    assert "jikimi up" in done.stderr
    (row,) = json.loads(run("alarm", "list", "--json"))
    assert (row["state"], row["acknowledged_by"]) == ("acknowledged", "first-aider")


def test_who_acknowledges_is_a_role(site):
    result = CliRunner().invoke(cli, ["alarm", "ack", "tag.1.1", "--by", "Kim Min-su"])
    assert result.exit_code == 2


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_watch_shows_what_is_there_then_what_comes_and_ends_well_on_ctrl_c(site, how):
    command = [str(Path(sys.executable).with_name("jikimi")), "watch", "--from-start", *how]
    # A shell starts what runs in its background with Ctrl-C ignored, and children inherit that.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=heard) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(9)]
        with open_store(site.database_url) as store:
            store.store_batch(Batch(messages=(message("tag", ALARM, (2, kinds.SOS, {}), clock_quality=1),)))
        lines.append(process.stdout.readline())
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) == 0
    if how:
        last = json.loads(lines[9])
        assert (last["kind"], last["clock"], last["t_ms"], last["recv_ms"]) == ("sos", "rtc", BOOT_MS + 2000, 9)
        assert person(1).hex() not in "".join(lines)
    else:
        assert lines[6] == "2026-11-24 03:05:01.000\tnear miss\t—\t—\t\n"  # two people at the forklift are too few
        assert lines[0] == "2026-11-24 03:05:01.000\tnear miss\tPRESS\thall\tlevel danger\n"
        assert lines[8] == "2026-11-24 03:05:01.000\tfall\tTAG\thall\tconfidence_permille 970\n"
        assert lines[9] == "2026-11-24 03:05:02.000~\tsos\tTAG\thall\t\n"


def test_watch_says_what_it_does_not_show_and_shows_the_alarm_that_comes(site):
    remove(site, "agreement", 1)
    command = [str(Path(sys.executable).with_name("jikimi")), "watch", "--from-start"]
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, preexec_fn=heard) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "nothing is answered for hazard-reduction" in process.stderr.readline()
        with open_store(site.database_url) as store:
            now_ms = time.time_ns() // 1_000_000
            sos = message("tag", ALARM, (2, kinds.SOS, {}), recv_ms=now_ms)
            store.store_batch(Batch(messages=(message("press", EVENT, (9, kinds.WARNING, {}), recv_ms=now_ms), sos)))
        assert process.stdout.readline() == "2026-11-24 03:05:02.000\tsos\tTAG\thall\t\n"
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) == 0


def test_a_site_can_be_made_on_postgresql(postgres_server, tmp_path):
    url = postgres_server.schema_url()
    done = CliRunner().invoke(cli, ["site", "init", str(tmp_path / "plant"), "--database", url])
    assert done.exit_code == 0, done.output
    site = Site.open(tmp_path / "plant")
    assert site.database_url == url
    assert registry.add_device(site, "tag", "Tag 1", "hall").device == registry.devices(site)[0].device
    with Store.open(url, site.name) as store:
        assert len(store.device_rows()) == 1


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "url must look like"),
        ("mysql://root@localhost/x", "mysql is not supported"),
        ("postgresql://nobody@/x?host=/nonexistent", "does not work"),
    ],
)
def test_a_database_that_cannot_be_used_leaves_no_site(tmp_path, url, sentence):
    done = CliRunner().invoke(cli, ["site", "init", str(tmp_path / "plant"), "--database", url])
    assert done.exit_code != 0
    assert sentence in (done.output + str(done.exception))
    assert not (tmp_path / "plant").exists()
