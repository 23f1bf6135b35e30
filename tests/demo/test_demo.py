"""The whole factory, end to end: real processes, watched from outside."""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import signal
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.demo.conftest import Demo

Start = Callable[..., "Demo"]
_OPEN = "the floor is open"
_MICROPYTHON = "/micropython_run."  # the interpreter's machine code, as its wheel names the file


def _connections(demo: Demo) -> dict[str, dict[str, Any]]:
    """The broker's MQTT connections by the name in their certificate."""
    ports = json.loads((demo.place / "run" / "ports.json").read_text())
    url = f"http://127.0.0.1:{ports['monitor']}/connz?auth=true"
    with urllib.request.urlopen(url, timeout=30) as reply:
        found = [c for c in json.load(reply)["connections"] if c.get("mqtt_client")]
    return {c["authorized_user"].partition(".")[0]: c for c in found}


def _configurations(demo: Demo) -> dict[str, dict[str, Any]]:
    files = (demo.place / "boards").glob("*/config.json")
    return {path.parent.name: json.loads(path.read_text()) for path in files}


def _nothing_lost_or_doubled(summary: dict[str, Any]) -> bool:
    return (summary["lost"], summary["duplicates"]) == (0, 0)


@pytest.mark.slow
def test_every_part_of_a_short_run_is_real_and_nothing_is_lost(demo: Start) -> None:
    run = demo("--seconds", "22", "--tags", "3", "--machines", "2", "--seed", "4", "--json")
    run.wait_for(_OPEN)
    boards, devices, connections = run.boards(), _configurations(run), _connections(run)
    consoles = {name: (run.place / "log" / f"{name}.console").read_text() for name in devices}

    assert set(boards) == set(devices)
    assert len(devices) == 5
    loaded = {name: Path(f"/proc/{pid}/maps").read_text() for name, pid in boards.items()}
    (gateway,) = [name for name, maps in loaded.items() if _MICROPYTHON not in maps]
    assert devices[gateway]["kind"] == "node"
    assert "_sigcore.abi3.so" in loaded[gateway]
    assert len(set(boards.values())) == len(boards)
    for name, console in consoles.items():
        how = "cffi" if name == gateway else "native"
        assert re.search(rf"^jk core \S+ {how}$", console, re.MULTILINE), console
        assert connections[name]["tls_version"] in ("1.2", "1.3")
        digest = hashlib.sha256((run.place / "boards" / name / "tls" / "key.der").read_bytes()).hexdigest()
        assert connections[name]["mqtt_client"] == f"{name}-{digest[:12]}"
    for name in set(devices) - {gateway}:
        library = run.place / "boards" / name / "lib" / "jikimi"
        assert (library / "sigcore.mpy").read_bytes()[:1] == b"M"
        assert not list(library.glob("sigcore/*"))

    summary = run.result()
    assert _nothing_lost_or_doubled(summary)
    assert summary["devices"] == 5
    assert (summary["devices_native"], summary["devices_tls"]) == (4, 5)
    assert summary["acted_falls"] >= 1
    assert (summary["detected_falls"], summary["false_falls"]) == (summary["acted_falls"], 0)
    assert summary["detected_incursions"] == summary["incursions"] >= 1
    assert summary["detected_sos"] == summary["acted_sos"] >= 1
    assert summary["node_warnings"] >= 1
    assert summary["events_stored"] >= summary["events_published"] > 0
    assert summary["alarm_latency_ms"]["p99"] < 2000
    assert summary["restarts"] == {}
    assert run.processes() == []


def _pid_of(run: Demo, victim: str) -> int:
    if victim == "tag":
        tags = [name for name, config in _configurations(run).items() if config["kind"] == "tag"]
        return run.boards()[min(tags)]
    return int((run.place / "run" / f"{victim}.pid").read_text())


@pytest.mark.slow
def test_kill_9_of_ingest_a_tag_and_the_broker_in_one_run_loses_and_doubles_nothing(demo: Start) -> None:
    run = demo("--tags", "3", "--machines", "2", "--seed", "4", "--json")  # until all are back, however long that takes
    run.wait_for(_OPEN)
    run.wait_for("warning")  # an event has made it to the database, more are under way
    for victim in ("ingest", "tag", "broker"):
        before = _pid_of(run, victim)
        os.kill(before, signal.SIGKILL)
        run.until(partial(_is_back, run, victim, before), f"{victim} did not come back")
    run.until(partial(_all_are_connected, run), "not every device is connected again")
    run.interrupt()
    summary = run.result()
    assert _nothing_lost_or_doubled(summary)
    assert sum(summary["restarts"].values()) == 3
    assert summary["events_published"] > 0
    assert run.processes() == []


def _is_back(run: Demo, victim: str, before: int) -> bool:
    try:
        return _pid_of(run, victim) != before
    except (FileNotFoundError, KeyError, ValueError):
        return False


def _all_are_connected(run: Demo) -> bool:
    try:
        return set(_configurations(run)) <= set(_connections(run))
    except OSError:  # the broker is not there yet
        return False


@pytest.mark.slow
def test_ctrl_c_ends_everything_and_prints_the_account(demo: Start) -> None:
    run = demo("--tags", "2", "--machines", "1")
    run.wait_for(_OPEN)
    run.wait_for("warning")
    run.interrupt()
    out = run.output()
    assert re.search(r"^events +\d+ written by devices, \d+ stored, 0 lost, 0 duplicates$", out, re.MULTILINE)
    assert run.processes() == []


@pytest.mark.slow
def test_kill_9_of_the_demo_itself_leaves_no_process(demo: Start) -> None:
    run = demo("--tags", "1", "--machines", "1")
    run.wait_for(_OPEN)
    assert len(run.processes()) >= 4
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()
    assert [pid for pid in run.processes() if _lives_on(pid)] == []


def _lives_on(pid: int) -> bool:
    """Whether a process is still there a little later; the kernel kills orphans at once, but not in no time."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        return not select.select([handle], [], [], 10)[0]
    finally:
        os.close(handle)


def test_a_folder_without_recordings_is_refused_before_anything_starts(demo: Start, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    run = demo("--recordings", str(empty))
    assert run.process.wait(30) == 1
    run.end()
    assert "holds no SisFall recordings" in run.talk()
    assert not run.place.exists()


def test_more_machines_than_the_hall_holds_are_refused(demo: Start) -> None:
    run = demo("--machines", "40")
    assert run.process.wait(30) == 1
    run.end()
    assert "room for 1 to 8 machines" in run.talk()
