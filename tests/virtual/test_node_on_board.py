# mypy: allow-untyped-calls
"""A machine node's parts behind the pins of the virtual board, in the real MicroPython and as a gateway on CPython."""

from __future__ import annotations

import json
import sys

import pytest

from jikimi.fleet.virtual import image, wiring
from tests.virtual.conftest import PATIENCE_S, until

SCRIPT = """
import asyncio, json, sys
from jikimi.edge.port import port
from jikimi.edge.hardware import Hardware
from jikimi.wire.settings import check
here = port()
config = check(json.loads('''{config}'''))
hardware = Hardware(config, here)
signs = hardware.warner()
faults = []
speed = hardware.speed(lambda sensor: faults.append)
async def main():
    beat = lambda: None
    asyncio.create_task(signs.run(here.sleep_ms, beat))
    asyncio.create_task(speed.run(beat))
    print("ready")
    shown = None
    while True:
        signs.alive()
        state = [speed.known, speed.mm_s > 0, hardware.button()()]
        if state != shown:
            print("state", json.dumps(state))
            shown = state
        signs.level(2 if state[2] else 0)
        await here.sleep_ms(50)
asyncio.run(main())
"""
CONFIG = {
    "version": 1, "site": "s", "device": "d", "kind": "node", "broker": {"host": "h", "port": 1},
    "machine": {
        "kind": "forklift", "name": "F", "warn_mm": 3000, "danger_mm": 1500, "slow_signal": "level",
        "separation": {"max_mm_s": 2000, "braking_mm_s2": 1000},
        "speed": {"pulses_per_m": 50, "poll_ms": 100, "stale_ms": 600},
    },
}  # fmt: skip


@pytest.fixture(params=["micropython", "cpython", "no counter"])
def node(request, boards):
    """A node that runs; the third has no pulse counter, as an ESP32-C3."""
    script = SCRIPT.replace("{config}", json.dumps(CONFIG))
    if request.param == "no counter":
        script = "import machine\nmachine.Timer = machine.Timer\ndel machine.__getattr__\n" + script
    flash = boards.folder / "node"
    image.write_image(image.application(), flash)
    path = flash / "main.py"
    if request.param == "cpython":
        path.write_text(script)
        board = boards.add("node", command=[sys.executable, str(path)])
    else:
        board = boards.add("node", {"main.py": script})
    board.wait_for("^ready", PATIENCE_S)
    return board


def drive(world, pin, level):
    world.do(lambda: world.hardware("node").drive_input(pin, level))


def lit(world):
    """Outputs that are on now."""
    last = {}
    for output in world.outputs("node"):
        last[output.name] = output.level
    return {name for name, level in last.items() if level}


def test_pulses_drive_contact_stack_light_and_relay_work_through_the_pins(node, boards):
    world = boards.world
    until(lambda: lit(world) == {"stack_green", "clear"}, "all clear")
    until(lambda: "state [false, true, false]" in node.lines(), "without pulses, full speed")
    drive(world, wiring.DRIVE_OFF_PIN, 0)
    until(lambda: "state [true, false, false]" in node.lines(), "standstill while the drive is off")
    drive(world, wiring.DRIVE_OFF_PIN, 1)
    for _ in range(20):
        drive(world, wiring.PULSE_PIN, 0)
        drive(world, wiring.PULSE_PIN, 1)
    until(lambda: "state [true, true, false]" in node.lines(), "a speed from pulses")
    drive(world, wiring.BUTTON_PIN, 0)
    until(lambda: {"stack_red"} <= lit(world) and "clear" not in lit(world), "the relay drops in the inner zone")
