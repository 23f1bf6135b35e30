"""The cluster as it is seen from outside: the nodes by their own word, the database by what it holds."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from jikimi.fleet import broker
from jikimi.fleet.broker.config import server_name
from jikimi.fleet.errors import ServiceError, StoreError
from jikimi.fleet.jetstream.streams import EVENTS, LEAVES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jikimi.fleet.drill.traffic import Traffic
    from jikimi.fleet.site import Site
    from jikimi.fleet.store import SequenceRow, Store

_EVERY_S = 0.25
_SHARE = 0.1  # of the time may go into reading the database, where every record is counted


@dataclass(frozen=True)
class NodeSeen:
    """One node of the broker, process `pid`. A frozen one is there and does not answer."""

    pid: int | None = None
    answers: bool = False
    current: bool = False  # it has all that the others have
    leads: bool = False  # it takes what tags report and hands it to the others and to the workers
    tags: int = 0  # connected to it
    queued: int = 0  # messages it knows of that no worker has acknowledged


@dataclass(frozen=True)
class Books:
    """The tags' word against the database's, while both go on: what is under way counts for neither.

    What is acknowledged is read first, what is sent last.
    """

    sent: int = 0
    stored: int = 0
    acked: int = 0
    lost: int = 0  # acknowledged and not stored
    doubled: int = 0  # stored and not sent
    gaps: int = 0  # tags of which an earlier record is still to come
    readable: bool = True  # False: the database does not answer, and these are its last words


@dataclass(frozen=True)
class Seen:
    """One look; `nodes` by name."""

    nodes: dict[str, NodeSeen]
    books: Books

    @property
    def trouble(self) -> str | None:
        """What is amiss; None: every part answers, and one node leads."""
        silent = [name for name, node in self.nodes.items() if not node.answers]
        if not self.books.readable:
            silent.append("the database")
        if silent:
            return f"no answer from {', '.join(silent)}"
        return "the nodes choose a leader" if self.leader is None else None

    @property
    def leader(self) -> str | None:
        """The node that leads."""
        return next((name for name, node in self.nodes.items() if node.leads), None)

    @property
    def queued(self) -> int:
        """Messages in the broker that no worker has acknowledged."""
        return max(node.queued for node in self.nodes.values())


class Watch:
    """Looks all the time, in threads of its own, from entering the context to leaving it."""

    def __init__(self, site: Site, store: Store, traffic: Traffic) -> None:
        self._site, self._store, self._traffic = site, store, traffic
        self._nodes = broker.nodes(site)
        self._seen = Seen({node.name: NodeSeen() for node in self._nodes}, Books())
        self._read_due_s = 0.0
        self._ending = threading.Event()
        self._threads = ThreadPoolExecutor(len(self._nodes) + 1, "watch")

    def __enter__(self) -> Self:
        self._outcome = self._threads.submit(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._threads.shutdown()

    def latest(self) -> Seen:
        """The latest look; raises what ended the watch."""
        if self._outcome.done():
            self._outcome.result()
        return self._seen

    def _run(self) -> None:
        while not self._ending.wait(_EVERY_S):
            looks = self._threads.map(self._look, self._nodes)
            books = self._read_now_and_then()
            self._seen = Seen(dict(zip((node.name for node in self._nodes), looks, strict=True)), books)

    def _look(self, node: broker.Node) -> NodeSeen:
        pid = broker.running_pid(self._site, node)
        if pid is None:
            return NodeSeen()
        try:
            connections = broker.monitor(self._site, "connz?limit=1024", node)["connections"]
            streams = _streams(broker.monitor(self._site, "jsz?accounts=true&streams=true", node))
        except ServiceError:
            return NodeSeen(pid)
        leader = streams.get(EVENTS, {}).get("cluster", {}).get("leader")
        return NodeSeen(
            pid,
            answers=True,
            current=self._is_current(node),
            leads=leader == server_name(self._site, node),
            tags=sum("mqtt_client" in connection for connection in connections),
            queued=sum(stream["state"]["messages"] for name, stream in streams.items() if name in LEAVES),
        )

    def _is_current(self, node: broker.Node) -> bool:
        try:
            broker.monitor(self._site, "healthz", node)
        except ServiceError:  # it says what it still has to fetch
            return False
        return True

    def _read_now_and_then(self) -> Books:
        began_s = time.monotonic()
        if began_s < self._read_due_s:
            return self._seen.books
        books = self._read()
        ended_s = time.monotonic()
        self._read_due_s = ended_s + (ended_s - began_s) / _SHARE
        return books

    def _read(self) -> Books:
        acked = {device: count.acked for device, count in self._traffic.counts().items()}
        try:
            rows = self._store.sequences()
        except StoreError:
            return replace(self._seen.books, readable=False)
        sent = {device: count.sent for device, count in self._traffic.counts().items()}
        return balance(acked, rows, sent)


def balance(acked: dict[str, int], rows: Iterable[SequenceRow], sent: dict[str, int]) -> Books:
    """The books, where `acked` was read before `rows` and `sent` after it."""
    stored = {row.device: row for row in rows}
    counts = {device: stored[device].stored if device in stored else 0 for device in sent}
    return Books(
        sent=sum(sent.values()),
        stored=sum(counts.values()),
        acked=sum(acked.values()),
        lost=sum(max(0, acked[device] - count) for device, count in counts.items()),
        doubled=sum(max(0, count - sent[device]) for device, count in counts.items()),
        gaps=sum(row.upto < row.highest for row in stored.values()),
    )


def _streams(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The streams that a node says it has, by name."""
    return {
        stream["name"]: stream
        for account in answer.get("account_details") or ()
        for stream in account.get("stream_detail") or ()
    }
