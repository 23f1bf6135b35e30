"""Dead letters read again: after an upgrade, or when a device was registered after all."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jikimi.fleet.errors import MessageError
from jikimi.fleet.ingest.sort import sort
from jikimi.fleet.mqtt import Incoming
from jikimi.fleet.store import Batch, DeadLetter, RecordMessage, StatusReport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jikimi.fleet.store import DeadLetterRow, Store

_ACTIVE = "active"


@dataclass(frozen=True)
class Retried:
    """Letters that could be read now, the records found in them that were new, and letters that stay."""

    read: int
    stored: int
    left: int


def retry(site: str, store: Store, letters: Iterable[DeadLetterRow]) -> Retried:
    """Read each letter again, with the time at which it came; what can be stored is no letter any more."""
    active = {row.device for row in store.device_rows() if row.state == _ACTIVE}
    read, stored, left = 0, 0, 0
    for letter in letters:
        new = _store(store, _content(site, letter), active)
        if new is None:
            left += 1
            continue
        store.forget_dead_letter(letter, time.time_ns() // 1_000_000)
        read, stored = read + 1, stored + new
    return Retried(read, stored, left)


def _content(site: str, letter: DeadLetterRow) -> RecordMessage | StatusReport | None:
    # As the broker repeats it: what it says about its device being there is of another day.
    found = sort(site, Incoming(letter.topic, letter.payload, True, letter.first_recv_ms, 0, 0, 0))
    return None if isinstance(found, DeadLetter) else found


def _store(store: Store, content: RecordMessage | StatusReport | None, active: set[str]) -> int | None:
    """How many records were new; None: it can still not be stored."""
    if content is None:
        return None
    if isinstance(content, StatusReport):
        return 0 if content.device in active else None  # an old state says nothing that is true today
    if content.key.device not in active:
        return None
    try:
        return store.store_batch(Batch(messages=(content,))).stored
    except MessageError:
        return None
