"""The task that fetches a configuration the site offers, and ends its trial well or badly (`adoption`)."""

from jikimi.edge.adoption import Adoption
from jikimi.edge.trust import Roots
from jikimi.wire import messages

TRIAL_MS = 180_000  # time to connect with a new configuration: Wi-Fi, TLS, and a broker that is just restarting
_POLL_MS = 1000
_DIGEST_BYTES = 32
_LONGEST = 8192
_CONFIG = "config"  # purpose of the trusted keys


class Adopting:
    """To be set before `run`: `link` and `allowed()` (nobody is in alarm or danger: a restart takes some seconds).

    `restart()` starts the device anew.
    """

    def __init__(self, here, root, restart):
        self.link = None
        self.allowed = None
        self._port = here
        self._restart = restart
        self._offer = None
        trust = Roots(here.files(root + "/trust"), _CONFIG)
        self.adoption = Adoption(here.files(root), here.files(root + "/state"), trust.load)

    def offer(self, arguments):
        """CMD_CONFIG: the site has a configuration for this device."""
        digest, size = arguments.get(messages.ARG_DIGEST), arguments.get(messages.ARG_SIZE)
        whole = type(digest) is bytes and len(digest) == _DIGEST_BYTES and type(size) is int and 0 < size <= _LONGEST
        if whole:
            self._offer = (digest, size)
        else:
            self._port.say("jk log an offer that names nothing")

    async def run(self, beat):
        """For ever: watch the trial, take what is offered."""
        waited_ms = 0
        while True:
            beat()
            if self.adoption.on_trial:
                self._watch(waited_ms)
                waited_ms += _POLL_MS
            elif self._offer is not None and self.link.up and self.allowed():
                await self._take(self._offer, beat)
            await self._port.sleep_ms(_POLL_MS)

    def _watch(self, waited_ms):
        if self.link.up:
            self.adoption.confirm()
            self._port.say("jk log configuration confirmed")
        elif waited_ms >= TRIAL_MS:
            self.adoption.go_back("link")
            self._port.say("jk log configuration given up: no connection with it")
            self._restart()

    async def _take(self, offer, beat):
        self._offer = None
        try:
            reason = self.adoption.offer(await self._fetched(offer, beat))
        except OSError as error:  # the link or the flash: the site offers it again at the next birth
            self._port.say("jk log configuration not taken: " + self._port.describe(error))
            return
        if reason is None:
            self._port.say("jk log configuration taken, on trial")
            self._restart()
        else:
            self._port.say("jk log configuration refused: " + reason)
            await self.link.rebirth()

    async def _fetched(self, offer, beat):
        from jikimi.edge.fetch import Fetcher  # loaded when it is needed, for the memory

        before = self.link.on_piece  # a release that is being fetched asks again for what it misses meanwhile
        try:
            return await Fetcher(self.link, self._port, beat).content(*offer)
        finally:
            self.link.on_piece = before
