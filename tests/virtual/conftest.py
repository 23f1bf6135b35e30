"""A world for each test, boards in it, and the real mpremote."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from jikimi.fleet.virtual import Bench, VirtualBoard, World

PROMPT = r"Type \"help"
PATIENCE_S = 60.0


class Boards:
    """Virtual boards of one test; all are unplugged at its end."""

    def __init__(self, world: World, folder: Path, stack: ExitStack) -> None:
        self.world = world
        self.folder = folder
        self._stack = stack

    def add(self, name: str = "board", files: dict[str, str] | None = None, **options: Any) -> VirtualBoard:
        """A started board with text `files` on its flash."""
        flash = self.folder / name
        for path, text in (files or {}).items():
            target = flash / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        board = self._stack.enter_context(VirtualBoard(name, flash, self.world, **options))
        board.start()
        return board


@pytest.fixture
def world() -> Iterator[World]:
    with World(channel=Bench()) as world:
        yield world


@pytest.fixture
def boards(world: World, tmp_path: Path) -> Iterator[Boards]:
    with ExitStack() as stack:
        yield Boards(world, tmp_path, stack)


@pytest.fixture
def blank(boards: Boards) -> VirtualBoard:
    """A board with nothing on its flash, at its prompt."""
    board = boards.add()
    board.wait_for(PROMPT, PATIENCE_S)
    return board


@pytest.fixture
def mpremote() -> Callable[..., str]:
    """The real tool: mpremote(board, "exec", …) -> its stdout; fails the test when it fails."""

    def run(board: VirtualBoard, *arguments: str) -> str:
        program = Path(sys.executable).with_name("mpremote")
        command = [str(program), "connect", f"port:{board.port}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.replace("\r\n", "\n")

    return run


def until(condition: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Poll until `condition()`; fails the test, saying `what` was awaited, after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s in vain: {what}"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def environment() -> dict[str, str]:
    """Of a child that measures nothing of this test run."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
