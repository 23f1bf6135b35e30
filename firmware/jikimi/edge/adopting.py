"""Configurations the site offers: noted, taken at the next start, tried, kept or undone.

The running application has no memory to spare for verifying signatures. So an offer is only noted (state/offer), and
taken at a start, before the application is built (`taking`).
"""

from jikimi.edge.trial import Trial, remove, text, write
from jikimi.wire import messages

TRIAL_MS = 180_000  # time to connect with a new configuration: Wi-Fi, TLS, and a broker that is just restarting
_POLL_MS = 1000
_DIGEST_BYTES = 32
_LONGEST = 8192
_OFFER = "offer"


class Adopting:
    """To be set before `run`: `link` and `allowed()` (nobody is in alarm or danger: a restart takes some seconds).

    `restart()` starts the device anew. `refused` is what the birth says: "SEQUENCE REASON", or None.
    """

    def __init__(self, here, root, restart):
        self.link = None
        self.allowed = None
        self.trial = Trial(here.files(root), here.files(root + "/state"))
        self.refused = self.trial.refused
        self._port = here
        self._restart = restart
        self._offered = False

    def begin(self):
        """At each start, before the configuration is read: True when it has just gone back and must start anew."""
        return self.trial.begin()

    def taken_up(self):
        """(digest, size) of the offer to be taken at this start, which is forgotten with that; or None."""
        noted = (text(self.trial.state, _OFFER) or "").split(" ")
        remove(self.trial.state, _OFFER)
        if len(noted) != 2 or self.trial.on:
            return None
        return bytes.fromhex(noted[0]), int(noted[1])

    def offer(self, arguments):
        """CMD_CONFIG: the site has a configuration for this device."""
        digest, size = arguments.get(messages.ARG_DIGEST), arguments.get(messages.ARG_SIZE)
        whole = type(digest) is bytes and len(digest) == _DIGEST_BYTES and type(size) is int and 0 < size <= _LONGEST
        if not whole:
            self._port.say("jk log an offer that names nothing")
        elif not self.trial.on:
            write(self.trial.state, _OFFER, f"{digest.hex()} {size}")
            self._offered = True

    async def run(self, beat):
        """For ever: watch the trial, restart for what is offered."""
        waited_ms = 0
        while True:
            beat()
            if self.trial.on:
                self._watch(waited_ms)
                waited_ms += _POLL_MS
            elif self._offered and self.allowed():
                self._port.say("jk log restart to take a configuration")
                self._restart()
            await self._port.sleep_ms(_POLL_MS)

    def _watch(self, waited_ms):
        if self.link.up:
            self.trial.confirm()
            self.refused = None
            self._port.say("jk log configuration confirmed")
        elif waited_ms >= TRIAL_MS:
            self.trial.go_back("link")
            self._port.say("jk log configuration given up: no connection with it")
            self._restart()
