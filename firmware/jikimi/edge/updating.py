"""Updating: which slot runs, offers, and what is to be done about them in this life; loaded by `releases`.

Fetching and verifying takes memory that a device at work needs for its sensors, so it has a life of its own: when an
offer is there and nobody is at risk, the device starts anew with button, warnings and reports only (`quiet`), does the
work (`update`), and starts again. Files of `update` carry everything from one life to the next:

    offer      digest and size of the envelope to fetch           tries   attempts so far
    go         the next life is a quiet one                       expect  parts that work, for the health gate
    envelope, index, part, of, roots                              see update.py
"""

from jikimi.edge.bound import Bound
from jikimi.edge.slots import Slots
from jikimi.wire import messages

_DIGEST_BYTES = 32
_RETRY_MS = 30_000
_LONGEST_RETRY_MS = 900_000
_LAST_WORDS_MS = 1000
WORK = ("offer", "go", "expect", "tries", "envelope", "index", "part", "of", "roots")


class Updating:
    """`slots` is None where the application does not come as releases (a Linux gateway).

    To be set before `run`: `link`, `allowed()` (nobody is at risk now) and `parts` (see health.Gate).
    """

    def __init__(self, here, root):
        self.link = None
        self.allowed = None
        self.parts = {}
        self.quiet = False
        self._port = here
        self._arch = here.native_arch()
        self.slots = None
        self._stopped = False
        if self._arch is None:
            return
        self._flash = here.files(root)
        self._work = here.files(root + "/update")
        self.slots = Slots(self._flash)
        if self.slots.rolled_back or not self._legible() or (not self.on_trial and self._has(self.read("offer"))):
            self.forget()  # it failed, cannot be read any more, or is what runs now
        if "go" in self._work.names():
            self._work.remove("go")  # if this life fails, the next one is whole again
            self.quiet = not self.on_trial and "offer" in self._work.names()
        if self.quiet:
            self._prepare()

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
        """CMD_RELEASE: the site has a release. The same again changes nothing."""
        digest, size = arguments.get(messages.ARG_DIGEST), arguments.get(messages.ARG_SIZE)
        whole = type(digest) is bytes and len(digest) == _DIGEST_BYTES and type(size) is int and size > 0
        if self.slots is None or not whole:
            self._port.say("jk log an offer this device cannot take")
            return
        told = (digest.hex() + " " + str(size)).encode()
        if not self.on_trial and self.read("offer") != told and not self._has(told):
            self.forget()  # what is there belongs to another release
            self.put("offer", told)

    def stop(self, _arguments):
        """CMD_STOP_RELEASE: the site takes it back; a trial that has begun goes on."""
        self._stopped = True
        if self.slots is not None and not self.on_trial and not self.quiet:
            self.forget()

    def changed_mind(self):
        """Whether a quiet life must end: somebody needs the device, or the site has thought better of it."""
        return self._stopped or not self.allowed()

    def pending(self):
        """Whether there is an offer to be taken."""
        return self.slots is not None and "offer" in self._work.names()

    def _legible(self):
        """Whether what is noted can still be read: a device must not start anew for ever because it cannot."""
        try:
            int(self.read("tries") or 0)
            digest, size = (self.read("offer") or b"00 1").decode().split()
            return len(bytes.fromhex(digest)) > 0 and int(size) > 0
        except ValueError:  # a UnicodeError is one on both Pythons
            return False

    def _has(self, told):
        """Whether what is offered is the release that runs."""
        running = None if told is None else self.slots.envelope_digest()
        return running is not None and told.startswith(running.hex().encode())

    # ---- files ----

    def put(self, name, content):
        file = self._work.create("new")
        try:
            self._work.write(file, content)
        finally:
            self._work.close(file)
        self._work.rename("new", name)

    def read(self, name):
        """Content of a file of the work, or None."""
        return self._work.read(name) if name in self._work.names() else None

    def forget(self):
        """There is nothing to do any more. The offer goes first: without it nothing of the rest counts."""
        for name in WORK:
            if name in self._work.names():
                self._work.remove(name)

    # ---- lives ----

    async def trial(self, beat):
        """Confirm the release that runs, or go back to the one before."""
        from jikimi.edge.release_trial import ReleaseTrial  # loaded now, as the module says

        trial = ReleaseTrial(self._port, self.slots, self._flash, self, self._gate(), self.link.rebirth)
        await trial.run(beat)

    def _prepare(self):
        """Load what a quiet life needs while the heap is fresh: later there is no piece left of this size."""
        from jikimi.edge.fetch import Fetcher
        from jikimi.edge.update import Updater
        from jikimi.wire import cose, manifest

        size = min(int(self.read("offer").split()[1]), cose.MAX_ENVELOPE)
        self._updater = Updater(self._port, self, self._flash, manifest.class_id(self._arch), bytearray(size))
        self._fetcher = Fetcher

    async def quiet_life(self, beat):
        """Fetch, verify and fill the other slot; ends with a restart."""
        await self._updater.run(Bound(self._fetcher, self.link, self._port), beat)
        if self._stopped:
            self.forget()
        await self._restart()

    def retry_ms(self):
        """How long to wait before `begin`: it may have been tried a moment ago."""
        tries = int(self.read("tries") or 0)
        return min(_RETRY_MS << min(tries, 8), _LONGEST_RETRY_MS) if tries else 0

    async def begin(self, beat):
        """Note what works, and start anew for the work."""
        tries = int(self.read("tries") or 0)
        expected = await self._gate().baseline(beat)
        if "offer" not in self._work.names() or not self.allowed():
            return  # somebody has just taken it: another time
        self.put("expect", " ".join(expected).encode())
        self.put("tries", str(tries + 1).encode())
        self.put("go", b"")
        await self._restart()

    async def _restart(self):
        await self._port.sleep_ms(_LAST_WORDS_MS)
        self._port.reset()

    def _gate(self):
        from jikimi.edge.health import HEAP_LEAST, Gate

        here, link = self._port, self.link

        async def heap():
            free = here.heap_free()
            return free is None or free >= HEAP_LEAST

        async def broker():
            return link.up

        return Gate(here, dict(self.parts, broker=broker, heap=heap))
