"""Ingest's memory has a limit of its own, however much it has stored and in whatever portions it came."""

from __future__ import annotations

import _sqlite3
import ctypes
import gc
import random
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jikimi.fleet.ingest.worker import Worker
from jikimi.fleet.mqtt import Incoming
from jikimi.fleet.store import Batch, Store, engine
from jikimi.wire import kinds, messages, topics
from tests.fleet_ingest.build import SITE, add_devices, events, open_store
from tools.memory import slope

_DEVICES = 24
_NOW_MS = 1_795_489_200_000
_CACHE_KIB = 512


class _Line:
    """A connection that hands out one burst after the other and keeps nothing of what it is told."""

    ready = True

    def __init__(self) -> None:
        self.burst: list[Incoming] = []

    def receive(self, timeout_s: float) -> list[Incoming]:
        taken, self.burst = self.burst, []
        return taken

    def wait(self, timeout_s: float) -> None: ...

    def wake(self) -> None: ...

    def acknowledge(self, messages: object) -> None: ...

    def publish_all(self, messages: object) -> None: ...


class _Traffic:
    """Bursts of every shape: few and many devices, alarms among them, repetitions, gaps that close later."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._seqs: dict[tuple[str, int], int] = {}
        self._late: list[Incoming] = []

    def burst(self, n_devices: int) -> list[Incoming]:
        rng, found = self._rng, self._late
        self._late = []
        for number in rng.sample(range(_DEVICES), n_devices):
            message = self._message(f"t{number}", rng.choice((kinds.STREAM_ALARM, kinds.STREAM_EVENT)))
            chosen = rng.choice(["now", "now", "now", "twice", "late"])
            (self._late if chosen == "late" else found).append(message)
            found += [message] * (chosen == "twice")
        return found

    def _message(self, device: str, stream: int) -> Incoming:
        kind, leaf = (kinds.SOS, topics.ALARM) if stream == kinds.STREAM_ALARM else (kinds.WARNING, topics.EVENT)
        first = self._seqs.get((device, stream), 0) + 1
        last = first + self._rng.randrange(5)
        self._seqs[device, stream] = last
        rows: list[tuple[int, int, int, dict[int, object]]] = [(seq, kind, seq, {}) for seq in range(first, last + 1)]
        payload = messages.encode_records(1, stream, rows, _NOW_MS, kinds.CLOCK_SET)
        return Incoming(f"jk/{SITE}/{device}/{leaf}", payload, False, _NOW_MS, 1, 1, 1)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(engine, "CACHE_KIB", _CACHE_KIB)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    open_store(url).close()
    add_devices(url, **{f"t{number}": ("tag", "hall") for number in range(_DEVICES)})
    with open_store(url) as opened:
        yield opened


def _sqlite_kib() -> int:
    """What all of SQLite in this process has allocated."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_memory_used.restype = ctypes.c_int64
    return int(library.sqlite3_memory_used()) >> 10


def _work_off(worker: Worker, line: _Line, traffic: _Traffic, rounds: int) -> int:
    """Bytes in Python's objects after `rounds` of bursts of every size."""
    for _ in range(rounds):
        for n_devices in range(1, _DEVICES + 1, 2):
            line.burst = traffic.burst(n_devices)
            worker.step()
            worker.finish()
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_portions_of_every_size_leave_nothing_behind_in_ingest(store):
    line, traffic = _Line(), _Traffic(seed=5)
    tracemalloc.start()
    try:
        with closing(Worker(SITE, line, store, linger_s=0)) as worker:
            warm = _work_off(worker, line, traffic, 2)
            later = _work_off(worker, line, traffic, 2)
            assert worker.totals.stored > 500
    finally:
        tracemalloc.stop()
    # A statement kept for each shape, or anything kept for each message, would be hundreds of KiB.
    assert later - warm < 64 << 10


def test_sqlite_takes_no_more_than_its_cache_however_large_the_database_grows(store):
    before = _sqlite_kib()
    taken = []
    for part in range(4):
        for first in range(1 + part * 5_000, 5_001 + part * 5_000, 1_000):
            store.store_batch(Batch(messages=(events("t1", *range(first, first + 1_000)),)))
        taken.append(_sqlite_kib() - before)
    # The database grows by half a MiB with each part.
    assert taken[3] - taken[1] < 64


def test_the_slope_is_that_of_a_straight_line_whatever_lies_around_it():
    times = [60.0 * minute for minute in range(10, 61)]
    line = [3.0 + 0.5 * at for at in times]
    assert slope(times, line) == pytest.approx(0.5)
    assert slope(times, [value + (-1) ** n for n, value in enumerate(line)]) == pytest.approx(0.5, abs=0.01)
