"""The worker: nothing is acknowledged before it is on the disk, whatever fails."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import closing, nullcontext

import pytest

from jikimi.fleet.errors import MessageError, StoreError
from jikimi.fleet.ingest import __main__ as service
from jikimi.fleet.ingest.committer import BatchStore
from jikimi.fleet.ingest.worker import Worker, clock_needs_setting
from jikimi.fleet.mqtt import Incoming
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.fleet.store import Batch, Outcome, Store
from jikimi.wire import kinds, messages, topics
from tests.fleet_ingest.build import SITE, report

NOW_MS = 1_795_489_200_000


class Wire:
    """A connection that hands out what it was given and writes down what it was told."""

    def __init__(self, *bursts: list[Incoming]) -> None:
        self.ready = True
        self.log: list[str] = []
        self.acknowledged: list[int] = []
        self.sent: list[tuple[str, bytes]] = []
        self.pauses: list[float] = []
        self.wakes = 0
        self._bursts = list(bursts)

    @property
    def left(self) -> int:
        return sum(map(len, self._bursts))

    @property
    def empty(self) -> bool:
        return not self._bursts

    def receive(self, timeout_s: float) -> list[Incoming]:
        return self._bursts.pop(0) if self._bursts else []

    def wait(self, timeout_s: float) -> None:
        self.pauses.append(timeout_s)

    def wake(self) -> None:
        self.wakes += 1

    def acknowledge(self, messages: Iterable[Incoming]) -> None:
        self.acknowledged += [message.mid for message in messages]
        self.log.append("acknowledge")

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        for topic, payload in messages:
            self.sent.append((topic, payload))
            self.log.append("publish")


class Troubled:
    """A store whose first commits fail with the given errors."""

    def __init__(self, wire: Wire, store: Store, *errors: Exception) -> None:
        self._wire = wire
        self._store = store
        self._errors = list(errors)
        self.batches: list[Batch] = []

    def store_batch(self, batch: Batch) -> Outcome:
        self.batches.append(batch)
        if self._errors:
            self._wire.log.append("failure")
            raise self._errors.pop(0)
        outcome = self._store.store_batch(batch)
        self._wire.log.append("commit")
        return outcome


def work_off(wire: Wire, store: BatchStore, **options: float) -> Worker:
    """A worker that has read, committed and acknowledged everything `wire` had."""
    worker = Worker(SITE, wire, store, **options)
    with closing(worker):
        while not wire.empty:
            worker.step()
        worker.finish()
    return worker


_mids = itertools.count(1)


def records(device: str, *seqs: int, leaf: str = topics.EVENT) -> Incoming:
    stream = kinds.STREAM_ALARM if leaf == topics.ALARM else kinds.STREAM_EVENT
    kind = kinds.FALL if leaf == topics.ALARM else kinds.WARNING
    payload = messages.encode_records(1, stream, [(seq, kind, seq, {}) for seq in seqs], NOW_MS, 2)
    return Incoming(f"jk/{SITE}/{device}/{leaf}", payload, False, NOW_MS, 1, next(_mids), 1)


def garbage() -> Incoming:
    return Incoming(f"jk/{SITE}/t1/ev", b"\xff", False, NOW_MS, 1, next(_mids), 1)


@pytest.fixture
def broken() -> StoreError:
    return StoreError("disk full")


def test_a_batch_is_committed_then_acknowledged_then_the_devices_are_told(store):
    first, second = records("t1", 1, 2), records("t2", 1)
    wire = Wire([first], [second])
    work_off(wire, Troubled(wire, store), linger_s=60)
    assert wire.log == ["commit", "acknowledge", "publish", "publish"]
    assert wire.acknowledged == [first.mid, second.mid]
    told = {topic: messages.decode_ack(payload) for topic, payload in wire.sent}
    assert told == {f"jk/{SITE}/t1/ack": (1, 1, 2), f"jk/{SITE}/t2/ack": (1, 1, 1)}


def test_a_commit_that_fails_for_a_while_is_tried_again_and_acknowledged_only_then(store, broken):
    wire = Wire([records("t1", 1)])
    work_off(wire, Troubled(wire, store, broken, broken))
    assert wire.log == ["failure", "failure", "commit", "acknowledge", "publish"]


def test_a_database_that_stays_broken_ends_the_worker_with_nothing_acknowledged(store, broken):
    wire = Wire([records("t1", 1)])
    with pytest.raises(StoreError):
        work_off(wire, Troubled(wire, store, *[broken] * 99), patience_s=0.3)
    assert wire.log[:2] == ["failure", "failure"]
    assert wire.acknowledged == []
    assert wire.sent == []


def test_an_error_nobody_expected_ends_the_worker_with_nothing_acknowledged(store):
    wire = Wire([records("t1", 1)])
    with pytest.raises(ZeroDivisionError):
        work_off(wire, Troubled(wire, store, ZeroDivisionError()))
    assert wire.acknowledged == []


def test_what_the_database_cannot_hold_becomes_a_dead_letter_and_the_rest_is_stored(store):
    good, bad = records("t1", 1), records("t1", 2)
    wire = Wire([good, bad])
    refuse = MessageError("no column holds it")

    class Refusing(Troubled):
        def store_batch(self, batch: Batch) -> Outcome:
            if any(message.source.payload == bad.payload for message in batch.messages):
                raise refuse
            return super().store_batch(batch)

    worker = work_off(wire, Refusing(wire, store))
    assert [row.seq for row in store.records_after(0)] == [1]
    assert [(row.payload, row.reason) for row in store.dead_letters()] == [(bad.payload, "refused-by-store")]
    assert wire.acknowledged == [good.mid, bad.mid]
    assert (worker.totals.stored, worker.totals.refused) == (1, 1)


def test_bad_messages_are_acknowledged_to_the_broker_and_do_not_stop_the_flow(store):
    bad, foreign, good = garbage(), records("stranger", 1), records("t1", 1)
    wire = Wire([bad, foreign, good])
    worker = work_off(wire, store)
    assert wire.acknowledged == [bad.mid, foreign.mid, good.mid]
    assert [topic for topic, _ in wire.sent] == [f"jk/{SITE}/t1/ack"]
    assert {row.payload for row in store.dead_letters()} == {bad.payload, foreign.payload}
    assert (worker.totals.messages, worker.totals.stored, worker.totals.refused) == (3, 1, 2)


def test_messages_that_come_close_together_share_a_commit_of_bounded_size(store):
    bursts = [[records("t1", seq) for seq in range(first, first + 250)] for first in range(1, 1251, 250)]
    wire = Wire(*bursts)
    troubled = Troubled(wire, store)
    work_off(wire, troubled, linger_s=60)
    assert [len(batch.messages) for batch in troubled.batches] == [1000, 250]


def test_large_messages_bound_a_commit_by_their_bytes(store):
    large = Incoming(f"jk/{SITE}/t1/ev", b"\xff" * 60_000, False, NOW_MS, 1, next(_mids), 1)
    wire = Wire(*[[large]] * 12)
    troubled = Troubled(wire, store)
    work_off(wire, troubled, linger_s=60)
    assert [len(batch.dead_letters) for batch in troubled.batches] == [9, 3]


class Stalled:
    """A store whose first commit takes until it is let go."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.let_go = threading.Event()
        self.sizes: list[int] = []

    def store_batch(self, batch: Batch) -> Outcome:
        self.sizes.append(len(batch.messages))
        assert self.let_go.wait(60)
        return self._store.store_batch(batch)


