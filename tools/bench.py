"""`make bench`: the product beside what else one would use, in one run; `--write` puts the tables into BENCHMARKS.md.

The run of the document is made for ten minutes: all sections, 100 to 5,000 tags, the database up to 10^7 records, each
kind of fault once. `--long` is made for an hour: more turns, more messages, 200 faults. `--quick` is for trying;
`--only NAME…` leaves the other sections out. Timings depend on the machine and on what else it does. Ratios are
medians of runs side by side.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tools.bench_sections import LONG, QUICK, SECTIONS, Extent

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT = Path(__file__).resolve().parent.parent
_DOCUMENT = _ROOT / "BENCHMARKS.md"
_MARK = "<!-- make bench writes below this line -->\n"


def report(extent: Extent, names: Sequence[str]) -> str:
    """The tables of the named sections as Markdown, in the order of `SECTIONS`."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=_ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    where = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    parts = [f"Commit {commit}, {where}; load average before the run {os.getloadavg()[0]:.1f}.\n"]
    took_s: dict[str, float] = {}
    for name, section in SECTIONS.items():
        if name in names:
            start_s = time.monotonic()
            parts += section(extent)
            took_s[name] = time.monotonic() - start_s
            print(f"{name}: {took_s[name]:.0f} s", file=sys.stderr, flush=True)
    each = ", ".join(f"{name} {seconds:.0f}" for name, seconds in took_s.items())
    parts.append(f"The run took {sum(took_s.values()):.0f} s: {each}.\n")
    return "\n".join(parts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into BENCHMARKS.md")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=SECTIONS, help=", ".join(SECTIONS))
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small, to see that it works")
    size.add_argument("--long", action="store_true", help="large, for an hour")
    parser.add_argument("--runs", type=int, help="of each way to store")
    parser.add_argument("--messages", type=int, help="of each such run")
    return parser


def main() -> int:
    """Print the tables, and with --write keep them."""
    parser = _parser()
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write needs all sections: it would take the others out of the document")
    extent = QUICK if options.quick else LONG if options.long else Extent()
    chosen = {name: value for name in ("runs", "messages") if (value := getattr(options, name)) is not None}
    text = report(replace(extent, **chosen), options.only or list(SECTIONS))
    print(text)
    if options.write:
        head = _DOCUMENT.read_text("utf-8").partition(_MARK)[0]
        _DOCUMENT.write_text(f"{head}{_MARK}\n{text}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
