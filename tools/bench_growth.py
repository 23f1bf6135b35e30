"""What storing and looking cost while a database grows: processor time, size, and what the page asks.

    python -m tools.bench_growth [--upto 1000000] [--devices 500] [--postgresql]

Records go in by the store alone, as ingest hands them over: batches of 500 messages of 20. At each power of ten the
cost of the last batches is printed, and the time of what the page asks all the time (median of 20).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jikimi.fleet.store import Batch, NewRecord, RecordMessage, Source, Store, StreamKey
from jikimi.fleet.store.engine import make_engine, writer
from jikimi.fleet.store.schema import device
from jikimi.wire import kinds
from tools import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SITE = "bench"
_RECORDS, _MESSAGES = 20, 500
_PER_BATCH = _RECORDS * _MESSAGES
_START_MS = 1_795_489_200_000
_LAST = 10  # batches whose cost is told
HEAD = ("records", "storing one: processor, µs", "clock, µs", "what the page asks, ms", "MiB")


def batches(n_devices: int) -> Iterator[Batch]:
    """Warnings of all devices in turn, for ever; time goes on by a second with each batch."""
    seqs = [0] * n_devices
    n = 0
    while True:
        messages = []
        for _ in range(_MESSAGES):
            number = n % n_devices
            first, seqs[number] = seqs[number] + 1, seqs[number] + _RECORDS
            now_ms = _START_MS + 1000 * (n // _MESSAGES)
            records = tuple(
                NewRecord(
                    seq, kinds.WARNING, seq * 10, {kinds.LEVEL: 1, kinds.SOURCE: 1, kinds.DISTANCE_MM: seq % 4999}
                )
                for seq in range(first, seqs[number] + 1)
            )
            key = StreamKey(f"d{number}", 1, kinds.STREAM_EVENT)
            messages.append(RecordMessage(Source("", b"", now_ms), key, now_ms - records[-1].t_ms, 2, records))
            n += 1
        yield Batch(messages=tuple(messages))


def measure(url: str, upto: int, n_devices: int) -> Iterator[dict[str, Any]]:
    """One row for each power of ten up to `upto` records."""
    with Store.open(url, _SITE) as store:
        _register(url, n_devices)
        source, goal, stored = batches(n_devices), 100_000, 0
        costs: list[tuple[float, float]] = []
        while stored < upto:
            batch = next(source)
            cpu_s, wall_s = time.process_time(), time.perf_counter()
            stored += store.store_batch(batch).stored
            costs.append((time.process_time() - cpu_s, time.perf_counter() - wall_s))
            if stored >= goal:
                last = costs[-_LAST:]
                cpu, wall = (1e6 * statistics.median(column) / _PER_BATCH for column in zip(*last, strict=True))
                yield {"records": stored, "cpu_us": round(cpu, 2), "wall_us": round(wall, 2), **_asked(store, batch)}
                goal *= 10


def _asked(store: Store, newest: Batch) -> dict[str, float]:
    now_ms = newest.messages[0].source.recv_ms
    last = store.last_id()
    asked: dict[str, Callable[[], object]] = {
        "last_id_ms": store.last_id,
        "recent_records_ms": lambda: store.recent_records(48),
        "records_after_ms": lambda: store.records_after(last - 48),
        "open_alarms_ms": lambda: store.open_alarms(20),
        "near_misses_ms": lambda: store.near_miss_cells(now_ms - 8 * 3_600_000),
    }
    found = {}
    for name, ask in asked.items():
        times_s = []
        for _ in range(20):
            start = time.perf_counter()
            ask()
            times_s.append(time.perf_counter() - start)
        found[name] = round(1000 * statistics.median(times_s), 2)
    return found


def rows(upto: int, n_devices: int = 500) -> list[tuple[str, ...]]:
    """Of a SQLite database, a table row for each power of ten up to `upto` records; see `HEAD`."""
    found: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "growth.db"
        for row in measure(f"sqlite:///{path}", upto, n_devices):
            asked_ms = sum(value for name, value in row.items() if name.endswith("_ms"))
            mib = path.stat().st_size / 2**20
            figures = (f"{row['cpu_us']:.1f}", f"{row['wall_us']:.1f}", f"{asked_ms:.1f}", f"{mib:.0f}")
            found.append((f"{row['records']:,}", *figures))
    return found


def _register(url: str, n_devices: int) -> None:
    engine = make_engine(url)
    row = {"site": _SITE, "kind": "tag", "zone": "hall", "name": "Tag", "state": "active", "cert_serial": "1"}
    rows = [{**row, "device": f"d{n}", "cert_not_after_ms": 0, "created_ms": n} for n in range(n_devices)]
    with writer(engine).begin() as connection:
        connection.execute(device.insert(), rows)
    engine.dispose()


def main() -> int:
    """Print one JSON line for each power of ten."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upto", type=int, default=1_000_000, help="records")
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        if options.postgresql:
            url = stack.enter_context(postgres.Server(durable=True)).url()
        else:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            url = f"sqlite:///{directory / 'growth.db'}"
        for row in measure(url, options.upto, options.devices):
            if not options.postgresql:
                row["mib"] = round((directory / "growth.db").stat().st_size / 2**20)
            print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