def test_while_a_commit_stalls_one_batch_is_read_and_the_rest_stays_at_the_broker(store):
    wire = Wire(*[[records("t1", seq)] for seq in range(1, 3001)])
    stalled = Stalled(store)
    with closing(Worker(SITE, wire, stalled)) as worker:
        while not wire.pauses:
            worker.step()
        for _ in range(50):
            worker.step()
        assert 3000 - wire.left <= 2 * 1000
        assert wire.acknowledged == []
        stalled.let_go.set()
        while not wire.empty:
            worker.step()
        worker.finish()
    assert max(stalled.sizes) <= 1000
    assert len(wire.acknowledged) == 3000
    assert store.sequences()[0].upto == 3000


def test_the_next_batch_is_read_while_one_is_committed_and_its_end_wakes_the_reader(store):
    wire = Wire([records("t1", 1, leaf=topics.ALARM)], [records("t1", 1)])
    stalled = Stalled(store)
    with closing(Worker(SITE, wire, stalled)) as worker:
        worker.step()
        worker.step()
        assert (wire.empty, wire.acknowledged, wire.wakes) == (True, [], 0)
        stalled.let_go.set()
        worker.finish()
    assert len(wire.acknowledged) == 2
    assert wire.wakes == 2


def test_a_gap_that_stays_is_asked_for_and_one_that_closes_is_not(store, monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr("jikimi.fleet.ingest.worker.time.monotonic", lambda: now_s[0])

    def asked(wire: Wire) -> list[tuple[int, dict[int, object]]]:
        sent = [messages.decode_command(payload)[:2] for topic, payload in wire.sent if topic.endswith("/cmd")]
        wire.sent.clear()
        return sent

    wire = Wire([records("t1", 1, 2), records("t1", 5), records("t2", 2)], [records("t2", 1)])
    with closing(Worker(SITE, wire, store, linger_s=0)) as worker:
        while not wire.empty:
            worker.step()
            worker.finish()
        assert asked(wire) == []
        for at_s, wanted in ((101.0, 0), (103.0, 1), (110.0, 0), (134.0, 1)):
            now_s[0] = at_s
            worker.step()
            meant = {messages.ARG_BOOT: 1, messages.ARG_STREAM: 1, messages.ARG_SEQ: 3}
            assert asked(wire) == [(messages.CMD_RESEND, meant)] * wanted


def test_a_wearer_who_asks_about_an_alarm_that_is_taken_on_is_told_again(store):
    work_off(Wire([records("t1", 1, leaf=topics.ALARM)]), store)
    store.acknowledge_alarm("t1.1.1", "first-aider", NOW_MS)
    asked: dict[int, object] = {kinds.REF_SEQ: 1, kinds.WAITING_MS: 30_000, kinds.ALARM_KIND: kinds.FALL}
    payload = messages.encode_records(1, kinds.STREAM_ALARM, [(2, kinds.STILL_OPEN, 31_000, asked)], NOW_MS, 2)
    wire = Wire([Incoming(f"jk/{SITE}/t1/al", payload, False, NOW_MS, 1, next(_mids), 1)])
    work_off(wire, store)
    sent = [messages.decode_command(payload)[:2] for topic, payload in wire.sent if topic.endswith("/cmd")]
    assert sent == [(messages.CMD_ALARM_SEEN, {messages.ARG_BOOT: 1, messages.ARG_SEQ: 1})]


def test_an_alarm_does_not_wait_for_company_and_takes_along_what_does(store):
    wire = Wire([records("t1", 1)], [records("t1", 1, leaf=topics.ALARM)])
    troubled = Troubled(wire, store)
    with closing(Worker(SITE, wire, troubled, linger_s=60)) as worker:
        worker.step()
        assert troubled.batches == []
        worker.step()
        worker.finish()
    assert [len(batch.messages) for batch in troubled.batches] == [2]


def test_stopping_commits_and_acknowledges_what_was_read(store):
    wire = Wire([records("t1", 1)])
    with closing(Worker(SITE, wire, store, linger_s=60)) as worker:
        worker.step()
        worker.stop()
        worker.run()
    assert len(wire.acknowledged) == 1
    assert wire.wakes == 2


def test_a_device_without_a_clock_is_told_the_time_at_once_or_not_at_all(store):
    birth = {"boot": 1, "status": "online", "kind": "tag", "clock_quality": kinds.CLOCK_NONE, "capabilities": []}
    payload = messages.encode_state({**birth, "reset_reason": "power", "firmware": "a", "config": "b", "core": "c"})
    wire = Wire([Incoming(f"jk/{SITE}/t1/st", payload, False, NOW_MS, 1, next(_mids), 1)])
    work_off(wire, store)
    ((topic, sent),) = wire.sent
    assert topic == f"jk/{SITE}/t1/cmd"
    operation, arguments, _, _ = messages.decode_command(sent)
    assert operation == messages.CMD_TIME
    assert isinstance(arguments[messages.ARG_EPOCH_MS], int)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"clock_quality": kinds.CLOCK_NONE}, True),
        ({"clock_quality": kinds.CLOCK_RTC, "epoch_ms": NOW_MS}, True),
        ({"clock_quality": kinds.CLOCK_SET, "epoch_ms": NOW_MS - 1_000}, False),
        ({"clock_quality": kinds.CLOCK_SET, "epoch_ms": NOW_MS - 60_000}, True),
        ({"clock_quality": kinds.CLOCK_NONE, "heard": False}, False),
        ({}, False),
    ],
)
def test_clocks_are_set_where_they_are_missing_or_off(said, wanted):
    assert clock_needs_setting(report("t1", 1, online=True, recv_ms=NOW_MS, **said)) is wanted


