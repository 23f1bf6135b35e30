"""The sections of `make bench`, each a piece of Markdown, and how much of each is run."""

from __future__ import annotations

import random
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tools import (
    bench_core,
    bench_growth,
    bench_ingest,
    bench_latency,
    bench_node_red,
    bench_plain,
    bench_provision,
    bench_raw,
    bench_release,
    bench_tag,
    bench_trees,
    bench_wire,
    chaos,
    postgres,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_DEVICES: Final = 20
_RATE: Final = 50.0  # messages a second of all tags together
_FAILED: Final = "the chaos run lost or doubled something"


@dataclass(frozen=True)
class Extent:
    """How long, how often and how large the sections that can be shortened are."""

    runs: int = 2  # of each way to store, in turns
    messages: int = 5_000
    tags: tuple[int, ...] = (100, 1_000, 5_000)
    seconds: float = 10.0  # of sending, for each number of tags
    upto: int = 10_000_000  # records of the growing database
    faults: int = 10  # each kind once


QUICK: Final = Extent(runs=1, messages=2_000, tags=(100,), seconds=5.0, upto=100_000, faults=3)
LONG: Final = Extent(runs=5, messages=20_000, seconds=60.0, faults=200)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _wire(_extent: Extent) -> list[str]:
    return [
        "## Bytes of one near miss on the air\n",
        table(("format", "alone", "each in a batch of 20"), list(bench_wire.measure())),
        "Every event with another tag's id, which is the worst case for us (ids do not compress).\n",
    ]


def _core(_extent: Extent) -> list[str]:
    return [
        "## Fall detection, one sample\n",
        table(("what", "ns", "times ours"), list(bench_core.measure())),
        "Both in blocks of 16 samples at 104 Hz, ten minutes of generated walking with jolts.\n",
    ]


def _trees(_extent: Extent) -> list[str]:
    if not bench_trees.available():
        return []
    return [
        "## One decision on rv32\n",
        table(bench_trees.HEAD, list(bench_trees.measure())),
        "rv32imac, gcc -Os, 2000 rows of random features; ours gives log odds, emlearn's forest a class by votes.\n",
    ]


def _tag(_extent: Extent) -> list[str]:
    return [
        "## A whole tag on a virtual board, for a minute\n",
        table(("wearer", "warning p50, ms", "p99", "least heap free, bytes", "bytes an hour"), bench_tag.measure()),
        "Bytes of MQTT both ways, without TLS and TCP, the records of the start included; the heap is 256 KiB besides "
        "what the emulation takes.\n",
    ]


def _ingest(extent: Extent) -> list[str]:
    return [
        "## Durable ingest: broker, ingest and SQLite on this machine, mutual TLS, QoS 1\n",
        table(
            ("what", "messages/s", "events/s", "messages, times plain", "ingest, µs of processor a message"),
            ingest_rows(extent.runs, extent.messages),
        ),
        f"{extent.messages} messages from {_DEVICES} connections, medians of {extent.runs} runs in turns; the sender "
        "shares the machine. From the first publish to the last commit; nothing lost, nothing doubled, or the run "
        "fails.\n",
    ]


def ingest_rows(runs: int, messages: int) -> list[tuple[str, ...]]:
    """Durable messages and events a second, ours and what else one would use, in turns."""
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
    return [_ingest_row(name, found, messages, plain) for (name, _m, _b), found in zip(ways, results, strict=True)]


def _ingest_row(name: str, found: list[dict[str, Any]], n_messages: int, plain: float) -> tuple[str, ...]:
    messages = statistics.median(result["messages_per_s"] for result in found)
    events = statistics.median(result["events_per_s"] for result in found)
    cpu_s = [result["ingest_cpu_s"] for result in found if "ingest_cpu_s" in result]
    each = f"{1e6 * statistics.median(cpu_s) / n_messages:.0f}" if cpu_s else "-"
    return (name, f"{messages:.0f}", f"{events:.0f}", f"{messages / plain:.1f}", each)


def _latency(extent: Extent) -> list[str]:
    rows = [bench_latency.row(bench_latency.measure(n_tags, extent.seconds, _RATE)) for n_tags in extent.tags]
    return [
        "## How late things are, and memory, by connected tags\n",
        table(bench_latency.HEAD, rows),
        f"ms from the tag's sending; {_RATE:.0f} messages a second of all tags together for {extent.seconds:.0f} s, "
        "one in ten an alarm; SQLite, mutual TLS; sender, broker, ingest and page share the machine.\n",
    ]


def _growth(extent: Extent) -> list[str]:
    return [
        "## While the database grows\n",
        table(bench_growth.HEAD, bench_growth.rows(extent.upto)),
        "SQLite, batches of 500 messages of 20 records from 500 devices; the page's questions are the sum of five, "
        "each a median of 20.\n",
    ]


def _chaos(extent: Extent) -> list[str]:
    seed = random.randrange(2**32)
    with tempfile.TemporaryDirectory(prefix="jk-chaos-") as directory:
        report, came = chaos.chaos(
            Path(directory), seed, extent.faults, 1, with_postgres=False, say=lambda _line: None
        )  # fmt: skip
    assert (report.lost, report.duplicates) == (0, 0), f"{_FAILED}: seed {seed}"
    wait = report.commit_latency_ms
    row = (
        f"{sum(came.values())} of {len(came)} kinds", str(report.lost), str(report.duplicates), str(report.resent),
        str(report.reconnected), f"{wait['p50']:.0f}", f"{wait['p99']:.0f}",
    )  # fmt: skip
    head = ("faults", "lost", "doubled", "sent again", "reconnections", "stored p50, ms", "p99, ms")
    return [
        "## Chaos\n",
        table(head, [row]),
        f"`python -m tools.chaos --seed {seed} --faults {extent.faults}`, held against the ledger of the tags; the "
        "faults' own seconds are in the times.\n",
    ]


def _provision(_extent: Extent) -> list[str]:
    return [
        "## From a blank virtual board to a tested device\n",
        table(bench_provision.HEAD, bench_provision.measure()),
        "Application, key, certificate, settings, test of each part, over the raw REPL; boards and host share the "
        "cores.\n",
    ]


def _release(_extent: Extent) -> list[str]:
    return [
        "## Updates of devices\n",
        table(("what", "time", "how much"), list(bench_release.measure())),
        "A docked virtual tag over mutual TLS, from the approval of a rollout to the confirmed release: its parts are "
        "tried, it restarts, fetches, checks, restarts, and passes its health gate.\n",
    ]


SECTIONS: Final[dict[str, Callable[[Extent], list[str]]]] = {
    "wire": _wire,
    "core": _core,
    "trees": _trees,
    "tag": _tag,
    "ingest": _ingest,
    "latency": _latency,
    "growth": _growth,
    "chaos": _chaos,
    "provision": _provision,
    "release": _release,
}
