"""What the signal core costs: bytes of .mpy, states, objects, stack; instructions on rv32. `--json` for machines."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from jikimi.sigcore._sigcore import ffi

from tools import rv32

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "native"
MPY_BUDGET, STATE_BUDGET, RV32_BUDGET = 24 * 1024, 1024, 600


def state_bytes() -> dict[str, int]:
    """Bytes of every state a caller owns: the structures that have an `_init` or `_push` of their name."""
    headers = "\n".join(path.read_text(encoding="utf-8") for path in (NATIVE / "include").glob("*.h"))
    names = sorted(set(re.findall(r"\bint\w* (sig_\w+)_init\((sig_\w+_t) \*", headers)))
    return {name: ffi.sizeof(type_name) for name, type_name in names}


def object_bytes() -> dict[str, dict[str, int]]:
    """Code and constants of every object, compiled for this machine as the .mpy is."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted((NATIVE / "src").glob("*.c")):
            target = Path(folder) / (source.stem + ".o")
            include = [f"-I{NATIVE / 'include'}", f"-I{NATIVE / 'src'}"]
            subprocess.run(["gcc", "-std=c99", "-Os", "-fpic", *include, "-c", source, "-o", target], check=True)
            listing = subprocess.run(["size", "-A", target], check=True, capture_output=True, text=True).stdout
            found[source.stem] = {"code": _section(listing, ".text"), "constants": _section(listing, ".rodata")}
    return found


def _section(listing: str, name: str) -> int:
    return sum(int(size) for size in re.findall(rf"^{re.escape(name)}\S* +(\d+)", listing, re.MULTILINE))


def mpy_bytes() -> dict[str, int]:
    """Bytes of every native module that was built."""
    folder = NATIVE / "jikimi" / "sigcore" / "mpy"
    return {path.name: path.stat().st_size for path in sorted(folder.glob("*.mpy"))}


def stack_bytes() -> dict[str, int]:
    """Largest stack frame of a function, per source file (callers add up), compiled for this machine."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted((NATIVE / "src").glob("*.c")):
            target = Path(folder) / (source.stem + ".o")
            include = [f"-I{NATIVE / 'include'}", f"-I{NATIVE / 'src'}"]
            command = [
                "gcc",
                "-std=c99",
                "-Os",
                "-fpic",
                "-fstack-usage",
                *include,
                "-c",
                str(source),
                "-o",
                str(target),
            ]
            subprocess.run(command, check=True)
            lines = target.with_suffix(".su").read_text(encoding="utf-8").splitlines()
            found[source.stem] = max(int(line.split("\t")[1]) for line in lines)
    return found


def instructions() -> dict[str, float]:
    """Instructions on rv32: per sample of ten minutes' walking at 100 Hz, and per decision."""
    t = np.arange(60_000) / 100
    raw = np.random.default_rng(7).normal(0, 8, (len(t), 6))
    raw[:, 1] -= 256 + 77 * np.sin(11 * t)
    raw[(t % 20) < 0.05, 0] += 750
    done = rv32.run(raw.clip(-32768, 32767).astype("<i2"), rv32.Chip(100))
    whole = {name: count for name, count in done.cost.items() if name.startswith("decision")}
    shares = {name: round(count / done.samples, 1) for name, count in done.cost.items() if name not in whole}
    return {**shares, "all": round(sum(shares.values()), 1), **whole}


def _print_counts(counts: dict[str, float], sentence: str | None) -> None:
    print(
        sentence or f"{'rv32 instructions':<28}{'count':>8}   a sample at 100 Hz (budget {RV32_BUDGET}), or a decision"
    )
    for name, count in counts.items():
        print(f"{name:<28}{count:>8}")


def main() -> int:
    """Print the table; exit code 1 when a budget is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    modules, states, objects, stack = mpy_bytes(), state_bytes(), object_bytes(), stack_bytes()
    sentence = rv32.missing()
    counts = {} if sentence else instructions()
    if args.json:
        print(json.dumps({"mpy": modules, "state": states, "object": objects, "stack": stack, "rv32": counts}))
    else:
        for name, size in modules.items():
            print(f"{name:<28}{size:>8} bytes of {MPY_BUDGET}")
        for name, size in states.items():
            print(f"{name + ' state':<28}{size:>8} bytes of {STATE_BUDGET}")
        print(f"{'object (gcc -Os, here)':<28}{'code':>8}{'constants':>11}{'stack':>8}")
        for name, part in objects.items():
            print(f"{name:<28}{part['code']:>8}{part['constants']:>11}{stack[name]:>8}")
        _print_counts(counts, sentence)
    broken = any(size > MPY_BUDGET for size in modules.values()) or any(size > STATE_BUDGET for size in states.values())
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
