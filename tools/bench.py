"""`make bench`: the product beside what else one would use, in one run; `--write` puts the tables into BENCHMARKS.md.

Timings depend on the machine and on what else it does. Ratios are medians of runs side by side.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools import (
    bench_core,
    bench_ingest,
    bench_node_red,
    bench_plain,
    bench_provision,
    bench_raw,
    bench_release,
    bench_tag,
    bench_trees,
    bench_wire,
    postgres,
)

_ROOT = Path(__file__).resolve().parent.parent
_DOCUMENT = _ROOT / "BENCHMARKS.md"
_MARK = "<!-- make bench writes below this line -->\n"
_DEVICES = 20


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def ingest_rows(runs: int, messages: int) -> list[tuple[str, ...]]:
    """Durable messages and events a second, ours and the plain script in turns."""
    ways: list[tuple[str, Any, int]] = [
        ("jikimi, SQLite, 20 events a message", bench_ingest.measure, 20),
        ("jikimi, SQLite, 1 event a message", bench_ingest.measure, 1),
    ]
    if postgres.binaries() is not None:
        ways += [
            ("jikimi, PostgreSQL, 20 events a message", bench_ingest.measure_postgresql, 20),
            ("jikimi, PostgreSQL, 1 event a message", bench_ingest.measure_postgresql, 1),
        ]
    if bench_raw.available():
        ways.append(("mosquitto_sub writing raw payloads to a file", bench_raw.measure, 1))
    if bench_node_red.available():
        ways.append(("Node-RED with its SQLite node, payload not decoded", bench_node_red.measure, 1))
    ways.append(("paho + SQLite, one commit a message, payload not decoded", bench_plain.measure, 1))
    results: list[list[dict[str, Any]]] = [[] for _ in ways]
    for _ in range(runs):
        for (_name, measure, batch), into in zip(ways, results, strict=True):
            with tempfile.TemporaryDirectory() as directory:
                into.append(measure(Path(directory), messages, batch, _DEVICES))
    plain = statistics.median(result["messages_per_s"] for result in results[-1])
    return [_ingest_row(name, found, plain) for (name, _m, _b), found in zip(ways, results, strict=True)]


def _ingest_row(name: str, found: list[dict[str, Any]], plain: float) -> tuple[str, ...]:
    messages = statistics.median(result["messages_per_s"] for result in found)
    events = statistics.median(result["events_per_s"] for result in found)
    return (name, f"{messages:.0f}", f"{events:.0f}", f"{messages / plain:.1f}")


def _trees() -> list[str]:
    if not bench_trees.available():
        return []
    return [
        "## One decision by trees on rv32\n",
        table(bench_trees.HEAD, list(bench_trees.measure())),
        "rv32imac, gcc -Os, 2000 rows of random features; ours gives log odds, emlearn's forest a class by votes.\n",
    ]


def report(runs: int, messages: int) -> str:
    """All tables as Markdown."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=_ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    where = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    parts = [
        f"Commit {commit}, {where}; load average before the run {os.getloadavg()[0]:.1f}.\n",
        "## Bytes of one near miss on the air\n",
        table(("format", "alone", "each in a batch of 20"), list(bench_wire.measure())),
        "Every event with another tag's id, which is the worst case for us (ids do not compress).\n",
        "## Fall detection, one sample\n",
        table(("what", "ns", "times ours"), list(bench_core.measure())),
        "Both in blocks of 16 samples at 104 Hz, ten minutes of generated walking with jolts.\n",
        *_trees(),
        "## A whole tag on a virtual board, for a minute\n",
        table(("wearer", "warning p50, ms", "p99", "least heap free, bytes", "bytes an hour"), bench_tag.measure()),
        "Bytes of MQTT both ways, without TLS and TCP, the records of the start included; the heap is 256 KiB besides "
        "what the emulation takes.\n",
        "## Durable ingest: broker, ingest and SQLite on this machine, mutual TLS, QoS 1\n",
        table(("what", "messages/s", "events/s", "messages, times plain"), ingest_rows(runs, messages)),
        f"{messages} messages from {_DEVICES} connections, medians of {runs} runs in turns; the sender shares the "
        "machine. From the first publish to the last commit; nothing lost, nothing doubled, or the run fails.\n",
        "## From a blank virtual board to a tested device\n",
        table(bench_provision.HEAD, bench_provision.measure()),
        "Application, key, certificate, settings, test of each part, over the raw REPL; boards and host share the "
        "cores.\n",
    ]
    parts += [
        "## Updates of devices\n",
        table(("what", "time", "how much"), list(bench_release.measure())),
        "A docked virtual tag over mutual TLS, from the approval of a rollout to the confirmed release: its parts are "
        "tried, it restarts, fetches, checks, restarts, and passes its health gate.\n",
    ]
    return "\n".join(parts)


def main() -> int:
    """Print the tables, and with --write keep them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into BENCHMARKS.md")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--messages", type=int, default=6_000)
    options = parser.parse_args()
    text = report(options.runs, options.messages)
    print(text)
    if options.write:
        head = _DOCUMENT.read_text("utf-8").partition(_MARK)[0]
        _DOCUMENT.write_text(f"{head}{_MARK}\n{text}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
