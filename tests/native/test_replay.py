"""`jikimi replay`: recordings in, one line per event out."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from jikimi.fleet.cli.replay import command
from jikimi.fleet.replay import Recording, RecordingError, read_recording, replay
from tests.native.signals import Motion, story

NAMES = ["t_s", "ax_g", "ay_g", "az_g", "gx_dps", "gy_dps", "gz_dps"]


@pytest.fixture
def motion():
    return story(1, 100)


def write_csv(path: Path, motion: Motion, names: list[str] = NAMES, start_s: float = 0.0, separator: str = ",") -> Path:
    t_s = start_s + np.arange(len(motion)) / 100
    table = dict(zip(NAMES, np.column_stack([t_s, motion]).T, strict=True)) | {"hr_bpm": np.full(len(motion), 80.0)}
    lines = [separator.join(names)]
    lines += [",".join(f"{table[name.strip()][i]:.5f}" for name in names) for i in range(len(motion))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(*args: object) -> Result:
    return CliRunner().invoke(command, [str(arg) for arg in args])


def test_each_event_is_one_json_line_with_file_time_kind_and_confidence(tmp_path, motion):
    path = write_csv(tmp_path / "a.csv", motion)
    result = run(path, "--rate-hz", 100, "--placement", "waist", "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [set(row) for row in rows] == [{"file", "t_s", "event", "confidence"}] * len(rows)
    falls = [row for row in rows if row["event"] == "fall"]
    assert len(falls) == 1
    assert falls[0]["file"] == str(path)
    assert 6.5 < falls[0]["t_s"] <= 8.6
    assert 0 <= falls[0]["confidence"] <= 1


def test_csv_and_both_shapes_of_npz_give_the_same_events(tmp_path, motion):
    csv = write_csv(tmp_path / "a.csv", np.round(motion, 5), separator=", ")
    whole, split = tmp_path / "whole.npz", tmp_path / "split.npz"
    np.savez(whole, acc_g=np.round(motion, 5)[:, :3], gyro_dps=np.round(motion, 5)[:, 3:])
    np.savez(split, **dict(zip(NAMES[1:], np.round(motion, 5).T, strict=True)))
    events = [replay(read_recording(path), 100, "waist") for path in (csv, whole, split)]
    assert events[1] == events[2]
    assert [(e.kind, e.confidence) for e in events[0]] == [(e.kind, e.confidence) for e in events[1]]
    assert [e.t_s for e in events[0]] == pytest.approx([e.t_s for e in events[1]])


def test_times_are_those_of_the_recordings_own_clock(tmp_path, motion):
    late = replay(read_recording(write_csv(tmp_path / "a.csv", motion, start_s=500)), 100, "waist")
    bare = replay(Recording(motion[:, :3], motion[:, 3:], None), 100, "waist")
    assert [e.t_s for e in late] == pytest.approx([e.t_s + 500 for e in bare])


def test_gyro_heart_rate_and_time_are_optional_and_columns_come_in_any_order(tmp_path, motion):
    path = write_csv(tmp_path / "a.csv", motion, ["hr_bpm", "az_g", "ax_g", "ay_g"])
    recording = read_recording(path)
    assert recording.gyro_dps is None
    assert recording.t_s is None
    assert np.allclose(recording.acc_g, motion[:, :3], atol=1e-5)


def test_bends_are_counted_at_the_waist_and_not_at_the_wrist_and_all_events_are_in_order(tmp_path):
    t = np.arange(12 * 100) / 100
    angle = np.radians(75) * np.exp(-(((t - 6) / 1.2) ** 4))
    bend = np.stack([np.zeros_like(t), -np.cos(angle), np.sin(angle)], axis=1)
    recording = Recording(np.vstack([bend, bend]), None, None)
    events = replay(recording, 100, "waist", no_motion_s=2)
    assert [event.kind for event in events].count("bend") == 2
    assert [event.t_s for event in events] == sorted(event.t_s for event in events)
    assert "bend" not in {event.kind for event in replay(recording, 100, "wrist")}


def test_several_files_are_reported_in_the_order_given(tmp_path, motion):
    paths = [write_csv(tmp_path / name, motion) for name in ("b.csv", "a.csv")]
    files = [json.loads(line)["file"] for line in run(*paths, "--rate-hz", 100, "--json").stdout.splitlines()]
    assert files == sorted(files, reverse=True)
    assert set(files) == {str(path) for path in paths}


def test_people_get_a_line_with_the_time_the_kind_and_a_percentage(tmp_path, motion):
    result = run(write_csv(tmp_path / "a.csv", motion), "--rate-hz", 100)
    assert " fall " in result.stdout
    assert "%" in result.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("ax_g,ay_g,az_g\n", "empty"),
        ("ax_g,ay_g,az_g\n\n", "empty"),
        ("x,y,z\n0,0,1\n", "no acceleration"),
        ("ax_g,ay_g\n0,0\n", "no az_g"),
        ("ax_g,ay_g,az_g,gx_dps\n0,0,1,0\n", "no gy_dps, gz_dps"),
        ("ax_g,ay_g,az_g\n0,0\n", "line 2: 2 values"),
        ("ax_g,ay_g,az_g\n0,0,1\n0,zero,1\n", "line 3: ay_g is not a number"),
        ("ax_g,ay_g,az_g\n0,0,nan\n", "not a finite number in sample 0"),
        ("ax_g,ay_g,az_g\n0,0,1\n0,inf,1\n", "not a finite number in sample 1"),
        ("t_s,ax_g,ay_g,az_g\n1,0,0,1\n0,0,0,1\n", "never go back"),
        ("ax_g,ay_g,az_g\n0,0,\xff1\n", "not a readable CSV"),
    ],
)
def test_a_csv_that_cannot_be_used_is_refused_with_a_sentence_that_names_it(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(RecordingError, match=message) as caught:
        read_recording(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "no acceleration"),
        ({"acc_g": np.zeros((4, 2))}, r"shape \(n, 3\)"),
        ({"acc_g": np.zeros((0, 3))}, "empty"),
        ({"acc_g": np.zeros((4, 3)), "gyro_dps": np.zeros((5, 3))}, "5 samples"),
        ({"acc_g": np.full((4, 3), np.inf)}, "finite"),
        ({"acc_g": np.array([["a", "b", "c"]])}, "not a readable NPZ"),
        ({"ax_g": np.zeros(3), "ay_g": np.zeros(4), "az_g": np.zeros(3)}, "one length"),
        ({"acc_g": np.zeros((4, 3)), "t_s": np.zeros(3)}, "3 samples"),
        ({"acc_g": np.zeros((4, 3)), "t_s": np.zeros((4, 1))}, "one column"),
    ],
)
def test_an_npz_that_cannot_be_used_is_refused_with_a_sentence(tmp_path, arrays, message):
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(RecordingError, match=message):
        read_recording(path)


def test_a_file_that_is_no_npz_is_refused(tmp_path):
    path = tmp_path / "bad.npz"
    path.write_bytes(b"not a zip")
    with pytest.raises(RecordingError, match="not a readable NPZ"):
        read_recording(path)


@pytest.mark.parametrize("args", [[], ["none.csv", "--rate-hz", "100"], ["--rate-hz", "10"], ["--placement", "head"]])
def test_misuse_ends_with_exit_code_2(tmp_path, motion, args):
    if args and args[0].startswith("--"):
        args = [str(write_csv(tmp_path / "a.csv", motion[:5])), *args]
    assert run(*args).exit_code == 2


def test_the_example_in_the_help_runs(tmp_path, motion, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "walk.csv", motion)
    np.savez(tmp_path / "fall.npz", acc_g=motion[:, :3])
    help_text = " ".join(run("--help").stdout.split())
    example = help_text.split("Example: jikimi replay ")[1].split(" Options")[0]
    result = run(*example.split())
    assert result.exit_code == 0
    assert {json.loads(line)["file"] for line in result.stdout.splitlines()} == {"walk.csv", "fall.npz"}