def test_a_loop_that_hangs_ends_the_process_and_says_where():
    script = (
        "import threading\n"
        "from jikimi.fleet.ingest.__main__ import Watchdog\n"
        "alive = Watchdog(0.5)\n"
        "for _ in range(20): alive()\n"
        "threading.Event().wait(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "threading.py" in done.stderr


def test_the_watchdog_is_wound_ten_times_in_its_time_however_often_it_is_called(monkeypatch):
    now_s, wound = [100.0], []
    monkeypatch.setattr("time.monotonic", lambda: now_s[0])
    monkeypatch.setattr("faulthandler.dump_traceback_later", lambda *_, **__: wound.append(now_s[0]))
    alive = service.Watchdog(60.0)
    for i in range(60_001):
        now_s[0] = 100.0 + i / 1000
        alive()
    assert wound == [100.0 + 6 * i for i in range(11)]


class _Idle:
    """A worker that has nothing to do, and notes what it is to call at each turn."""

    totals = ""
    on_turn: object = None

    def __init__(self, *_: object) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...

    def wait_ready(self) -> bool:
        return True

    def run(self, on_turn: object) -> None:
        _Idle.on_turn = on_turn


def test_the_service_tells_at_each_turn_that_it_is_alive(tmp_path, monkeypatch):
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
    site = Site.init(tmp_path / SITE, settings=settings)
    monkeypatch.setattr(service, "_connection", lambda *_: nullcontext())
    monkeypatch.setattr(service, "Worker", _Idle)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    service.serve(site)
    assert isinstance(_Idle.on_turn, service.Watchdog)
