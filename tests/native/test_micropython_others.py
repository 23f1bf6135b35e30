"""Bends, exertion, ranges, adverts and zones in real MicroPython: the same answers as on CPython, to the bit."""

import json
from array import array
from typing import Any

import numpy as np

from jikimi.sigcore import block
from tests.native import test_micropython
from tests.native.test_bend import bends
from tests.native.test_load import day

device = test_micropython.device

_SCALARS = """
import json, sys
import jikimi.sigcore as core
for line in sys.stdin:
    name, new, pushes = json.loads(line)
    state = getattr(core, name + "_new")(*new)
    print(json.dumps([getattr(core, name + "_push")(state, *args) for args in pushes]))
"""
_BENDS = """
import json
from array import array
import jikimi.sigcore as core
motion, state, out, rows = core.motion_new(100, 2048, 0), core.bend_new(), array("i", [0] * 16), []
with open(FILE, "rb") as file:
    while True:
        samples = file.read(12 * 33)
        if not samples:
            break
        for i in range(core.motion_push(motion, None, state, samples, len(samples) // 12, out)):
            rows.append(list(out[4 * i : 4 * i + 4]))
print(json.dumps([rows, core.bend_bands_ms(state), core.bend_angle_deg(state)]))
"""
_LOADS = """
import json
from array import array
import jikimi.sigcore as core
motion, hip, out, seen = core.motion_new(20, 2048, 0), core.load_new(0), array("i", [0] * 16), []
with open(FILE, "rb") as file:
    while True:
        samples = file.read(12 * 1000)
        if not samples:
            break
        core.motion_push(motion, None, None, samples, len(samples) // 12, out, hip)
        seen.append(core.load_state(hip, None))
heart, exertion = core.load_new(1), core.exertion_new(60, 190)
for i in range(2000):
    core.exertion_push(exertion, i * 2000, 100 + i % 3 if i < 1200 else 140)
    seen.append(core.load_state(heart, exertion))
print(json.dumps(seen))
"""


def jobs() -> list[tuple[str, list[int], list[list[Any]]]]:
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.integers(0, 900, 400)).tolist()
    chips = rng.integers([-11000, -12000, 0, -1000], [-6000, -6000, 200, 66000], (400, 4)).tolist()
    return [
        ("ble", [], [[t, r] for t, r in zip(times, rng.integers(-130, 10, 400).tolist(), strict=True)]),
        ("exertion", [60, 190], [[t, h] for t, h in zip(times, rng.integers(-5, 300, 400).tolist(), strict=True)]),
        ("exertion", [55, 180], [[900 * i, 60 + i // 4] for i in range(400)]),
        ("uwb", [-150], [[r, c] for r, c in zip(rng.integers(0, 90000, 400).tolist(), chips, strict=True)]),
        ("uwb", [], [[5000, None], [-3, None], [5000, [-8000, -9000, 40]]]),
        (
            "zone",
            [5000, 2500, 300, 900],
            [[t, d] for t, d in zip(times, rng.integers(-1, 9000, 400).tolist(), strict=True)],
        ),
    ]


def test_scalar_detectors_answer_the_same_on_both_runtimes(device):
    work = jobs()
    output = test_micropython.micropython(device, _SCALARS, "\n".join(map(json.dumps, work)) + "\n")
    for (name, new, pushes), line in zip(work, output.splitlines(), strict=True):
        state = getattr(block, name + "_new")(*new)
        assert json.loads(line) == json.loads(json.dumps([getattr(block, name + "_push")(state, *p) for p in pushes]))


def test_bends_are_the_same_on_both_runtimes(device):
    raw = np.zeros((len(bends(3, 100)), 6))
    raw[:, :3] = bends(3, 100) * 2048
    samples = np.rint(raw).astype("<i2").tobytes()
    (device / "bends").write_bytes(samples)
    output = test_micropython.micropython(device, _BENDS.replace("FILE", repr(str(device / "bends"))))
    state, out = block.bend_new(), array("i", [0] * 16)
    n = block.motion_push(block.motion_new(100, 2048, 0), None, state, samples, len(raw), out)
    rows = [list(out[4 * i : 4 * i + 4]) for i in range(n)]
    assert json.loads(output) == [rows, list(block.bend_bands_ms(state)), block.bend_angle_deg(state)]
    assert n == 3


def test_the_load_is_judged_the_same_on_both_runtimes(device):
    samples = np.rint(day(20, [0.3, 0.31, 0.3, 0.29, 0.15, 0.15]) @ np.eye(3, 6) * 2048).astype("<i2").tobytes()
    (device / "day").write_bytes(samples)
    output = test_micropython.micropython(device, _LOADS.replace("FILE", repr(str(device / "day"))))
    motion, hip, out, seen = block.motion_new(20, 2048, 0), block.load_new(0), array("i", [0] * 16), []
    for start in range(0, len(samples), 12_000):
        part = samples[start : start + 12_000]
        block.motion_push(motion, None, None, part, len(part) // 12, out, hip)
        seen.append(block.load_state(hip, None))
    assert set(seen) == {-1, 0, 1}
    heart, exertion = block.load_new(1), block.exertion_new(60, 190)
    for i in range(2000):
        block.exertion_push(exertion, i * 2000, 100 + i % 3 if i < 1200 else 140)
        seen.append(block.load_state(heart, exertion))
    assert json.loads(output) == seen
    assert set(seen[-2000:]) == {-1, 0, 1}


def test_separation_and_refusals_are_the_same_on_both_runtimes(device):
    script = """
import jikimi.sigcore as core
print(core.separation_mm(0, 1000, 100, 1000, 0, 100, 0))
uwb = core.uwb_new()
print([core.uwb_track(uwb, i * 100, 9000 - 140 * i + i % 7, (-7980, -8320 - i, 40)) for i in range(50)])
heart = core.exertion_new(60, 190)
print([(core.exertion_push(heart, i * 1000, 187), core.exertion_high(heart)) for i in range(200)][-1])
zone = core.zone_new(5, 2, 0, 0)
for name, args in [
    ("separation_mm", (0, 1000, 100, 0, 0, 0, 0)), ("zone_new", (1, 2, 0, 0)), ("zone_push", (core.ble_new(), 0, 0)),
    ("zone_push", (zone, -1, 0)), ("exertion_new", (60, 80)), ("uwb_new", (5001,)), ("motion_new", (10, 2048, 0)),
    ("uwb_push", (core.uwb_new(), 0, (1, 2))), ("uwb_track", (core.uwb_new(), 0, 0, (1, 2))),
    ("ble_push", (zone, 0, 0)), ("bend_bands_ms", (bytearray(8),)),
]:
    try:
        print("accepted", name, getattr(core, name)(*args))
    except ValueError as error:
        print("refused", error)
"""
    lines = test_micropython.micropython(device, script).splitlines()
    assert lines[0] == str(block.separation_mm(0, 1000, 100, 1000, 0, 100, 0))
    uwb, heart = block.uwb_new(), block.exertion_new(60, 190)
    tracked = [block.uwb_track(uwb, i * 100, 9000 - 140 * i + i % 7, (-7980, -8320 - i, 40)) for i in range(50)]
    pushed = [(block.exertion_push(heart, i * 1000, 187), block.exertion_high(heart)) for i in range(200)]
    assert lines[1:3] == [str(tracked), str(pushed[-1])]
    assert len(lines) == 14
    assert all(line.startswith("refused ") for line in lines[3:]), lines
