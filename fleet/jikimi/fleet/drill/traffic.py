"""Tags that report at a steady pace, in a thread of their own, and what they know of their records."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, Self

from jikimi.fleet.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jikimi.fleet.load import Tag

_PERIOD_S = 1.0  # of one tag; it reports a few messages each time


class Count(NamedTuple):
    """Records of one tag: those up to `acked` are on the site's disk, the rest of `sent` waits at the tag."""

    sent: int
    acked: int
    losses: int = 0  # connections it lost, or could not make

    @property
    def waiting(self) -> int:
        """Sent, and not heard of yet."""
        return self.sent - self.acked


class Traffic:
    """Lets `tags` report from `start` to `stop`; leaving the context ends them at once."""

    def __init__(self, tags: Sequence[Tag]) -> None:
        self.tags = tags
        self.took_s = 0.0
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "tags")
        self._work: asyncio.Task[None] | None = None
        self._outcome: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()
        self._thread.shutdown()
        self._loop.close()

    def start(self) -> None:
        """Connect all tags and let them report."""
        self._outcome = self._thread.submit(self._run)

    def stop(self) -> None:
        """Nothing new from now on; `done` when all that was sent is acknowledged."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    def abandon(self) -> None:
        """End now, whatever is still waiting. Idempotent."""
        if self._outcome is not None and not self._outcome.done():
            self._loop.call_soon_threadsafe(self._cancel)
            self._outcome.exception()

    def done(self) -> bool:
        """Whether it has ended; raises what ended it."""
        if self._outcome is None or not self._outcome.done():
            return False
        self._outcome.result()
        return True

    def counts(self) -> dict[str, Count]:
        """Of each tag. What is acknowledged is read first: a record is sent before that."""
        acked = [tag.acked for tag in self.tags]
        return {tag.device: Count(tag.sent, upto, tag.losses) for tag, upto in zip(self.tags, acked, strict=True)}

    def _run(self) -> None:
        self._work = self._loop.create_task(self._report_all())
        try:
            self._loop.run_until_complete(self._work)
        except asyncio.CancelledError:
            return  # abandoned

    def _cancel(self) -> None:
        if self._work is not None:
            self._work.cancel()

    async def _report_all(self) -> None:
        try:
            await asyncio.gather(*(tag.connect_somewhere() for tag in self.tags))
        except (OSError, EOFError, TimeoutError) as error:
            raise ServiceError(f"the tags cannot connect to the broker: {error or type(error).__name__}") from error
        began_s = time.monotonic()
        try:
            async with asyncio.TaskGroup() as reporting:
                for number, tag in enumerate(self.tags):
                    reporting.create_task(self._report(tag, _PERIOD_S * number / len(self.tags)))
        finally:
            self.took_s = time.monotonic() - began_s
            for tag in self.tags:
                tag.close()

    async def _report(self, tag: Tag, after_s: float) -> None:
        await self._pause(after_s)
        while not self._stopping.is_set():
            due_s = time.monotonic() + _PERIOD_S
            await tag.send_while(_once())
            await self._pause(due_s - time.monotonic())
        while tag.acked < tag.sent:  # it gives up after a minute, a tag on a person does not
            await tag.send_while(lambda: False)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), max(0.0, seconds))
        except TimeoutError:
            return


def _once() -> Callable[[], bool]:
    """True the first time it is asked."""
    turns = iter((True,))
    return lambda: next(turns, False)
