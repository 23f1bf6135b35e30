"""The small part of taking releases that is always loaded; `updating` has the rest, and is loaded when it is needed."""

from jikimi.edge.memory import unload

_POLL_MS = 1000
_FLASH_MS = 60_000  # before a flash is tried again that did not take what has to be noted
_FIRST_MS = 2_000  # after a start, so that a device is reachable between two attempts


class Releases:
    """To be set before `run`: `link`, `allowed()` (nobody is at risk now) and `parts` (see health.Gate).

    `quiet`: this life is for fetching a release, without sensors and radios.
    """

    def __init__(self, here, root):
        self.link = None
        self.allowed = None
        self.parts = {}
        self._here = here
        self._root = root
        self._updating = None
        self._load()
        self.quiet = self._updating.quiet
        self._let_go()

    @property
    def on_trial(self):
        """Whether the release that runs is not confirmed yet."""
        return self._updating is not None and self._updating.on_trial

    def state(self):
        """Fields of the state message."""
        return self._state if self._updating is None else self._updating.state()

    def offer(self, arguments):
        """CMD_RELEASE: the site has a release. The same again changes nothing."""
        self._load().offer(arguments)
        self._let_go()

    def stop(self, arguments):
        """CMD_STOP_RELEASE: the site takes it back; a trial that has begun goes on."""
        self._load().stop(arguments)
        self._let_go()

    async def run(self, beat):
        """For ever, or until a restart: the trial that is on, the work of a quiet life, or waiting for the next."""
        if self.on_trial:
            await self._load().trial(beat)
            self._let_go()
        elif self.quiet:
            await self._load().quiet_life(beat)
        await self._pause(_FIRST_MS, beat)
        while True:
            if self._pending and self.allowed():
                await self._begin(beat)
            await self._pause(_POLL_MS, beat)

    async def _begin(self, beat):
        wait_ms = self._load().retry_ms()
        self._let_go()
        await self._pause(wait_ms, beat)
        try:
            await self._load().begin(beat)
        except OSError as error:
            self._here.say("jk update waits: " + self._here.describe(error))
            await self._pause(_FLASH_MS, beat)
        self._let_go()

    def _load(self):
        if self._updating is None:
            from jikimi.edge.updating import Updating

            self._updating = Updating(self._here, self._root)
        work = self._updating
        work.link, work.allowed, work.parts = self.link, self.allowed, self.parts
        return work

    def _let_go(self):
        """Keep what is asked for in a life like any other, and no more."""
        work = self._updating
        self._state, self._pending = work.state(), work.pending()
        if work.on_trial or self.quiet:
            return
        self._updating = work = None
        unload("jikimi.edge.updating", "jikimi.edge.slots", "jikimi.edge.release_trial", "jikimi.edge.health")

    async def _pause(self, ms, beat):
        while ms > 0:
            beat()
            await self._here.sleep_ms(min(ms, _POLL_MS))
            ms -= _POLL_MS
