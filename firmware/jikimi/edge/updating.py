"""The small part of updating that is always loaded: which slot runs, offers, and when to load the rest.

`update` and what it needs take memory that a device at work has better use for.
"""

import gc

from jikimi.edge.slots import Slots
from jikimi.wire import messages

_POLL_MS = 1000
_DIGEST_BYTES = 32


class Updating:
    """`slots` is None where the application does not come as releases (a Linux gateway).

    To be set before `run`: `link`, `allowed()` (nobody is at risk now) and `parts` (see health.Gate).
    """

    def __init__(self, here, root):
        self.link = None
        self.allowed = None
        self.parts = {}
        self._port = here
        self._root = root
        self._arch = here.native_arch()
        self.slots = None if self._arch is None else Slots(here.files(root))
        self._offer = None
        self._updater = None

    @property
    def on_trial(self):
        return self.slots is not None and self.slots.on_trial

    def state(self):
        """Fields of the state message."""
        if self.slots is None:
            return {}
        failed = self.slots.failed()
        return {
            "slot": self.slots.running,
            "release": self.slots.sequence() or None,
            "trial": 1 if self.slots.on_trial else 0,
            "failed_release": failed[0] if failed else None,
            "failed_why": failed[1] if failed else None,
        }

    def offer(self, arguments):
        """CMD_RELEASE: the site has a release."""
        digest, size = arguments.get(messages.ARG_DIGEST), arguments.get(messages.ARG_SIZE)
        if type(digest) is not bytes or len(digest) != _DIGEST_BYTES or type(size) is not int or size < 1:
            self._port.say("jk log an offer that names nothing")
        elif self._updater is not None:
            self._updater.offer(digest, size)
        else:
            self._offer = (digest, size)

    def stop(self, _arguments):
        """CMD_STOP_RELEASE: the site takes it back."""
        self._offer = None
        if self._updater is not None:
            self._updater.stop()

    async def run(self, beat):
        """Wait until there is something to do, then do it, for ever."""
        work = None if self.slots is None else self._port.files(self._root + "/update")
        while work is None or not (self._offer or self.on_trial or "envelope" in work.names()):
            beat()
            await self._port.sleep_ms(_POLL_MS)
        self._updater = self._made(work, beat)
        if self._offer:
            self._updater.offer(*self._offer)
        await self._updater.run()

    def _made(self, work, beat):
        # Loaded now, as the module says.
        from jikimi.edge.fetch import Fetcher
        from jikimi.edge.health import HEAP_LEAST, Gate
        from jikimi.edge.trust import Roots
        from jikimi.edge.update import Updater
        from jikimi.wire import manifest

        here, link = self._port, self.link

        async def heap():
            free = here.heap_free()
            return free is None or free >= HEAP_LEAST

        async def broker():
            return link.up

        gc.collect()
        return Updater(
            here,
            self.slots,
            work,
            Roots(here.files(self._root + "/trust"), "release"),
            manifest.class_id(self._arch),
            Fetcher(link, here, beat),
            self.allowed,
            Gate(here, dict(self.parts, broker=broker, heap=heap)),
            link.rebirth,
            beat,
        )
