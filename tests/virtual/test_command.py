# mypy: allow-untyped-calls
"""How the boards of `jikimi virtual-board` are set up."""

from __future__ import annotations

import signal
import subprocess
import sys
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


@pytest.mark.parametrize(("options", "charger", "cell_mv"), [([], 0, 4000), (["--docked"], 1, 4200)])
def test_docked_boards_have_a_closed_charger_contact_and_a_full_cell(options, charger, cell_mv, mpremote):
    program = str(Path(sys.executable).with_name("jikimi"))
    with subprocess.Popen(
        [program, "virtual-board", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        board = SimpleNamespace(port=process.stdout.readline().strip())
        found, millivolts = map(int, mpremote(board, "exec", _READ).split())
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    assert found == charger
    assert millivolts == pytest.approx(cell_mv, abs=20)
