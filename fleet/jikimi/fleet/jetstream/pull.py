"""Reading one partition of one stream: ask for messages, count what was asked for, ask again."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

from jikimi.fleet.jetstream.streams import consumer_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

_BATCH: Final = 256
_EXPIRES_S: Final = 10.0  # the broker forgets a request that could not be served after this long
_GRACE_S: Final = 2.0


class Pull:
    """An open request for messages of `partition` of `stream`; each one goes to `take`."""

    def __init__(self, client: Client, stream: str, partition: int, take: Callable[[Msg], None]) -> None:
        self._client = client
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer_name(partition)}"
        self._inbox = client.new_inbox()
        self._take = take
        self._credit = 0  # messages asked for that have not come
        self._asked_s = 0.0
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        """Begin."""
        self._subscription = await self._client.subscribe(self._inbox, cb=self._on_message)

    async def close(self) -> None:
        """End; the broker drops the request, because nobody listens for its answer any more."""
        if self._subscription is not None:
            await self._subscription.unsubscribe()

    def forget(self) -> None:
        """The connection was lost, and with it the request."""
        self._credit = 0

    async def ask(self) -> None:
        """Ask for more when at most half of what was asked for is still to come, or the request must have ended."""
        if time.monotonic() - self._asked_s > _EXPIRES_S + _GRACE_S:
            self._credit = 0
        if self._credit > _BATCH // 2:
            return
        wanted = {"batch": _BATCH - self._credit, "expires": int(_EXPIRES_S * 1e9)}
        self._credit, self._asked_s = _BATCH, time.monotonic()
        await self._client.publish(self._subject, json.dumps(wanted).encode(), reply=self._inbox)

    async def _on_message(self, message: Msg) -> None:
        if message.reply:
            self._credit -= 1
            self._take(message)
        elif message.headers and message.headers.get("Status") != "100":  # 100: the broker is still there
            # The request ended (its time is over, the consumer has a new leader, …).
            self._credit = 0
