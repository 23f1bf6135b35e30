"""The signal core on a 32-bit RISC-V processor (an ESP32-C3's instruction set), compiled by gcc and run in qemu.

Events for comparison with the other platforms, and exact instruction counts (`minstret`), the same every time.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.build_mpy import SIZE, small

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "native"
PACKAGES = "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc"
_CC, _QEMU = "riscv64-unknown-elf-gcc", "qemu-system-riscv32"
_CPU = ["-misa-spec=2.2", "-march=rv32imac", "-mabi=ilp32"]
_TARGET = ["--specs=picolibc.specs", *_CPU, "-std=gnu99", "-Os"]
_MEMORY = {"__flash": 0x80000000, "__flash_size": 0x200000, "__ram": 0x80200000, "__ram_size": 0x200000}
_MACHINE = ["-M", "virt", "-cpu", "rv32", "-bios", "none", "-nographic", "-icount", "shift=0"]
_SEMIHOSTING = ["-semihosting-config", "enable=on,target=native"]
_LONGEST = 120_000  # samples that fit beside the program

DETECTORS = ("ble", "exertion", "uwb", "zone", "separation_mm", "uwb_track", "exertion_high", "load_hip", "load_heart")

Raw = NDArray[np.int16]  # (n, 6) counts
Event = tuple[int, int, int, int]
Job = tuple[str, list[int], list[list[Any]]]  # detector, settings, pushes


class Rv32Error(Exception):
    """The program cannot be built or run; the text says why."""


@dataclass(frozen=True)
class Chip:
    """What the samples come from: rate in Hz, placement 0 waist or 1 wrist, counts per g and per 100 deg/s."""

    rate_hz: int
    placement: int = 0
    acc_lsb: int = 256
    gyro_lsb_x100: int = 1638
    no_motion_s: int = 0


@dataclass(frozen=True)
class Run:
    """What the core said: events by detector, rows (kind, t_ms, confidence, data), and instructions by part."""

    samples: int
    events: dict[str, list[Event]]
    cost: dict[str, int]


def missing() -> str | None:
    """A sentence when the tools are not there, else None."""
    specs = None
    if shutil.which(_CC) and shutil.which(_QEMU):
        specs = subprocess.run([_CC, "-print-file-name=picolibc.specs"], capture_output=True, text=True, check=True)
    if specs is None or not Path(specs.stdout.strip()).is_absolute():
        return f"no rv32 tools: apt-get install {PACKAGES}"
    return None


def compiler() -> list[str]:
    """Command and flags that compile a program with a library for it."""
    return [_CC, *_TARGET]


def core_compiler() -> list[str]:
    """The same for the core, which needs no library, as the native module is compiled."""
    return [_CC, *_CPU, "-std=c99", "-ffreestanding", *SIZE]


def _call(command: list[str], seconds: int) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise Rv32Error(f"{command[0]} was not done after {seconds} s") from None
    if done.returncode != 0:
        raise Rv32Error(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr  # qemu's semihosted console is its stderr


def _compile(folder: Path, main: str, symbol: str, settings: Mapping[str, int]) -> Path:
    """An image of `main` with data.bin built in as `symbol`."""
    (folder / "data.S").write_text(
        f'.section .rodata\n.balign 4\n.global {symbol}, {symbol}_end\n{symbol}:\n.incbin "data.bin"\n{symbol}_end:\n',
        encoding="ascii",
    )
    sources, include = sorted((NATIVE / "src").glob("*.c")), [f"-I{NATIVE / 'include'}", f"-I{NATIVE / 'src'}"]
    for source in sources:
        _call(
            [*core_compiler(), *small(source), *include, "-c", str(source), "-o", str(folder / f"{source.stem}.o")], 120
        )
    objects = [folder / f"{source.stem}.o" for source in sources]
    command = [_CC, *_TARGET, "--oslib=semihost", "--crt0=hosted", *include]
    command += [f"-I{folder}", f"-Wa,-I{folder}", *(f"-D{name}={value}" for name, value in settings.items())]
    command += [f"-Wl,--defsym={name}={value:#x}" for name, value in _MEMORY.items()]
    image = folder / "core.elf"
    program = [ROOT / "tools" / main, folder / "data.S", *objects]
    _call([*command, *map(str, program), "-o", str(image)], 120)
    return image


def _output(
    main: str, symbol: str, data: bytes, settings: Mapping[str, int], headers: Mapping[str, str] | None = None
) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for header, text in (headers or {}).items():
            (folder / header).write_text(text, encoding="utf-8")
        (folder / "data.bin").write_bytes(data)
        image = _compile(folder, main, symbol, settings)
        return _call([_QEMU, *_MACHINE, *_SEMIHOSTING, "-kernel", str(image)], 300)


def run(raw: Raw, chip: Chip) -> Run:
    """Push `raw` (n, 6) counts through fall and bend, with a radio and a heart-rate sensor's worth of the others."""
    if len(raw) > _LONGEST:
        raise Rv32Error(f"{len(raw)} samples do not fit beside the program; at most {_LONGEST}")
    settings = {
        "RATE_CENTIHZ": chip.rate_hz * 100,
        "PLACEMENT": chip.placement,
        "ACC_LSB": chip.acc_lsb,
        "GYRO_LSB_X100": chip.gyro_lsb_x100,
        "NO_MOTION_S": chip.no_motion_s,
    }
    return _parsed(_output("rv32_main.c", "samples", np.ascontiguousarray(raw, dtype="<i2").tobytes(), settings))


