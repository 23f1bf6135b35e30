"""What byte code costs a device's heap beyond its size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jikimi.fleet.virtual import image
from jikimi.fleet.virtual.compiler import compile_module
from jikimi.fleet.virtual.interpreter import build_rom

_MOST_NAMES = 70
# Bytes of a block and of a word of the heap.
_HEAPS = {"chip": (16, 4), "virtual board": (32, 8)}
# Leaves holes of one block, with something large held by the block behind each; loads a module, whose table of names
# comes to lie in such a hole; lets go of all that is large, and counts how many pieces of it stay.
_SCRIPT = f"""
import gc, json

PIECES = 40
BYTES = 4000

def chain(count):
    last = None
    for _ in range(count):
        last = (last,)
    return last

def stage(holes, holders, large):
    for i in range(PIECES):
        holes[i] = (i,)
        holders[i] = (large[i],)

def forget(these):
    for i in range(PIECES):
        these[i] = None

def kept(name):
    holes, holders = [None] * PIECES, [None] * PIECES
    gc.collect()
    before = gc.mem_alloc()
    large = [bytearray(BYTES) for _ in range(PIECES)]
    full.append(chain(600))  # no hole is left but those that follow
    full_bytes = 600 * 32
    stage(holes, holders, large)
    forget(holes)
    forget(large)
    gc.collect()
    __import__(name)
    forget(holders)
    gc.collect()
    return (gc.mem_alloc() - before - full_bytes) // BYTES

full = []
kept("m0")
print(json.dumps([kept("m%d" % count) for count in range(1, {_MOST_NAMES + 1})]))
"""


def test_a_module_without_constants_keeps_nothing_alive_that_lies_behind_it_in_the_heap(tmp_path):
    for count in range(_MOST_NAMES + 1):
        text = "".join(f"n{number} = {number}\n" for number in range(count))
        (tmp_path / f"m{count}.mpy").write_bytes(compile_module(f"m{count}", text))
    micropython = Path(sys.executable).with_name("micropython")
    done = subprocess.run(
        [str(micropython), "-X", "heapsize=8m", "-c", _SCRIPT],
        env=os.environ | {"MICROPYPATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == [0] * _MOST_NAMES


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    while True:
        value = value << 7 | data[at] & 0x7F
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


@pytest.mark.parametrize("heap", _HEAPS)
def test_no_module_of_a_device_has_its_constants_behind_the_end_of_its_memory(tmp_path, heap):
    block, word = _HEAPS[heap]
    build_rom(tmp_path)
    modules = image.application() | {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for path, data in modules.items():
        if path.endswith(".mpy"):
            names, at = _number(data, 4)
            constants, _ = _number(data, at)
            words = (2 * names + word - 1) // word
            assert constants or words * word % block, path
