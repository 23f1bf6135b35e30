"""Commits on a thread of their own, so that the next batch is read and decoded while the disk works.

One commit is under way at a time. What the thread raises comes out where the outcome is asked for: nothing dies unseen.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Protocol

from jikimi.fleet.errors import MessageError, StoreError
from jikimi.fleet.store import Batch, DeadLetter, Outcome, RecordMessage, StatusReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jikimi.fleet.ingest.sort import Sorted

_log = logging.getLogger(__name__)

PATIENCE_S: Final = 120.0  # with a database that does not work; the broker keeps what comes meanwhile
_PAUSE_S, _PAUSE_MAX_S = 0.1, 5.0  # between attempts; doubles
_REFUSED: Final = "refused-by-store"


class BatchStore(Protocol):
    """What is needed of `jikimi.fleet.store.Store`."""

    def store_batch(self, batch: Batch) -> Outcome:
        """Commit `batch`, or raise StoreError or MessageError."""


class Committer:
    """Puts batches into `store`, patiently; calls `on_done` from its thread when a commit has ended either way."""

    def __init__(self, store: BatchStore, on_done: Callable[[], None], patience_s: float = PATIENCE_S) -> None:
        self._store = store
        self._on_done = on_done
        self._patience_s = patience_s
        self._closing = threading.Event()
        self._executor = ThreadPoolExecutor(1, "commit")
        self._under_way: Future[Outcome] | None = None

    @property
    def busy(self) -> bool:
        """Whether a commit has begun whose outcome was not taken yet."""
        return self._under_way is not None

    @property
    def done(self) -> bool:
        """Whether an outcome can be taken without waiting."""
        return self._under_way is not None and self._under_way.done()

    def begin(self, items: Sequence[Sorted]) -> None:
        """Begin to commit `items`; the last outcome must have been taken."""
        assert self._under_way is None
        self._under_way = self._executor.submit(self._commit, items)
        self._under_way.add_done_callback(lambda _: self._on_done())

    def take(self) -> Outcome:
        """Wait for the end of the commit under way. StoreError when the database stayed broken for too long."""
        assert self._under_way is not None
        try:
            return self._under_way.result()
        finally:
            self._under_way = None

    def close(self) -> None:
        """End the thread; an attempt to commit is finished, and not repeated."""
        self._closing.set()
        self._executor.shutdown()

    def _commit(self, items: Sequence[Sorted]) -> Outcome:
        try:
            return self._patiently(_batch(items))
        except MessageError:
            # Something in it cannot be stored, by no fault of the database: find it, keep the rest flowing.
            return _sum(self._commit_alone(item) for item in items if item is not None)

    def _commit_alone(self, item: RecordMessage | StatusReport | DeadLetter) -> Outcome:
        try:
            return self._patiently(_batch([item]))
        except MessageError as error:
            _log.error("a message is refused by the database: %s", error)
            return self._patiently(_batch([_refused(item)]))

    def _patiently(self, batch: Batch) -> Outcome:
        until_s, pause_s = time.monotonic() + self._patience_s, _PAUSE_S
        while True:
            try:
                return self._store.store_batch(batch)
            except StoreError as error:
                if time.monotonic() + pause_s > until_s:
                    raise
                _log.warning("nothing is stored at the moment, trying again in %.1f s: %s", pause_s, error)
                if self._closing.wait(pause_s):
                    raise
            pause_s = min(_PAUSE_MAX_S, 2 * pause_s)


def _refused(item: RecordMessage | StatusReport | DeadLetter) -> DeadLetter:
    if isinstance(item, RecordMessage):
        return DeadLetter(item.source, _REFUSED, item.key, item.records[0].seq)
    return DeadLetter(item.source, _REFUSED)


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
            {**total.gaps, **one.gaps},
        )
    return total