def answers(jobs: Sequence[Job]) -> tuple[list[list[tuple[int, ...]]], list[int]]:
    """What the detectors without samples say to every push of every job, and the instructions of each job's pushes.

    Names are those of DETECTORS; numbers are those of the block API, with None as zeros and a chip's numbers after 1.
    No settings are one setting of 0.
    """
    words: list[int] = []
    for name, new, pushes in jobs:
        flat, chosen = [_flat(push) for push in pushes], new or [0]
        words += [DETECTORS.index(name), len(chosen), *chosen, len(flat), len(flat[0])]
        words += [number for push in flat for number in push]
    text = _output("rv32_jobs.c", "script", np.array(words, dtype="<i4").tobytes(), {})
    if not re.search(r"^done", text, re.MULTILINE) or re.search(r"^job -", text, re.MULTILINE):
        raise Rv32Error(f"the program ended early or refused a setting:\n{text[-500:]}")
    found = [
        [tuple(map(int, line.split())) for line in re.findall(r"^answer (.*?)\r?$", part, re.MULTILINE)]
        for part in re.split(r"^job 0", text, flags=re.MULTILINE)[1:]
    ]
    return found, [int(count) for count in re.findall(r"^count (\d+)", text, re.MULTILINE)]


def cost(main: str, symbol: str, data: bytes, headers: Mapping[str, str]) -> dict[str, int]:
    """What the program tools/`main`, with `data` built in as `symbol` and generated `headers`, counts by part."""
    return _parsed(_output(main, symbol, data, {}, headers)).cost


def _flat(push: Sequence[Any]) -> list[int]:
    numbers: list[int] = []
    for value in push:
        if value is None:
            numbers += [0] * 5
        elif isinstance(value, int):
            numbers.append(value)
        else:
            numbers += [1, *value, *[0] * (4 - len(value))]
    return numbers


def _parsed(text: str) -> Run:
    done = re.search(r"^done (\d+)", text, re.MULTILINE)
    if done is None:
        raise Rv32Error(f"the program ended early:\n{text[-500:]}")
    events: dict[str, list[Event]] = {"none": [], "fall": [], "bend": [], "both": []}
    for detector, *row in re.findall(r"^event (\w+) (-?\d+) (-?\d+) (-?\d+) (-?\d+)", text, re.MULTILINE):
        kind, t_ms, confidence, data = map(int, row)
        events[detector].append((kind, t_ms, confidence, data))
    cost = {part: int(count) for part, count in re.findall(r"^cost (\w+) (\d+)", text, re.MULTILINE)}
    return Run(int(done[1]), events, cost)
