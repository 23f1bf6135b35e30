"""Several writers at one database: what each acknowledges is there, and readers miss nothing."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sa

from jikimi.fleet.errors import StoreError
from jikimi.fleet.store import Batch, RecordMessage, StreamKey, schema, write
from jikimi.fleet.store.copy import copy_all
from jikimi.fleet.store.engine import again_if_in_vain, make_engine, writer
from jikimi.wire import kinds
from tests.fleet_ingest.build import SITE, add_devices, events, open_store

_POSTGRES = pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)
T1 = StreamKey("t1", 1, kinds.STREAM_EVENT)


@contextmanager
def half_done(url: str, *messages: RecordMessage) -> Iterator[sa.Connection]:
    """A writer that has written and not yet committed; it commits at the end."""
    with closing_engine(url) as engine, writer(engine).begin() as connection:
        write.store_batch(connection, SITE, Batch(messages=messages))
        yield connection


@contextmanager
def closing_engine(url: str) -> Iterator[sa.Engine]:
    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def in_threads(work: Callable[[int], object], n: int) -> None:
    """Run `work(0)` to `work(n - 1)` at once; the first failure comes out."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(n)

    def run(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001, raised below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@_POSTGRES
def test_a_reader_waits_for_records_with_lower_ids_that_are_not_committed_yet(store, url):
    with half_done(url, events("t1", 1, 2)):
        store.store_batch(Batch(messages=(events("t2", 1),)))
        assert store.records_after(0) == store.recent_records() == []
        assert store.last_id() == 0
    assert [(row.device, row.seq) for row in store.records_after(0)] == [("t1", 1), ("t1", 2), ("t2", 1)]
    assert store.last_id() == store.recent_records()[0].id


@_POSTGRES
def test_a_writer_that_gives_up_holds_no_reader_back(store, url):
    def give_up() -> None:
        with half_done(url, events("t1", 1)):
            store.store_batch(Batch(messages=(events("t2", 1),)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        give_up()
    assert [row.device for row in store.records_after(0)] == ["t2"]


@_POSTGRES
def test_of_two_writers_at_one_sequence_the_second_waits_and_counts_what_the_first_wrote(store, url):
    acks: list[dict[StreamKey, int]] = []
    second = threading.Thread(
        target=lambda: acks.append(store.store_batch(Batch(messages=(events("t1", 1, 2, 3),))).acks)
    )
    with half_done(url, events("t1", 4, 5)) as connection:
        second.start()
        waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while connection.execute(waiting).scalar() == 0:
            second.join(0.01)
            assert second.is_alive(), "it did not wait"
        assert acks == []
    second.join()
    assert acks == [{T1: 5}]


def _there(connection: sa.Connection, key: StreamKey) -> int:
    """The highest seq of a sequence below which every record is in the table; readers of the store see it later,
    while a writer with lower ids has not committed."""
    seqs = set(connection.execute(sa.select(schema.record.c.seq).where(schema.record.c.device == key.device)).scalars())
    return next(seq for seq in range(1, len(seqs) + 2) if seq not in seqs) - 1


def _deliveries(seed: int, n_records: int, n_workers: int) -> list[list[RecordMessage]]:
    """The records of two devices, each message once or twice, in any order, dealt to workers at random."""
    rng = random.Random(seed)
    found = []
    for device in ("t1", "t2"):
        first = 1
        while first <= n_records:
            last = min(n_records, first + rng.randrange(5))
            found += [events(device, *range(first, last + 1))] * rng.choice((1, 1, 2))
            first = last + 1
    rng.shuffle(found)
    dealt: list[list[RecordMessage]] = [[] for _ in range(n_workers)]
    for message in found:
        rng.choice(dealt).append(message)
    return dealt


@pytest.mark.parametrize("seed", [1, 2])
def test_many_writers_store_each_record_once_acknowledge_no_gap_and_a_follower_sees_all(url, seed):
    n_records, n_workers = 60, 4
    dealt = _deliveries(seed, n_records, n_workers)
    rng = random.Random(seed)
    stored = [0] * n_workers
    seen: list[tuple[str, int]] = []
    ids: list[int] = []

    def work(number: int) -> None:
        with open_store(url) as mine, closing_engine(url) as engine:
            while dealt[number]:
                size = rng.randrange(1, 4)
                taken, dealt[number] = dealt[number][:size], dealt[number][size:]
                outcome = mine.store_batch(Batch(messages=tuple(taken)))
                stored[number] += outcome.stored
                with engine.connect() as look:
                    short = {key: upto for key, upto in outcome.acks.items() if _there(look, key) < upto}
                assert short == {}, "acknowledged what is not there"

    def follow() -> None:
        with open_store(url) as mine:
            for row in islice(mine.follow(0, poll_s=0.002), 2 * n_records):
                seen.append((row.device, row.seq))
                ids.append(row.id)

    follower = threading.Thread(target=follow, daemon=True)  # a record it misses must fail the test, not hang it
    follower.start()
    in_threads(work, n_workers)
    follower.join(30)
    assert sum(stored) == 2 * n_records
    assert sorted(seen) == [(device, seq) for device in ("t1", "t2") for seq in range(1, n_records + 1)]
    assert ids == sorted(ids)
    with open_store(url) as store:
        assert [(row.stored, row.upto, row.missing) for row in store.sequences()] == [(n_records, n_records, 0)] * 2


@_POSTGRES
def test_a_deadlock_is_tried_again(url):
    met, tries = threading.Barrier(2), []

    def work(number: int) -> None:
        first = threading.Event()

        def cross(connection: sa.Connection) -> None:
            tries.append(number)
            for device in ("t1", "t2") if number else ("t2", "t1"):
                connection.execute(sa.text("UPDATE device SET zone = 'yard' WHERE device = :d"), {"d": device})
                if not first.is_set():
                    first.set()
                    met.wait(60)

        with closing_engine(url) as engine:
            again_if_in_vain(engine, cross)

    in_threads(work, 2)
    assert len(tries) > 2


@_POSTGRES
def test_a_connection_that_dies_while_rows_are_copied_is_recognized_as_dead(store):
    with pytest.raises(sa.exc.DBAPIError) as caught, store._engine.connect() as connection:  # noqa: PT012
        mine = connection.execute(sa.select(sa.func.pg_backend_pid())).scalar()
        with store._engine.connect() as other:
            other.execute(sa.select(sa.func.pg_terminate_backend(mine)))
        copy_all(connection, schema.lost, ["site"], ["x\n"])
    assert caught.value.connection_invalidated
    assert store.last_id() == 0


@_POSTGRES
def test_names_with_signs_that_copy_uses_come_back_as_they_are(store, url):
    add_devices(url, t3=("tag", "a\\b \\N ㄱ"))
    store.store_batch(Batch(messages=(events("t3", 1),)))
    assert store.records_after(0)[0].zone == "a\\b \\N ㄱ"


def test_a_database_that_was_restarted_is_reached_again_without_an_error(postgres_server):
    url = postgres_server.schema_url()
    with open_store(url) as store:
        add_devices(url, t1=("tag", "hall"))
        store.store_batch(Batch(messages=(events("t1", 1),)))
        postgres_server.stop(crash=True)
        with pytest.raises(StoreError, match="does not work"):
            store.store_batch(Batch(messages=(events("t1", 2),)))
        postgres_server.start()
        assert store.store_batch(Batch(messages=(events("t1", 2),))).acks == {T1: 2}
        postgres_server.stop(crash=True)
        postgres_server.start()
        assert store.store_batch(Batch(messages=(events("t1", 3),))).acks == {T1: 3}


@contextmanager
def locked_new_file(path: Path) -> Iterator[sqlite3.Connection]:
    """A new database that another process has just begun to write, before it has a write-ahead log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_a_new_file_that_another_process_just_writes_is_waited_for(tmp_path, monkeypatch):
    with locked_new_file(tmp_path / "store.db") as other, closing_engine(f"sqlite:///{tmp_path}/store.db") as engine:
        monkeypatch.setattr("jikimi.fleet.store.engine.time.sleep", lambda _: other.execute("ROLLBACK"))
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_new_file_that_stays_locked_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("jikimi.fleet.store.engine._BUSY_S", 0)
    locked = locked_new_file(tmp_path / "store.db")
    with locked, closing_engine(f"sqlite:///{tmp_path}/store.db") as engine, pytest.raises(sa.exc.OperationalError):
        engine.connect()
