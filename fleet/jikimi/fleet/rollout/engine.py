"""Lets open rollouts advance, and tells devices.

The delivery service has it, on each machine of a site: `database.step` lets one of them send what is due.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jikimi.fleet.rollout import database
from jikimi.wire import messages, topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from jikimi.fleet.site import Site

    Send = Callable[[str, bytes], object]

_PERIOD_S = 1.0
_REST = 9  # times as long as a look took: content has to be served as well, however many devices there are
_EXPIRES_MS = 60_000  # a command that the broker kept for longer is repeated by the next offer


class Engine:
    """`send(topic, payload)` hands a command to the broker, QoS 1."""

    def __init__(self, site: Site, send: Send) -> None:
        self._site = site
        self._send = send
        self._due_s = 0.0
        self._ident = 0

    def step(self) -> None:
        """Look after the rollouts if it is time. StoreError when the database does not work."""
        started_s = time.monotonic()
        if started_s < self._due_s:
            return
        for number in database.open_numbers(self._site):
            self._advance(number)
        now_s = time.monotonic()
        self._due_s = now_s + max(_PERIOD_S, _REST * (now_s - started_s))

    def _advance(self, number: int) -> None:
        now_ms = _now_ms()
        stored, actions = database.step(self._site, number, now_ms)
        arguments: dict[int, object] = {
            messages.ARG_DIGEST: stored.envelope,
            messages.ARG_SIZE: stored.envelope_bytes,
        }
        for device in actions.offer:
            self._command(device, messages.CMD_RELEASE, arguments, now_ms)
        for device in actions.withdraw:
            self._command(device, messages.CMD_STOP_RELEASE, {}, now_ms)

    def _command(self, device: str, what: int, arguments: dict[int, object], now_ms: int) -> None:
        self._ident = (self._ident + 1) & 0xFFFFFFFF
        payload = messages.encode_command(what, arguments, self._ident, now_ms + _EXPIRES_MS)
        self._send(topics.topic(self._site.name, device, topics.COMMAND), payload)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
