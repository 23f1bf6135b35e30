"""The loop of ingest: read and decode, commit, acknowledge.

While one batch is committed the next is read, up to a limit; then nothing is read until the commit has ended, so the
broker waits and memory stays bounded whatever the database does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from jikimi.fleet.ingest.committer import PATIENCE_S, Committer
from jikimi.fleet.ingest.gaps import Gaps
from jikimi.fleet.ingest.sort import sort
from jikimi.fleet.store import Outcome, StatusReport
from jikimi.wire import kinds, topics
from jikimi.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jikimi.fleet.ingest.committer import BatchStore
    from jikimi.fleet.ingest.sort import Sorted
    from jikimi.fleet.mqtt import Incoming
    from jikimi.fleet.store import AlarmKey, StreamKey

# One commit costs about the same for one message as for a hundred, so under load many share one.
_BATCH = 1_000  # messages
_BATCH_BYTES = 512 << 10  # of their payloads
LINGER_S = 0.02  # how long the first message waits for company; alarms do not wait
_IDLE_S = 5.0  # how often the connection is looked after when nothing comes
# A clock further off than this is set; a birth that was kept by the broker while ingest was away looks old, which
# costs one command without effect.
_CLOCK_OFF_MS = 2_000


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

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send these (topic, payload) at QoS 0."""


@dataclass
class Totals:
    """What was done since the start."""

    messages: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: int = 0


@dataclass
class _Gathered:
    """What was read and is not on its way to the database yet."""

    messages: list[Incoming] = field(default_factory=list)
    items: list[Sorted] = field(default_factory=list)
    n_bytes: int = 0
    due_s: float = 0.0  # when it is to be committed, on the monotonic clock

    @property
    def full(self) -> bool:
        return len(self.messages) >= _BATCH or self.n_bytes >= _BATCH_BYTES

    def add(self, site: str, arrived: Iterable[Incoming], linger_s: float) -> None:
        for message in arrived:
            if not self.messages:
                self.due_s = time.monotonic() + linger_s
            if _is_alarm(message):
                self.due_s = 0.0
            self.messages.append(message)
            self.items.append(sort(site, message))
            self.n_bytes += len(message.payload)


class Worker:
    """Moves messages of `site` from a connection into a store until `stop`; `close` it at the end."""

    def __init__(
        self,
        site: str,
        connection: Connection,
        store: BatchStore,
        *,
        linger_s: float = LINGER_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Wait `linger_s` for company of the first event, and `patience_s` for a database that does not work."""
        self.totals = Totals()
        self._site = site
        self._connection = connection
        self._linger_s = linger_s
        self._committer = Committer(store, connection.wake, patience_s)
        self._gathered = _Gathered()
        self._committing = _Gathered()
        self._gaps = Gaps()
        self._stopping = False

    def stop(self) -> None:
        """Finish what was read and return from `run`; a signal handler may call this."""
        self._stopping = True
        self._connection.wake()

    def close(self) -> None:
        """End the thread that commits. Idempotent."""
        self._committer.close()

    def wait_ready(self) -> bool:
        """Connect and be granted the subscriptions; False: stopped before. What comes meanwhile is stored."""
        while not self._connection.ready and not self._stopping:
            self.step()
        return self._connection.ready

    def run(self, on_turn: Callable[[], None] = lambda: None) -> None:
        """Work until `stop`; `on_turn` is called every few seconds at least, as long as all is well.

        StoreError when the database stays broken: what was not stored is not acknowledged.
        """
        while not self._stopping:
            on_turn()
            self.step()
        self.finish()

    def finish(self) -> None:
        """Commit and acknowledge all that was read."""
        while self._committer.busy or self._gathered.messages:
            if self._committer.busy:
                self._conclude()
            if self._gathered.messages:
                self._begin()

    def step(self) -> None:
        """One turn: read what is there, conclude a commit that has ended, begin one that is due."""
        if self._gathered.full:
            self._connection.wait(_IDLE_S)
        else:
            self._gathered.add(self._site, self._connection.receive(self._wait_s()), self._linger_s)
        if self._committer.done:
            self._conclude()
        if not self._committer.busy and self._is_due():
            self._begin()
        self._ask_for_missing()

    def _wait_s(self) -> float:
        """How long to wait for messages now; the end of a commit wakes us."""
        if self._committer.busy or not self._gathered.messages:
            return _IDLE_S
        return max(0.0, self._gathered.due_s - time.monotonic())

    def _is_due(self) -> bool:
        gathered = self._gathered
        return bool(gathered.messages) and (gathered.full or time.monotonic() >= gathered.due_s)

    def _begin(self) -> None:
        self._committing, self._gathered = self._gathered, _Gathered()
        self._committer.begin(self._committing.items)

    def _conclude(self) -> None:
        outcome, done = self._committer.take(), self._committing
        # From here on the batch is on the disk.
        self._connection.acknowledge(done.messages)
        self._tell_devices(outcome.acks)
        self._tell_wearers(outcome.taken_on)
        self._set_clocks(item for item in done.items if isinstance(item, StatusReport))
        self._gaps.note(outcome.acks, outcome.gaps, time.monotonic())
        self._count(len(done.messages), outcome)

    def _ask_for_missing(self) -> None:
        asked = []
        for key, seq in self._gaps.due(time.monotonic()):
            meant: dict[int, object] = {wire.ARG_BOOT: key.boot, wire.ARG_STREAM: key.stream, wire.ARG_SEQ: seq}
            asked.append((self._command_topic(key.device), wire.encode_command(wire.CMD_RESEND, meant)))
        if asked:
            self._connection.publish_all(asked)

    def _tell_devices(self, acks: Mapping[StreamKey, int]) -> None:
        self._connection.publish_all(
            (topics.topic(self._site, key.device, topics.ACK), wire.encode_ack(key.boot, key.stream, upto))
            for key, upto in acks.items()
        )

    def _tell_wearers(self, taken_on: Iterable[AlarmKey]) -> None:
        """Somebody has taken these alarms on, and their devices have not heard of it."""
        told = []
        for alarm in taken_on:
            meant: dict[int, object] = {wire.ARG_BOOT: alarm.boot, wire.ARG_SEQ: alarm.seq}
            told.append((self._command_topic(alarm.device), wire.encode_command(wire.CMD_ALARM_SEEN, meant)))
        self._connection.publish_all(told)

    def _set_clocks(self, reports: Iterable[StatusReport]) -> None:
        told = []
        for report in reports:
            if clock_needs_setting(report):
                now_ms = time.time_ns() // 1_000_000
                command = wire.encode_command(wire.CMD_TIME, {wire.ARG_EPOCH_MS: now_ms})
                told.append((self._command_topic(report.device), command))
        # At QoS 0, because the broker would keep it for a device that is away: it must come now or not at all.
        self._connection.publish_all(told)

    def _command_topic(self, device: str) -> str:
        return topics.topic(self._site, device, topics.COMMAND)

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


def _is_alarm(message: Incoming) -> bool:
    return message.topic.endswith("/" + topics.ALARM)
