"""Numbers that stand in two places because the two never import each other."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

from jikimi.fleet.virtual import link, wiring
from jikimi.fleet.virtual.interpreter import ROM_SOURCES


def _constants(path: Path) -> dict[str, int]:
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, int):
            for target in node.targets:
                assert isinstance(target, ast.Name)
                found[target.id] = node.value.value
    return found


def test_the_boards_client_and_the_world_number_their_frames_alike():
    client = {name: value for name, value in _constants(ROM_SOURCES / "_world.py").items() if name.isupper()}
    client = {name: value for name, value in client.items() if not name.startswith("_")}
    assert client == {name: getattr(link, name) for name in client}
    assert len(client) > 30


def test_reset_causes_are_those_of_the_emulated_machine_module():
    machine = _constants(ROM_SOURCES / "machine.py")
    for name in ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET", "SOFT_RESET"):
        assert machine[name] == getattr(link, name)


def test_the_firmwares_pin_table_of_the_virtual_board_is_how_it_is_wired():
    spec = importlib.util.find_spec("jikimi.edge.boards")
    assert spec is not None
    assert spec.loader is not None
    boards = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(boards)
    pins = vars(boards.pins("virtual", "tag")) | vars(boards.pins("virtual", "node"))
    assert {number: name for name, number in pins.items() if name in wiring.OUTPUT_PINS.values()} == wiring.OUTPUT_PINS
    assert (pins["i2c_id"], pins["uart_id"]) == (wiring.I2C_BUS, wiring.UWB_UART)
    assert (pins["button"], pins["battery_adc"]) == (wiring.BUTTON_PIN, wiring.BATTERY_PIN)
    assert (pins["pulse"], pins["drive_off"]) == (wiring.PULSE_PIN, wiring.DRIVE_OFF_PIN)
