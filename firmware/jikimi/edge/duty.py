"""Whether a tag is on duty. Off duty it neither senses, records nor advertises, and shows no light.

It is off duty on its charger, and after the site's order (CMD_DUTY) until it is next taken off a charger or ordered on.
Two things go first: a wearer's alarm that is on keeps it on duty, and holding the button to call for help, even on the
charger, brings it back.
"""

_POLL_MS = 250
# The charger's contacts bounce: so many equal readings in a row count.
_STEADY = 4
_FILE = "off"


class Always:
    """A device that has no shifts."""

    on = True


class Duty:
    """`docked()` tells whether it sits on its charger, `in_alarm()` whether an alarm of the wearer is on.

    `state` are the `Files` of the state directory, which keep an order over a restart. `since_ms` is when duty began.
    """

    def __init__(self, state, docked, in_alarm, clock):
        self._state = state
        self._docked = docked
        self._in_alarm = in_alarm
        self._clock = clock
        self._listeners = []
        self._ordered_off = _FILE in state.names()
        self._on_charger = docked()
        self._differs = 0
        self.on = self._wanted()
        self.since_ms = clock.up_ms()

    @property
    def docked(self):
        """It sits on its charger."""
        return self._on_charger

    def tell(self, listener):
        """`listener(on)` is called now, and whenever duty begins or ends."""
        self._listeners.append(listener)
        listener(self.on)

    def order(self, on):
        """The site begins or ends the duty."""
        if on == self._ordered_off:
            self._ordered_off = not on
            self._remember()
        self.update()

    async def run(self, sleep_ms, beat):
        """Watch the charger, for ever."""
        while True:
            beat()
            self.poll()
            await sleep_ms(_POLL_MS)

    def poll(self):
        """One reading of the charger's contact."""
        self._differs = self._differs + 1 if self._docked() != self._on_charger else 0
        if self._differs >= _STEADY:
            self._differs = 0
            self._on_charger = not self._on_charger
            if not self._on_charger:
                self.order(True)  # somebody takes it along: what was ordered for the shift before is over
        self.update()

    def update(self):
        """Begin or end the duty when something has changed."""
        wanted = self._wanted()
        if wanted == self.on:
            return
        self.on = wanted
        self.since_ms = self._clock.up_ms()
        for listener in self._listeners:
            listener(wanted)

    def _wanted(self):
        return self._in_alarm() or not (self._on_charger or self._ordered_off)

    def _remember(self):
        try:
            if self._ordered_off:
                self._state.close(self._state.create(_FILE))
            elif _FILE in self._state.names():
                self._state.remove(_FILE)
        except OSError:
            pass  # the flash: the order holds until the next restart
