"""The walkthrough is true: its commands run, one after the other, in one shell."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_DOCUMENT = Path(__file__).parents[2] / "fleet" / "WALKTHROUGH.md"
# Commands and, from comments, what must hold before the next ones.
_PART = re.compile(r"^```sh\n(.*?)^```|^<!-- until: (.*?) -->", re.MULTILINE | re.DOTALL)
_PATIENCE_S = 180.0
_BETWEEN_S = 1.0  # a look is a command, which costs about half a second of a processor
_DONE = "walkthrough-part-ended"


class Shell:
    """A bash that runs parts in turn."""

    def __init__(self, folder: Path) -> None:
        programs = Path(sys.executable).parent
        environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "JIKIMI_SITE": ""}
        self._process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, commands: str) -> tuple[int, str]:
        """Exit code of the first command that failed, or 0, and everything said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        steps = "\n".join(f"{line} || code=$?" if not line.endswith("&") else line for line in commands.splitlines())
        self._process.stdin.write(f"code=0\n{steps}\necho {_DONE} $code\n")
        self._process.stdin.flush()
        said: list[str] = []
        for line in self._process.stdout:
            if line.startswith(_DONE):
                return int(line.split()[1]), "".join(said)
            said.append(line)
        pytest.fail("the shell has ended: " + "".join(said))

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(30)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    yield shell
    shell.close()


@pytest.mark.slow
@pytest.mark.timeout(600)  # a minute and a half where it has two cores for itself
def test_the_commands_of_the_walkthrough_do_what_it_says(shell):
    parts = _PART.findall(_DOCUMENT.read_text("utf-8"))
    assert len(parts) >= 10
    for commands, condition in parts:
        if commands:
            code, said = shell.run(commands)
            assert code == 0, f"{commands}\n{said}"
            continue
        deadline = time.monotonic() + _PATIENCE_S
        while shell.run(condition)[0] != 0:
            assert time.monotonic() < deadline, f"never true: {condition}\n{shell.run('jikimi device list')[1]}"
            time.sleep(_BETWEEN_S)
