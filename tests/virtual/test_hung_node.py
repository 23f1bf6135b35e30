# mypy: allow-untyped-calls
"""A node's program hangs while all is clear: what its pins then ask of the machine, on both Pythons."""

from __future__ import annotations

import itertools
import json
import sys

import pytest

from jikimi.fleet.virtual import image
from tests.virtual.conftest import PATIENCE_S, until

BUSY, IN_C = "busy", "in C code"
HANG_S = 2.5
MONOSTABLE_S = 1.0  # what comes after the pin lets go when it has heard no edge for so long
SCRIPT = """
import asyncio, json, os, time
from jikimi.edge.port import port
from jikimi.edge.hardware import Hardware
from jikimi.wire.settings import check
here = port()
signs = Hardware(check(json.loads('''{config}''')), here).warner()
async def watch():
    while True:
        signs.alive()
        if "hang" in os.listdir("."):
            {hang}
        await here.sleep_ms(40)
async def main():
    asyncio.create_task(watch())
    print("ready")
    await signs.run(here.sleep_ms, lambda: None)
asyncio.run(main())
"""
HANGS = {
    BUSY: "while 'go on' not in os.listdir('.'): pass",
    IN_C: f"os.remove('hang'); time.sleep({HANG_S}); print('over')",
}


def config(signal):
    machine = {"kind": "forklift", "name": "F", "warn_mm": 3000, "danger_mm": 1500, **signal}
    return {
        "version": 1, "site": "s", "device": "d", "kind": "node", "broker": {"host": "h", "port": 1}, "machine": machine
    }  # fmt: skip


@pytest.fixture(params=["micropython", "cpython"])
def start(request, boards):
    """`start(hang, slow_signal=…)` starts a node, with the usual signal unless told; the folder of its flash."""

    def started(hang, **signal):
        script = SCRIPT.replace("{config}", json.dumps(config(signal))).replace("{hang}", HANGS[hang])
        flash = boards.folder / "node"
        image.write_image(image.application(), flash)
        path = flash / "main.py"
        if request.param == "cpython":
            path.write_text(script)
            board = boards.add("node", command=[sys.executable, str(path)])
        else:
            board = boards.add("node", {"main.py": script})
        board.wait_for("^ready", PATIENCE_S)
        return flash, board

    return started


def clear(world):
    """(time, level) of each change of the relay's output."""
    return [(output.t_s, output.level) for output in world.outputs("node") if output.name == "clear"]


def lit(world):
    last = {}
    for output in world.outputs("node"):
        last[output.name] = output.level
    return {name for name, level in last.items() if level}


def test_a_program_that_is_busy_for_ever_loses_the_relay_and_shows_that_nobody_watches(start, boards):
    flash, _board = start(BUSY, slow_signal="level")
    world = boards.world
    until(lambda: lit(world) == {"stack_green", "clear"}, "all clear")
    (flash / "hang").touch()
    until(lambda: lit(world) == {"stack_red", "stack_amber"}, "the relay dropped, red and amber")
    (flash / "hang").unlink()
    (flash / "go on").touch()
    until(lambda: lit(world) == {"stack_green", "clear"}, "all clear again")


@pytest.mark.parametrize("hang", [BUSY, IN_C])
def test_no_edge_comes_from_a_program_that_hangs_wherever_it_hangs(start, boards, hang):
    flash, board = start(hang)
    world = boards.world
    until(lambda: len(clear(world)) > 10, "pulses")
    (flash / "hang").touch()
    if hang == IN_C:
        board.wait_for("^over", PATIENCE_S)
    else:
        until(lambda: lit(world) == {"stack_red", "stack_amber"}, "red and amber")
        before, after_s = clear(world), world.now()
        until(lambda: world.now() > after_s + MONOSTABLE_S + 0.5, "a while")
        assert clear(world) == before
        (flash / "hang").unlink()
        (flash / "go on").touch()
    seen = len(clear(world))
    until(lambda: len(clear(world)) > seen + 4, "pulses again")
    times = [t_s for t_s, _level in clear(world)]
    assert max(after - before for before, after in itertools.pairwise(times)) > MONOSTABLE_S
