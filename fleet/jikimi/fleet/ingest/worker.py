"""The loop of ingest: collect, commit, acknowledge."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from jikimi.fleet.errors import MessageError, StoreError
from jikimi.fleet.ingest.sort import sort
from jikimi.fleet.store import Batch, DeadLetter, Outcome, RecordMessage, StatusReport
from jikimi.wire import kinds, topics
from jikimi.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jikimi.fleet.ingest.sort import Sorted
    from jikimi.fleet.mqtt import Incoming
    from jikimi.fleet.store import AlarmKey, StreamKey

_log = logging.getLogger(__name__)

# One commit costs about the same for one message as for a hundred, so under load many share one.
_BATCH = 500  # messages
_LINGER_S = 0.02  # how long the first message waits for company; alarms do not wait
_IDLE_S = 5.0  # how often the connection is looked after when nothing comes
# Pauses between attempts to commit. Longer trouble (a full disk) ends the process; nothing was acknowledged.
_RETRY_S = (0.1, 0.3, 1.0, 3.0)
# A clock further off than this is set; a birth that was kept by the broker while ingest was away looks old, which
# costs one command without effect.
_CLOCK_OFF_MS = 2_000
_REFUSED = "refused-by-store"


class Connection(Protocol):
    """What the worker needs of `jikimi.fleet.mqtt.Session`."""

    @property
    def ready(self) -> bool:
        """Connected, and all subscriptions granted."""

    def receive(self, timeout_s: float) -> list[Incoming]:
        """Messages that are there, or that come first within `timeout_s`."""

    def wait(self, timeout_s: float) -> None:
        """Read nothing for `timeout_s`, or until `wake`."""

    def wake(self) -> None:
        """End a `receive` or `wait` in progress."""

    def acknowledge(self, messages: Iterable[Incoming]) -> None:
        """Tell the broker that it can forget these."""

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> int:
        """Send a message."""


class BatchStore(Protocol):
    """What the worker needs of `jikimi.fleet.store.Store`."""

    def store_batch(self, batch: Batch) -> Outcome:
        """Commit `batch`, or raise StoreError or MessageError."""


@dataclass
class Totals:
    """What was done since the start."""

    messages: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: int = 0


class Worker:
    """Moves messages of `site` from a connection into a store until `stop`."""

    def __init__(self, site: str, connection: Connection, store: BatchStore) -> None:
        self.totals = Totals()
        self._site = site
        self._connection = connection
        self._store = store
        self._stopping = False

    def stop(self) -> None:
        """Finish what was read and return from `run`; a signal handler may call this."""
        self._stopping = True
        self._connection.wake()

    def wait_ready(self) -> bool:
        """Connect and be granted the subscriptions; False: stopped before. What comes meanwhile is stored."""
        while not self._connection.ready and not self._stopping:
            self.step()
        return self._connection.ready

    def run(self) -> None:
        """Work until `stop`. StoreError when the database stays broken: what was not stored is not acknowledged."""
        while not self._stopping:
            self.step()

    def step(self) -> None:
        """Collect one batch, commit it, acknowledge it."""
        arrived = self._collect()
        if not arrived:
            return
        items = [sort(self._site, message) for message in arrived]
        outcome = self._commit(items)
        # From here on the batch is on the disk.
        self._connection.acknowledge(arrived)
        self._tell_devices(outcome.acks)
        self._tell_wearers(outcome.taken_on)
        self._set_clocks(item for item in items if isinstance(item, StatusReport))
        self._count(len(arrived), outcome)

    def _collect(self) -> list[Incoming]:
        arrived = self._connection.receive(_IDLE_S)
        until = time.monotonic() + _LINGER_S
        newest = arrived
        while arrived and len(arrived) < _BATCH and not self._stopping:
            if any(map(_is_alarm, newest)):
                until = 0.0
            left_s = max(0.0, until - time.monotonic())
            newest = self._connection.receive(left_s)
            arrived += newest
            if not newest and left_s == 0.0:
                break
        return arrived

    def _commit(self, items: Sequence[Sorted]) -> Outcome:
        try:
            return self._store_patiently(_batch(items))
        except MessageError:
            # Something in it cannot be stored, by no fault of the database: find it, keep the rest flowing.
            return _sum(self._commit_alone(item) for item in items if item is not None)

    def _commit_alone(self, item: RecordMessage | StatusReport | DeadLetter) -> Outcome:
        try:
            return self._store_patiently(_batch([item]))
        except MessageError as error:
            _log.error("a message is refused by the database: %s", error)
            return self._store_patiently(_batch([_refused(item)]))

    def _store_patiently(self, batch: Batch) -> Outcome:
        for pause_s in _RETRY_S:
            try:
                return self._store.store_batch(batch)
            except StoreError as error:
                _log.warning("nothing is stored at the moment, trying again in %s s: %s", pause_s, error)
                self._connection.wait(pause_s)
        return self._store.store_batch(batch)

    def _tell_devices(self, acks: Mapping[StreamKey, int]) -> None:
        for key, upto in acks.items():
            payload = wire.encode_ack(key.boot, key.stream, upto)
            self._connection.publish(topics.topic(self._site, key.device, topics.ACK), payload)

    def _tell_wearers(self, taken_on: Iterable[AlarmKey]) -> None:
        """Somebody has taken these alarms on, and their devices have not heard of it."""
        for alarm in taken_on:
            meant: dict[int, object] = {wire.ARG_BOOT: alarm.boot, wire.ARG_SEQ: alarm.seq}
            payload = wire.encode_command(wire.CMD_ALARM_SEEN, meant)
            self._connection.publish(topics.topic(self._site, alarm.device, topics.COMMAND), payload)

    def _set_clocks(self, reports: Iterable[StatusReport]) -> None:
        for report in reports:
            if clock_needs_setting(report):
                now_ms = time.time_ns() // 1_000_000
                payload = wire.encode_command(wire.CMD_TIME, {wire.ARG_EPOCH_MS: now_ms})
                # At QoS 0, because the broker would keep it for a device that is away: it must come now or not at all.
                self._connection.publish(topics.topic(self._site, report.device, topics.COMMAND), payload)

    def _count(self, messages: int, outcome: Outcome) -> None:
        self.totals.messages += messages
        self.totals.stored += outcome.stored
        self.totals.duplicates += outcome.duplicates
        self.totals.refused += outcome.refused


def clock_needs_setting(report: StatusReport) -> bool:
    """Whether a birth says that the device has no clock, or one that may be wrong."""
    if not report.heard or report.clock_quality is None:
        return False
    if report.clock_quality != kinds.CLOCK_SET or report.epoch_ms is None:
        return True
    return abs(report.source.recv_ms - report.epoch_ms) > _CLOCK_OFF_MS


def _refused(item: RecordMessage | StatusReport | DeadLetter) -> DeadLetter:
    if isinstance(item, RecordMessage):
        return DeadLetter(item.source, _REFUSED, item.key, item.records[0].seq)
    return DeadLetter(item.source, _REFUSED)


def _is_alarm(message: Incoming) -> bool:
    return message.topic.endswith("/" + topics.ALARM)


def _batch(items: Iterable[Sorted]) -> Batch:
    items = tuple(items)
    return Batch(
        messages=tuple(item for item in items if isinstance(item, RecordMessage)),
        statuses=tuple(item for item in items if isinstance(item, StatusReport)),
        dead_letters=tuple(item for item in items if isinstance(item, DeadLetter)),
    )


def _sum(outcomes: Iterable[Outcome]) -> Outcome:
    total = Outcome()
    for one in outcomes:
        total = Outcome(
            total.stored + one.stored,
            total.duplicates + one.duplicates,
            total.refused + one.refused,
            {**total.acks, **one.acks},
            total.taken_on + one.taken_on,
        )
    return total
