"""`jikimi demo cluster`: what is killed is noticed, told in words and accounted for."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from jikimi.fleet import registry
from jikimi.fleet.cli import cli
from jikimi.fleet.drill import database, order, requirements, stage
from jikimi.fleet.drill.incident import Figures, Incident, Moment
from jikimi.fleet.drill.options import Options, Stop
from jikimi.fleet.drill.run import Drill
from jikimi.fleet.drill.script import Script
from jikimi.fleet.drill.summary import Summary
from jikimi.fleet.drill.traffic import Count
from jikimi.fleet.drill.view import PlainView, Row, State, _panel
from jikimi.fleet.drill.watch import Books, NodeSeen, Seen, balance
from jikimi.fleet.errors import JikimiError, ServiceError
from jikimi.fleet.load import Report
from jikimi.fleet.services import Service, Status
from jikimi.fleet.site import Site
from jikimi.fleet.store import Batch, SequenceRow
from tests.demo.conftest import Demo
from tests.fleet_ingest.build import SITE, add_devices, events, open_store

_NAMES = ("broker-1", "broker-2", "broker-3", "ingest-1", "ingest-2")
_KILLED = "killed by SIGKILL"


def _moment(
    now_s: float,
    tags: Mapping[str, Count],
    *,
    gone: tuple[str, ...] = (),
    leader: str | None = "broker-1",
    behind: tuple[str, ...] = (),
    again: int = 0,
) -> Moment:
    """All five processes run, but for those `gone`; a process that was started `again` times has another pid."""
    services = {
        name: Status(name, None if name in gone else number + 100 * again, name not in gone, again, _KILLED)
        for number, name in enumerate(_NAMES)
    }
    nodes = {
        name: NodeSeen(services[name].pid, name not in gone, name not in behind, name == leader)
        for name in _NAMES
        if name.startswith("broker")
    }
    return Moment(now_s, services, Seen(nodes, Books()), tags)


def test_the_end_of_the_leader_is_told_until_it_is_back_and_has_caught_up():
    here, away = ("broker-1",), Count(50, 40)
    one = Incident(
        _moment(100.0, {"a": away, "b": Count(50, 50)}, gone=here, leader=None), "broker-1", led=True, by_hand=False
    )
    assert one.first_words() == ("broker-1 is gone (killed by SIGKILL): 2 of 3 nodes are left, a majority, and go on")
    again = {"a": Count(50, 50, losses=1), "b": Count(90, 90)}
    then = [
        _moment(101.0, {"a": away, "b": Count(90, 50)}, gone=here, leader=None),
        _moment(104.0, {"a": away, "b": Count(90, 90)}, gone=here, leader="broker-2"),
        _moment(105.0, again, leader="broker-2", behind=here, again=1),
        _moment(107.5, again, leader="broker-2", again=1),
    ]
    told = [sentence for moment in then for sentence in one.follow(moment)]
    assert told == [
        "broker-2 leads now, 4.0 s later",
        "every tag has gone on after 5.0 s: 1 of them connected again, up to 50 events waited and have all arrived",
        "broker-1 is back (process 100) and fetches what it has missed",
        "broker-1 has caught up, 2.5 s after its return",
    ]
    assert one.over


def test_a_leader_that_was_back_before_the_others_chose_may_lead_again_and_an_old_look_does_not_count():
    tags = {"a": Count(50, 50)}
    one = Incident(_moment(0.0, tags, gone=("broker-1",), leader=None), "broker-1", led=True, by_hand=False)
    back = _moment(2.0, tags, leader=None, again=1)
    before = _moment(0.0, tags).seen  # it leads, with the number it had
    (returned,) = one.follow(replace(back, seen=before))
    assert returned.startswith("broker-1 is back")
    assert "broker-1 leads again, 6.0 s later" in list(one.follow(_moment(6.0, tags, again=1)))


def test_a_tag_whose_last_event_still_waits_has_not_gone_on():
    before = {"a": Count(50, 10)}
    one = Incident(_moment(0.0, before, gone=("ingest-1",)), "ingest-1", led=False, by_hand=True)
    assert "not by this demo" in one.first_words()
    assert list(one.follow(_moment(1.0, {"a": Count(90, 40)}, gone=("ingest-1",)))) == []
    (told,) = one.follow(_moment(2.0, {"a": Count(90, 50)}, gone=("ingest-1",)))
    assert told.startswith("every tag has gone on after 2.0 s")
    assert not one.over
    assert list(one.follow(_moment(3.0, {"a": Count(90, 50)}, again=1))) == [
        "ingest-1 is back (process 103) and takes its share again"
    ]
    assert one.over


def test_a_cluster_without_a_majority_is_not_said_to_go_on():
    left = _moment(0.0, {}, gone=("broker-1", "broker-3"), leader=None)
    words = Incident(left, "broker-3", led=False, by_hand=True).first_words()
    assert "1 of 3 nodes are left, too few to agree" in words


def test_the_next_kill_waits_until_all_has_been_well_for_a_while():
    script = Script(["leader", "worker"], pause_s=5.0)
    heard = [(t, script.next(float(t), well=t not in (7, 8))) for t in range(30)]
    assert [(t, act) for t, act in heard if act] == [(5, "leader"), (14, "worker")]
    assert not script.over(18.0)
    assert script.over(20.0)


def test_the_books_count_what_is_acknowledged_and_not_stored_as_lost_and_what_was_never_sent_as_doubled():
    def row(device: str, stored: int, upto: int, highest: int) -> SequenceRow:
        return SequenceRow(device, 1, 1, stored, 0, 0, upto, highest)

    rows = [row("well", 8, 8, 8), row("lost", 7, 2, 9), row("doubled", 11, 10, 10)]
    acked = {"well": 5, "lost": 9, "doubled": 10, "new": 0}
    found = balance(acked, rows, {"well": 10, "lost": 10, "doubled": 10, "new": 5})
    assert found == Books(sent=35, stored=26, acked=24, lost=2, doubled=1, gaps=1)


def test_a_frozen_node_or_database_and_nodes_without_a_leader_are_trouble():
    seen = _moment(0.0, {}).seen
    assert seen.trouble is None
    frozen = replace(seen, nodes={**seen.nodes, "broker-3": NodeSeen(pid=7)}, books=Books(readable=False))
    assert frozen.trouble == "no answer from broker-3, the database"
    assert _moment(0.0, {}, leader=None).seen.trouble == "the nodes choose a leader"


@pytest.mark.parametrize(
    ("arrived", "wanted"),
    [
        ([(1, 2, 3), (4,)], order.Order(kept=True, late=0)),
        ([(1,), (3, 4), (2,)], order.Order(kept=True, late=1)),
        ([(1, 2), (4,)], order.Order(kept=False, late=0)),
    ],
    ids=["in order", "one late", "one missing"],
)
def test_late_records_are_counted_and_a_missing_one_breaks_the_order(tmp_path, arrived, wanted):
    url = f"sqlite:///{tmp_path / 'order.db'}"
    with open_store(url) as store:
        add_devices(url, t1=("tag", "hall"))
        for seqs in arrived:
            store.store_batch(Batch((events("t1", *seqs),)))
    assert order.read(url, SITE) == wanted


_SUMMARY = Summary(
    nodes=3, workers=2, database="SQLite", load=Report(12, 5, 40.0, 80, 400, 0, 0, 8, 4, {"p50": 70.4, "p99": 5600.0}),
    events=16_000, waiting=0, in_order=True, late=3,
    incidents=[Figures("broker-1", _KILLED, led=True, by_hand=False, waited=480, goes_on_after_s=6.6)],
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "PASSED: nothing was lost, nothing doubled, each tag's order kept"),
        ({"load": _SUMMARY.load._replace(lost=3)}, "FAILED: 3 events lost"),
        ({"load": _SUMMARY.load._replace(duplicates=1), "in_order": False}, "FAILED: 1 events doubled, order not kept"),
        ({"waiting": 7}, "NO VERDICT: stopped while 7 events were still waiting to be acknowledged"),
        ({"events": 0}, "NO VERDICT: stopped before any tag had sent anything"),
    ],
)
def test_the_verdict_is_well_only_if_everything_sent_is_there_once_and_in_order(change: dict[str, Any], verdict):
    summary = replace(_SUMMARY, **change)
    assert summary.lines()[-1] == verdict
    assert summary.well == summary.to_json()["well"] == verdict.startswith("PASSED")
    assert all(len(line) <= 80 for line in summary.lines())


_STATE = State(
    12.0, "broker-2 is away, back in 4 s",
    [Row("broker-1", 4711, "runs, leads", 8), Row("broker-2", None, "gone", None)],
    Books(sent=4_800_000, stored=4_799_990, acked=4_799_980, doubled=1, gaps=2),
)  # fmt: skip


def test_on_a_terminal_of_80_columns_no_line_of_the_panel_is_broken():
    console = Console(width=80, height=24)
    with console.capture() as capture:
        console.print(_panel(_STATE))
    lines = capture.get().splitlines()
    assert len(lines) == 10
    for wanted in (
        r"00:12  broker-2 is away, back in 4 s",
        r"broker-1 +4711 +runs, leads +8",
        r"4800000 sent, 4799990 stored, 4799980 acknowledged, 20 waiting",
        r"0 lost, 1 doubled, of 2 tags an earlier event is still to come",
    ):
        assert any(re.search(wanted, line) for line in lines), wanted


def test_away_from_a_terminal_progress_is_a_line_every_five_seconds(capsys):
    with PlainView() as view:
        for tenths in range(0, 121, 5):
            view.show(replace(_STATE, elapsed_s=tenths / 10))
        view.say(12.4, "broker-2 is back")
    lines = capsys.readouterr().err.splitlines()
    assert [line[:5] for line in lines] == ["00:00", "00:05", "00:10", "00:12"]
    assert lines[-1] == "00:12  broker-2 is back"


def test_what_is_missing_is_said_before_anything_starts_with_what_to_do(tmp_path, monkeypatch):
    requirements.check(tmp_path, postgresql=False)
    monkeypatch.setattr(database, "binaries", lambda: None)
    with pytest.raises(JikimiError, match="install Debian's package postgresql, or go without it: --database sqlite"):
        requirements.check(tmp_path, postgresql=True)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10 << 20))
    with pytest.raises(JikimiError, match=r"10 MB are free at .*, this needs 500: make room, or .* --dir"):
        requirements.check(tmp_path / "not" / "there" / "yet", postgresql=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(JikimiError, match=r"pip install 'jikimi\[cluster\]'"):
        requirements.check(tmp_path, postgresql=False)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--seconds", "9", "cluster"], "put options behind the word cluster"),
        (["cluster", "--dir", "x", "--database", "postgresql"], "leave one of the two out"),
        (["cluster", "--nodes", "2"], "'2' is not one of"),
    ],
)
def test_options_that_cannot_be_meant_are_misuse(arguments, hint):
    result = CliRunner().invoke(cli, ["demo", *arguments])
    assert result.exit_code == 2
    assert hint in " ".join(result.output.split())


def _drill(monkeypatch, tmp_path, code: str) -> Drill:
    """A drill whose only process runs `code` instead of a node."""
    made = Service("broker-1", [sys.executable, "-c", code], is_ready=lambda _pid: False, away_s=60.0)
    monkeypatch.setattr(stage, "services", lambda _site, _workers, _away_s: [made])
    options = Options(
        3, 1, 1, postgresql=False, kill=True, pause_s=60.0, seconds=None, directory=tmp_path / "drill", kept=True
    )
    return Drill(options, PlainView(), Stop())


def test_a_node_that_cannot_start_ends_the_demo_at_once_with_its_last_words(monkeypatch, tmp_path):
    drill = _drill(monkeypatch, tmp_path, "raise SystemExit('the port is taken')")
    with pytest.raises(ServiceError, match=r'broker-1 ended \(exit code 1\) while starting; .* "the port is taken"'):
        drill.__enter__()


def test_ctrl_c_while_the_cluster_starts_ends_it(monkeypatch, tmp_path):
    drill = _drill(monkeypatch, tmp_path, "import signal; signal.pause()")
    threading.Timer(0.2, drill.stop.ask).start()
    with pytest.raises(ServiceError, match="stopped before the cluster was up"):
        drill.__enter__()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    arguments = ("--tags", "4", "--pause", "1", "--seconds", "600", "--json")
    running = Demo(tmp_path / "drill", *arguments, command=("demo", "cluster"))
    yield running
    running.end()


def _says(demo: Demo, pattern: str, times: int = 1) -> str:
    """The last of so many lines that match."""
    demo.until(lambda: sum(bool(re.search(pattern, line)) for line in demo.said) >= times, f"no line with {pattern!r}")
    return [line for line in demo.said if re.search(pattern, line)][-1]


@pytest.mark.slow
def test_a_newcomer_sees_a_killed_node_and_a_worker_of_his_own_choice_survived_and_ends_it_with_ctrl_c(demo):
    (worker,) = re.findall(r"ingest-2 runs \(process (\d+)\)", _says(demo, "ingest-2 runs"))
    (leader,) = re.findall(r"kill -9 \d+ \((broker-\d)\)", _says(demo, "now the node that leads is killed"))
    os.kill(int(worker), signal.SIGKILL)
    _says(demo, r"ingest-2 is gone \(killed by SIGKILL, not by this demo\)")
    _says(demo, "leads (now|again)")
    _says(demo, "every tag has gone on", times=2)
    pids = demo.processes()
    demo.interrupt()
    account = json.loads(demo.output())
    assert len(pids) >= 4
    assert demo.processes() == []
    assert {device.state for device in registry.devices(Site.open(demo.place))} == {"retired"}
    assert (account["lost"], account["duplicates"], account["in_order"], account["well"]) == (0, 0, True, True)
    assert [(one["name"], one["led"], one["by_hand"]) for one in account["incidents"][:2]] == [
        (leader, True, False),
        ("ingest-2", False, True),
    ]
