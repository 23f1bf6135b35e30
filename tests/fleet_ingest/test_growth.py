"""What a page or a command asks for all the time costs the same in a database ten times as large.

Cost is counted in instructions of SQLite's virtual machine, which are the same on every machine and under any load.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from jikimi.fleet.store import Batch, Store
from jikimi.wire import kinds
from tests.fleet_ingest.build import HOUR_MS, add_devices, message, near_miss, open_store, person

_EVERY = 20  # instructions between two counts
_HOUR = 3_600_000


class Meter:
    """Counts the instructions of all statements of a store."""

    def __init__(self, store: Store) -> None:
        self._counts = 0
        sa.event.listen(store._engine, "checkout", self._watch)

    def cost(self, ask: Callable[[], object]) -> int:
        ask()  # prepares
        self._counts = 0
        ask()
        return self._counts * _EVERY

    def _watch(self, connection: object, *_: object) -> None:
        connection.set_progress_handler(self._count, _EVERY)  # type: ignore[attr-defined]

    def _count(self) -> int:
        self._counts += 1
        return 0


def fill(store: Store, first_hour: int, hours: int) -> None:
    """Fifty records an hour of a tag and a node, alarms that are over, near misses of several people."""
    for hour in range(first_hour, first_hour + hours):
        boot_ms = HOUR_MS + hour * _HOUR
        seq = hour * 50
        common = {"boot_epoch_ms": boot_ms - seq * 1000, "recv_ms": boot_ms}
        near = [near_miss(seq + n + 1, person(n % 7), period=boot_ms // 900_000) for n in range(50)]
        quiet = [(seq + n + 1, kinds.BENDS, {kinds.COUNT: n}) for n in range(50)]
        cleared = {kinds.REF_SEQ: 2 * hour + 1, kinds.WHY: kinds.WHY_RECOVERED}
        alarms = [(2 * hour + 1, kinds.FALL, {}), (2 * hour + 2, kinds.CLEARED, cleared)]
        store.store_batch(
            Batch(
                messages=(
                    message("n1", kinds.STREAM_EVENT, *near, **common),
                    message("t1", kinds.STREAM_EVENT, *quiet, **common),
                    message("t1", kinds.STREAM_ALARM, *alarms, recv_ms=boot_ms),
                )
            )
        )


@pytest.fixture
def grown(tmp_path: Path) -> Iterator[tuple[Store, Meter]]:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    open_store(url).close()
    add_devices(url, t1=("tag", "hall"), n1=("node", "dock"))
    with open_store(url) as store:
        yield store, Meter(store)


def _asked(store: Store, hours: int) -> dict[str, Callable[[], object]]:
    now_ms = HOUR_MS + hours * _HOUR
    last = store.last_id()
    more: Iterator[tuple[int, int, dict[int, Any]]] = (
        (seq, kinds.BENDS, {}) for seq in itertools.count(50 * hours + 1)
    )
    return {
        "is there anything new": store.last_id,
        "the last events": lambda: store.recent_records(48),
        "events since": lambda: store.records_after(last - 20),
        "open alarms": lambda: store.open_alarms(20),
        "devices": store.device_rows,
        "near misses of a shift": lambda: store.near_miss_cells(now_ms - 8 * _HOUR),
        "silent devices": lambda: store.judge_silence(now_ms, {}, 10**12),
        "this shift's completeness": lambda: store.completeness(now_ms - _HOUR),
        "one more message": lambda: store.store_batch(Batch(messages=(message("t1", kinds.STREAM_EVENT, next(more)),))),
    }


def test_what_is_asked_all_the_time_costs_the_same_in_a_database_ten_times_as_large(grown):
    store, meter = grown
    fill(store, 0, 12)
    small = {name: meter.cost(ask) for name, ask in _asked(store, 12).items()}
    fill(store, 12, 108)
    large = {name: meter.cost(ask) for name, ask in _asked(store, 120).items()}
    # Halving takes a few more steps; a scan would take ten times as many.
    assert {name: (small[name], large[name]) for name in small if large[name] > 1.3 * small[name] + 100} == {}
