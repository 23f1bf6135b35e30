"""What the signal core costs, beside what it cost when the table was last written.

    python -m tools.sizes [--json | --write]

Bytes of .mpy, states and stack; instructions on rv32, a sample and a decision. The table is native/sizes.json; with
`--write` its goals are also a section of native/MODEL_CARD.md.
"""

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

from tools import card, module_sizes, rv32, stack
from tools.build_mpy import SIZE

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "native"
WRITTEN = NATIVE / "sizes.json"
MPY_BUDGET, STATE_BUDGET, STACK_BUDGET, RV32_BUDGET = 24 * 1024, 1024, 2048, 600
# What a user of the core calls for every sample, reading or advert.
_ENTRIES = ("_init", "_push", "_mm")
_HERE = ["gcc", "-std=c99", "-fpic", *SIZE]

Table = dict[str, float]


def state_bytes() -> Table:
    """Bytes of every state a caller owns: the structures that have an `_init` of their name."""
    headers = "\n".join(path.read_text(encoding="utf-8") for path in (NATIVE / "include").glob("*.h"))
    names = sorted(set(re.findall(r"\bint\w* (sig_\w+)_init\((sig_\w+_t) \*", headers)))
    return {name: ffi.sizeof(type_name) for name, type_name in names}


def object_bytes() -> Table:
    """Code and constants of every source file on its own, compiled for this machine as small as the .mpy is."""
    found: Table = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted((NATIVE / "src").glob("*.c")):
            target = Path(folder) / (source.stem + ".o")
            include = [f"-I{NATIVE / 'include'}", f"-I{NATIVE / 'src'}"]
            subprocess.run([*_HERE, "-fno-lto", *include, "-c", source, "-o", target], check=True)
            listing = subprocess.run(["size", "-A", target], check=True, capture_output=True, text=True).stdout
            found[source.stem] = sum(
                int(size) for size in re.findall(r"^\.(?:text|rodata)\S* +(\d+)", listing, re.MULTILINE)
            )
    return found


def mpy_bytes() -> Table:
    """Bytes of every native module that was built."""
    folder = NATIVE / "jikimi" / "sigcore" / "mpy"
    return {path.name: path.stat().st_size for path in sorted(folder.glob("*.mpy"))}


def stack_bytes() -> Table:
    """Largest stack of what a user calls, with everything below it: on rv32 when that compiler is here, else here."""
    found = stack.worst(_HERE if rv32.missing() else rv32.core_compiler())
    return {name: size for name, size in found.items() if name.endswith(_ENTRIES)}


def motion() -> rv32.Raw:
    """Ten minutes of walking with a jolt every 20 s at 100 Hz, in counts of SisFall's chips."""
    t = np.arange(60_000) / 100
    raw = np.random.default_rng(7).normal(0, 8, (len(t), 6))
    raw[:, 1] -= 256 + 77 * np.sin(11 * t)
    raw[(t % 20) < 0.05, 0] += 750
    return raw.clip(-32768, 32767).astype("<i2")


def scalar_jobs() -> list[rv32.Job]:
    """Ten minutes of one machine's adverts and ranges at 10 Hz and of heart rate at 1 Hz."""
    rng = np.random.default_rng(7)
    at = range(0, 600_000, 100)
    distance = (4000 + 3000 * np.sin(np.arange(6000) / 40)).astype(int).tolist()
    chip = rng.integers([-9500, -10500, 30, 47000], [-7500, -7800, 90, 48500], (6000, 4)).tolist()
    heart = (100 + 40 * np.sin(np.arange(600) / 60) + rng.normal(0, 2, 600)).astype(int).tolist()
    return [
        ("ble", [], [[t, r] for t, r in zip(at, rng.integers(-75, -55, 6000).tolist(), strict=True)]),
        ("uwb", [0], [[d, c] for d, c in zip(distance, chip, strict=True)]),
        ("zone", [5000, 2500, 500, 1000], [[t, d] for t, d in zip(at, distance, strict=True)]),
        ("exertion", [60, 190], [[1000 * i, bpm] for i, bpm in enumerate(heart)]),
    ]


