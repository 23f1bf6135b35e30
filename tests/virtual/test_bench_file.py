# mypy: allow-untyped-calls
"""The bench suite takes a file of boards: here ports of `jikimi virtual-board`, which it knows nothing else about."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.virtual.conftest import PATIENCE_S, environment

HIL_TESTS = Path(__file__).parents[2] / "hil_tests"

BOARD = """
[[board]]
name = "{name}"
kind = "{kind}"
port = "{port}"
arch = "x64"
power_on = "true"
power_off = "true"
"""


@pytest.fixture
def ports():
    program = str(Path(sys.executable).with_name("jikimi"))
    command = [program, "virtual-board", "--count", "2"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
    ) as process:
        assert process.stdout is not None
        yield [process.stdout.readline().strip() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)


@pytest.mark.slow
@pytest.mark.timeout(600)  # forty seconds on an idle machine
def test_the_suite_passes_on_boards_it_only_knows_by_their_ports(ports, tmp_path):
    bench = tmp_path / "bench.toml"
    boards = zip(("left", "right"), ("tag", "node"), ports, strict=True)
    described = "".join(BOARD.format(name=name, kind=kind, port=port) for name, kind, port in boards)
    bench.write_text('[network]\nhost = "127.0.0.1"\n' + described)
    # Pressing the button and cutting the power need a hand.
    chosen = ["-k", "not button and not power", f"--bench={bench}", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(HIL_TESTS), *chosen],
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
        cwd=HIL_TESTS.parent,
        env=environment(),
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
