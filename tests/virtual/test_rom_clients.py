# mypy: allow-untyped-calls
"""The emulated modules give a program the same answers on MicroPython and on CPython."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jikimi.fleet.virtual.interpreter import ROM_SOURCES
from tests.virtual.conftest import PATIENCE_S

SCRIPT = Path(__file__).with_name("client_script.py")


def _beacon(boards):
    """Something to hear."""
    source = (
        "import bluetooth, time\nb = bluetooth.BLE()\nb.active(True)\n"
        "b.gap_advertise(30_000, b'beacon', connectable=False)\nprint('sending')\n"
    )
    boards.add("beacon", {"main.py": source}).wait_for("sending", PATIENCE_S)


def _run(boards, name, **options):
    board = boards.add(name, **options)
    board.wait_for("^press now", PATIENCE_S)
    boards.world.press(name, 5.0)
    board.wait_for("^end", PATIENCE_S)
    lines = board.lines()
    return lines[: next(i for i, line in enumerate(lines) if line.startswith("end")) + 1]


@pytest.fixture
def on_micropython(boards):
    _beacon(boards)
    return _run(boards, "chip", files={"main.py": SCRIPT.read_text()})


def test_a_program_gets_the_same_answers_on_both_interpreters(boards, on_micropython):
    on_cpython = _run(boards, "gateway", command=[sys.executable, str(SCRIPT)])
    assert on_cpython == on_micropython


def test_the_answers_are_the_documented_ones(on_micropython):
    said = dict(line.split(" ", 1) for line in on_micropython)
    assert said["scan"] == "[106]"
    assert said["who"] == "b'l'"
    assert said["ctrl"] == "bytearray(b'@L\\x04')"
    assert said["set"] == "(2026, 11, 24, 1, 3, 4, 5)"
    assert said["at"] == "b'+OK\\r\\n'"
    assert said["heard"] == "(1, 6, 3, -59, b'beacon')"
    assert said["cause"] == "1"


def test_events_reach_a_program_without_asyncio_when_it_calls_the_board(boards):
    source = (
        "import machine, time\npressed = []\npin = machine.Pin(0, machine.Pin.IN)\n"
        "pin.irq(pressed.append)\nprint('press now')\n"
        "while not pressed:\n    machine.Pin(10).value()\n    time.sleep_ms(5)\nprint('pressed')\n"
    )
    board = boards.add("chip", {"main.py": source})
    board.wait_for("press now", PATIENCE_S)
    boards.world.press("chip", 0.1)
    board.wait_for("^pressed", PATIENCE_S)


def test_a_uart_is_a_stream_for_asyncio(boards):
    source = (
        "import asyncio, machine\nasync def main():\n    uart = machine.UART(1)\n"
        "    stream = asyncio.StreamReader(uart)\n    asyncio.create_task(ask(uart))\n"
        "    print('got', await stream.readline())\nasync def ask(uart):\n    uart.write(b'AT+UID?\\r\\n')\n"
        "asyncio.run(main())\n"
    )
    boards.add("chip", {"main.py": source}).wait_for(r"^got b'\+UID=[0-9A-F]{16}", PATIENCE_S)


def test_an_interrupt_in_the_middle_of_a_call_leaves_the_bus_usable(boards, mpremote):
    source = "import machine\ni = machine.I2C(0)\nwhile True:\n    assert i.readfrom_mem(0x6A, 15, 1) == b'l'\n"
    board = boards.add("chip", {"main.py": source})
    for _ in range(5):
        code = "import machine; print(machine.I2C(0).readfrom_mem(0x6A, 15, 1))"
        assert mpremote(board, "resume", "exec", code) == "b'l'\n"
        board.reset()


def test_a_program_without_a_world_is_told_so():
    command = [sys.executable, "-c", "import machine; machine.unique_id()"]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROM_SOURCES)}, capture_output=True, text=True, check=False)
    assert "OSError: [Errno 19]" in done.stderr