def instructions() -> tuple[Table, Table]:
    """Instructions on rv32: a sample at 100 Hz by part and in all, and one decision or push."""
    done = rv32.run(motion(), rv32.Chip(100))
    whole: Table = {name: count for name, count in done.cost.items() if name.startswith("decision")}
    shares: Table = {name: round(n / done.samples, 1) for name, n in done.cost.items() if name not in whole}
    jobs = scalar_jobs()
    _, counts = rv32.answers(jobs)
    for (name, _, pushes), count in zip(jobs, counts, strict=True):
        shares[name] = round(count / done.samples, 1)
        whole[f"push_{name}"] = round(count / len(pushes), 1)
    return {**shares, "all": round(sum(shares.values()), 1)}, whole


def measure() -> dict[str, Table]:
    """Everything, by part of the table."""
    tables = {"mpy": mpy_bytes(), "state": state_bytes(), "stack": stack_bytes(), "object": object_bytes()}
    if not rv32.missing():
        tables["rv32 a sample"], tables["rv32 a call"] = instructions()
    return tables


def over_budget(tables: dict[str, Table]) -> list[str]:
    """A sentence for every figure beyond its budget."""
    limits = [(tables["mpy"], MPY_BUDGET), (tables["state"], STATE_BUDGET), (tables["stack"], STACK_BUDGET)]
    sample = tables.get("rv32 a sample", {})
    limits.append(({"all": sample["all"]} if sample else {}, RV32_BUDGET))
    return [
        f"{name}: {figure:g} of {limit}" for table, limit in limits for name, figure in table.items() if figure > limit
    ]


def lines(tables: dict[str, Table], before: dict[str, Table]) -> list[str]:
    """The table in print: figure, and how it differs from the one written."""
    text = []
    for part, table in tables.items():
        old = before.get(part, {})
        text.append(f"{part:<32}{'now':>10}{'before':>10}{'':>10}")
        for name in [*table, *(name for name in old if name not in table)]:
            now, then = table.get(name), old.get(name)
            figures = [f"{'–' if x is None else format(x, 'g'):>10}" for x in (now, then)]
            change = f"{now - then:>+10.4g}" if now is not None and then is not None and now != then else ""
            text.append(f"  {name:<30}{''.join(figures)}{change}")
    return text


def card_body(tables: dict[str, Table]) -> str:
    """The section of the model card: the budgets, and the largest figure of each."""
    largest = {part: max(tables[part].items(), key=lambda pair: pair[1]) for part in ("mpy", "state", "stack")}
    named = {part: f"{size:g} ({name})" for part, (name, size) in largest.items()}
    goals = card.goals([
        ("rv32 instructions a sample at 100 Hz, all detectors", f"<= {RV32_BUDGET}", "none",
         f"{tables['rv32 a sample']['all']:g}"),
        ("largest state (bytes)", f"<= {STATE_BUDGET}", "none", named["state"]),
        ("native module (bytes)", f"<= {MPY_BUDGET}", "none", named["mpy"]),
        ("deepest stack below a call (bytes)", f"<= {STACK_BUDGET}", "none", named["stack"]),
    ])  # fmt: skip
    return f"## Cost\n\n`make sizes`; parts in native/sizes.json, other people's trees in BENCHMARKS.md.\n\n{goals}"


def main() -> int:
    """Print the table; exit code 1 when a budget is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="only the figures")
    parser.add_argument("--write", action="store_true", help=f"make them the table in {WRITTEN.relative_to(ROOT)}")
    args = parser.parse_args()
    tables = measure()
    before = json.loads(WRITTEN.read_text(encoding="utf-8")) if WRITTEN.exists() else {}
    broken = over_budget(tables)
    if args.json:
        print(json.dumps({**tables, "modules": module_sizes.module_bytes()}))
    else:
        print("\n".join([*module_sizes.lines(module_sizes.module_bytes()), *lines(tables, before)]))
    if sentence := rv32.missing():
        print(sentence, file=sys.stderr)
    elif args.write:
        WRITTEN.write_text(json.dumps(tables, indent=1) + "\n", encoding="utf-8")
        card.write("cost", "sizes", card_body(tables))
    print(*(f"over budget: {line}" for line in broken), sep="\n", file=sys.stderr, end="\n" if broken else "")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
