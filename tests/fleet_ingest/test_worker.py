"""The worker: nothing is acknowledged before it is on the disk, whatever fails."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest

from jikimi.fleet.errors import MessageError, StoreError
from jikimi.fleet.ingest.worker import Worker, clock_needs_setting
from jikimi.fleet.mqtt import Incoming
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
        self.sent: list[tuple[str, bytes, int]] = []
        self.pauses: list[float] = []
        self._bursts = list(bursts)

    def receive(self, timeout_s: float) -> list[Incoming]:
        return self._bursts.pop(0) if self._bursts else []

    def wait(self, timeout_s: float) -> None:
        self.pauses.append(timeout_s)

    def wake(self) -> None:
        self.log.append("wake")

    def acknowledge(self, messages: Iterable[Incoming]) -> None:
        self.acknowledged += [message.mid for message in messages]
        self.log.append("acknowledge")

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> int:
        self.sent.append((topic, payload, qos))
        self.log.append("publish")
        return 1


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
    Worker(SITE, wire, Troubled(wire, store)).step()
    assert wire.log == ["commit", "acknowledge", "publish", "publish"]
    assert wire.acknowledged == [first.mid, second.mid]
    told = {topic: (messages.decode_ack(payload), qos) for topic, payload, qos in wire.sent}
    assert told == {f"jk/{SITE}/t1/ack": ((1, 1, 2), 0), f"jk/{SITE}/t2/ack": ((1, 1, 1), 0)}


def test_a_commit_that_fails_for_a_while_is_tried_again_and_acknowledged_only_then(store, broken):
    wire = Wire([records("t1", 1)])
    Worker(SITE, wire, Troubled(wire, store, broken, broken)).step()
    assert wire.log == ["failure", "failure", "commit", "acknowledge", "publish"]
    assert wire.pauses == sorted(wire.pauses)


def test_a_database_that_stays_broken_ends_the_worker_with_nothing_acknowledged(store, broken):
    wire = Wire([records("t1", 1)])
    with pytest.raises(StoreError):
        Worker(SITE, wire, Troubled(wire, store, *[broken] * 99)).run()
    assert wire.acknowledged == []
    assert wire.sent == []


def test_an_error_nobody_expected_ends_the_worker_with_nothing_acknowledged(store):
    wire = Wire([records("t1", 1)])
    with pytest.raises(ZeroDivisionError):
        Worker(SITE, wire, Troubled(wire, store, ZeroDivisionError())).run()
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

    worker = Worker(SITE, wire, Refusing(wire, store))
    worker.step()
    assert [row.seq for row in store.records_after(0)] == [1]
    assert [(row.payload, row.reason) for row in store.dead_letters()] == [(bad.payload, "refused-by-store")]
    assert wire.acknowledged == [good.mid, bad.mid]
    assert (worker.totals.stored, worker.totals.refused) == (1, 1)


def test_bad_messages_are_acknowledged_to_the_broker_and_do_not_stop_the_flow(store):
    bad, foreign, good = garbage(), records("stranger", 1), records("t1", 1)
    wire = Wire([bad, foreign, good])
    worker = Worker(SITE, wire, store)
    worker.step()
    assert wire.acknowledged == [bad.mid, foreign.mid, good.mid]
    assert [topic for topic, _, _ in wire.sent] == [f"jk/{SITE}/t1/ack"]
    assert {row.payload for row in store.dead_letters()} == {bad.payload, foreign.payload}
    assert (worker.totals.messages, worker.totals.stored, worker.totals.refused) == (3, 1, 2)


def test_messages_that_come_close_together_share_a_commit_of_bounded_size(store):
    bursts = [[records("t1", seq)] for seq in range(1, 601)]
    wire = Wire(*bursts)
    troubled = Troubled(wire, store)
    worker = Worker(SITE, wire, troubled)
    worker.step()
    worker.step()
    assert [len(batch.messages) for batch in troubled.batches] == [500, 100]


def test_a_wearer_who_asks_about_an_alarm_that_is_taken_on_is_told_again(store):
    Worker(SITE, Wire([records("t1", 1, leaf=topics.ALARM)]), store).step()
    store.acknowledge_alarm("t1.1.1", "first-aider", NOW_MS)
    asked: dict[int, object] = {kinds.REF_SEQ: 1, kinds.WAITING_MS: 30_000, kinds.ALARM_KIND: kinds.FALL}
    payload = messages.encode_records(1, kinds.STREAM_ALARM, [(2, kinds.STILL_OPEN, 31_000, asked)], NOW_MS, 2)
    wire = Wire([Incoming(f"jk/{SITE}/t1/al", payload, False, NOW_MS, 1, next(_mids), 1)])
    Worker(SITE, wire, store).step()
    sent = [messages.decode_command(payload)[:2] for topic, payload, _ in wire.sent if topic.endswith("/cmd")]
    assert sent == [(messages.CMD_ALARM_SEEN, {messages.ARG_BOOT: 1, messages.ARG_SEQ: 1})]


def test_an_alarm_does_not_wait_for_company(store):
    class Listening(Wire):
        def __init__(self, *bursts: list[Incoming]) -> None:
            super().__init__(*bursts)
            self.timeouts: list[float] = []

        def receive(self, timeout_s: float) -> list[Incoming]:
            self.timeouts.append(timeout_s)
            return super().receive(timeout_s)

    wire = Listening([records("t1", 1, leaf=topics.ALARM)])
    Worker(SITE, wire, store).step()
    assert wire.timeouts[1:] == [0.0]


def test_stopping_commits_and_acknowledges_what_was_read(store):
    wire = Wire([records("t1", 1)])
    worker = Worker(SITE, wire, store)
    worker.stop()
    worker.step()
    assert len(wire.acknowledged) == 1
    worker.run()
    assert "wake" in wire.log


def test_a_device_without_a_clock_is_told_the_time_at_once_or_not_at_all(store):
    birth = {"boot": 1, "status": "online", "kind": "tag", "clock_quality": kinds.CLOCK_NONE, "capabilities": []}
    payload = messages.encode_state({**birth, "reset_reason": "power", "firmware": "a", "config": "b", "core": "c"})
    wire = Wire([Incoming(f"jk/{SITE}/t1/st", payload, False, NOW_MS, 1, next(_mids), 1)])
    Worker(SITE, wire, store).step()
    ((topic, sent, qos),) = wire.sent
    assert (topic, qos) == (f"jk/{SITE}/t1/cmd", 0)
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
