# mypy: allow-untyped-calls
"""Nothing survives: the command, its boards, and what becomes of them when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.virtual.conftest import PATIENCE_S, alive, environment, until


@pytest.fixture
def command(tmp_path):
    """`jikimi virtual-board --count 2`, as (process, its boards)."""
    program = str(Path(sys.executable).with_name("jikimi"))
    process = subprocess.Popen(
        [program, "virtual-board", "--count", "2", "--dir", str(tmp_path / "boards"), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    with process, process.stdout:
        yield process, [json.loads(process.stdout.readline()) for _ in range(2)]
        process.kill()


def _gone(boards):
    return not any(alive(board["pid"]) for board in boards)


def test_boards_die_with_a_parent_that_is_killed_dash_nine(command):
    process, boards = command
    assert all(alive(board["pid"]) for board in boards)
    process.kill()
    until(lambda: _gone(boards), "the boards end with their parent")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_command_cleanly_and_takes_its_boards_along(command, number):
    process, boards = command
    os.kill(process.pid, number)
    assert process.wait(PATIENCE_S) == 0
    assert _gone(boards)


def test_flash_in_a_named_directory_is_kept(command):
    process, boards = command
    Path(boards[0]["flash"], "note.txt").write_text("mine")
    os.kill(process.pid, signal.SIGINT)
    process.wait(PATIENCE_S)
    assert Path(boards[0]["flash"], "note.txt").read_text() == "mine"


def test_without_json_a_line_is_a_port_that_can_be_opened(tmp_path):
    program = str(Path(sys.executable).with_name("jikimi"))
    with subprocess.Popen(
        [program, "virtual-board"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        os.close(os.open(port, os.O_RDWR | os.O_NOCTTY))
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
