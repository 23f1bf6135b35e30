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
    bench_growth,
    bench_ingest,
    bench_latency,
    bench_node_red,
    bench_plain,
    bench_raw,
    bench_wire,
    postgres,
)

_ROOT = Path(__file__).resolve().parent.parent
_DOCUMENT = _ROOT / "BENCHMARKS.md"
_MARK = "<!-- make bench writes below this line -->\n"
_DEVICES = 20
_WAITS = ("committed_and_acknowledged_ms", "alarm_on_page_ms")


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


def latency_rows() -> list[tuple[str, ...]]:
    """How late a message is stored and an alarm on the page, and what a connected tag costs the broker."""
    found = [bench_latency.measure(n_tags, seconds=20, rate=50) for n_tags in (100, 1_000, 5_000)]
    return [
        (
            f"{row['tags']}",
            *(f"{row[what].get(share, '-')}" for what in _WAITS for share in ("p50", "p99")),
            f"{row['broker_kib_per_tag']}",
        )
        for row in found
    ]


def growth_rows(upto: int) -> list[tuple[str, ...]]:
    """What storing a record costs, and what the page's questions take, as the database grows."""
    with tempfile.TemporaryDirectory() as directory:
        found = list(bench_growth.measure(f"sqlite:///{Path(directory) / 'growth.db'}", upto, n_devices=500))
    names = ("last_id_ms", "recent_records_ms", "open_alarms_ms", "near_misses_ms")
    return [(f"{row['records']:,}", f"{row['cpu_us']}", *(f"{row[name]}" for name in names)) for row in found]


def report(runs: int, messages: int, grow: int) -> str:
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
        "## Durable ingest: broker, ingest and SQLite on this machine, mutual TLS, QoS 1\n",
        table(("what", "messages/s", "events/s", "messages, times plain"), ingest_rows(runs, messages)),
        f"{messages} messages from {_DEVICES} connections, medians of {runs} runs in turns; the sender shares the "
        "machine. From the first publish to the last commit; nothing lost, nothing doubled, or the run fails.\n",
        "## Latency and memory with connected tags, SQLite, 50 messages/s\n",
        table(
            ("tags", "stored, p50 ms", "p99", "alarm on page, p50 ms", "p99", "broker, KiB a tag"),
            latency_rows(),
        ),
        "From publish to the acknowledgement that follows the commit; events wait 20 ms for company, alarms do not.\n",
        "## Cost as the database grows, SQLite, 500 devices\n",
        table(
            ("records", "storing one, µs", "newest id, ms", "last 48", "open alarms", "near misses"), growth_rows(grow)
        ),
        "Processor time of the store alone, without decoding; the questions are those of the live page.\n",
    ]
    return "\n".join(parts)


def main() -> int:
    """Print the tables, and with --write keep them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into BENCHMARKS.md")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--grow", type=int, default=1_000_000, help="records in the growing database")
    options = parser.parse_args()
    text = report(options.runs, options.messages, options.grow)
    print(text)
    if options.write:
        head = _DOCUMENT.read_text("utf-8").partition(_MARK)[0]
        _DOCUMENT.write_text(f"{head}{_MARK}\n{text}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
