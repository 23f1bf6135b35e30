"""Commands from the site, and what is done about them."""

import asyncio

from jikimi.edge.warn import IDENTIFY
from jikimi.wire import messages

_LONGEST_IDENTIFY_S = 60
_IDENTIFY_S = 5
# Time for the acknowledgement of the command itself to leave.
_RESTART_MS = 500


class Orders:
    """`link` is set once there is one, `on_seen(boot, seq)` and `on_duty(on)` where somebody wears the device.

    `on_release` and `on_stop_release` get the arguments of what is about releases, `on_config` of a configuration.

    Unknown commands and commands past their time are named on the console.
    """

    def __init__(self, port, clock, journal, warner):
        self.link = None
        self.on_seen = None
        self.on_duty = None
        self.on_release = None
        self.on_stop_release = None
        self.on_config = None
        self._port = port
        self._clock = clock
        self._journal = journal
        self._warner = warner
        self._known = {
            messages.CMD_TIME: self._time,
            messages.CMD_RESEND: self._resend,
            messages.CMD_IDENTIFY: self._identify,
            messages.CMD_RESTART: self._restart,
            messages.CMD_ALARM_SEEN: self._alarm_seen,
            messages.CMD_DUTY: self._duty,
            messages.CMD_RELEASE: lambda arguments: self.on_release(arguments),
            messages.CMD_STOP_RELEASE: lambda arguments: self.on_stop_release(arguments),
            messages.CMD_CONFIG: lambda arguments: self.on_config(arguments),
        }

    def obey(self, command):
        """One decoded command: (operation, arguments, id, expires_ms or None)."""
        operation, arguments, ident, expires_ms = command
        now_ms = self._clock.epoch_ms()
        if expires_ms is not None and now_ms is not None and now_ms > expires_ms:
            self._port.say(f"jk log command {ident} came too late")
        elif operation not in self._known:
            self._port.say(f"jk log command {ident} has an unknown operation {operation}")
        else:
            self._known[operation](arguments)

    def _time(self, arguments):
        epoch_ms = arguments.get(messages.ARG_EPOCH_MS)
        if type(epoch_ms) is int and epoch_ms > 0 and self._clock.set(epoch_ms):
            self._journal.set_clock(self._clock.boot_epoch_ms, self._clock.quality)
            self._port.say(f"jk log clock set, boot was at {self._clock.boot_epoch_ms}")
            asyncio.create_task(self.link.rebirth())

    def _resend(self, _arguments):
        # Whatever was asked for, all that is not acknowledged goes out: the rest is gone from here anyway.
        asyncio.create_task(self.link.rebirth())
        self.link.resend()

    def _identify(self, arguments):
        seconds = arguments.get(messages.ARG_SECONDS)
        seconds = seconds if type(seconds) is int and seconds > 0 else _IDENTIFY_S
        self._warner.briefly(IDENTIFY, min(seconds, _LONGEST_IDENTIFY_S) * 1000)

    def _restart(self, _arguments):
        asyncio.create_task(self._restart_soon())

    async def _restart_soon(self):
        await self._port.sleep_ms(_RESTART_MS)
        self._port.reset()

    def _alarm_seen(self, arguments):
        if self.on_seen is not None:
            self.on_seen(arguments.get(messages.ARG_BOOT), arguments.get(messages.ARG_SEQ))

    def _duty(self, arguments):
        on = arguments.get(messages.ARG_ON)
        if self.on_duty is not None and on in (0, 1):
            self.on_duty(on == 1)
