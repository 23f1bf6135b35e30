# mypy: allow-untyped-calls
"""How the boards of `jikimi virtual-board` are set up."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from jikimi.fleet.virtual.wiring import BATTERY_DIVIDER, BATTERY_PIN, CHARGER_PIN
from tests.virtual.conftest import PATIENCE_S, environment

_READ = f"""
import machine
print(machine.Pin({CHARGER_PIN}, machine.Pin.IN).value())
print(machine.ADC(machine.Pin({BATTERY_PIN})).read_uv() * {BATTERY_DIVIDER} // 1000)
"""


@contextmanager
def _board(*options: str) -> Iterator[SimpleNamespace]:
    """The one board of a command that runs meanwhile."""
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("jikimi")), "virtual-board", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        yield SimpleNamespace(port=process.stdout.readline().strip())
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(("options", "charger", "cell_mv"), [([], 0, 4000), (["--docked"], 1, 4200)])
def test_docked_boards_have_a_closed_charger_contact_and_a_full_cell(options, charger, cell_mv, mpremote):
    with _board(*options) as board:
        found, millivolts = map(int, mpremote(board, "exec", _READ).split())
    assert found == charger
    assert millivolts == pytest.approx(cell_mv, abs=20)


def test_boards_of_two_commands_are_not_the_same_chips(tmp_path, mpremote):
    with _board("--dir", str(tmp_path / "here")) as here, _board("--dir", str(tmp_path / "there")) as there:
        chips = {mpremote(board, "exec", "import machine; print(machine.unique_id())") for board in (here, there)}
    assert len(chips) == 2
