"""The trial of a release that has just been started: confirm it, or go back to the application of before."""

_LAST_WORDS_MS = 1000


class ReleaseTrial:
    """`flash` are the `Files` of the whole flash, `work` an updating.Updating, `gate` a health.Gate.

    `changed()` is a coroutine function that tells the site what this device now is.
    """

    def __init__(self, port, slots, flash, work, gate, changed):
        self._port = port
        self._slots = slots
        self._flash = flash
        self._work = work
        self._gate = gate
        self._changed = changed

    async def run(self, beat):
        """Returns when the release is confirmed; restarts the device otherwise."""
        expected = (self._work.read("expect") or b"").decode().split()
        reason = await self._gate.passes(expected, beat)
        if reason is not None:
            await self._go_back(reason)
        else:
            await self._confirm()

    async def _confirm(self):
        if self._work.read("roots") is not None:
            # First, so that a confirmed release has always brought the keys it was signed to bring.
            self._flash.make_folders("trust/release")
            self._flash.rename("update/roots", "trust/release")
        self._slots.confirm()
        self._work.forget()
        self._port.say(f"jk update confirmed {self._slots.sequence()}")
        await self._changed()

    async def _go_back(self, reason):
        self._port.say(f"jk update failed {self._slots.sequence()} {reason}")
        self._work.forget()
        self._slots.give_up(reason)
        await self._port.sleep_ms(_LAST_WORDS_MS)
        self._port.reset()
