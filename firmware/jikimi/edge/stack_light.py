"""What a machine node shows and asks for: stack light, buzzer, and the request to slow down.

The request is a relay that is energised while all is clear. So a cut wire, a node without power, in reset, with a
sensor that fails or a task that stands still asks for slow. It is advisory, and wired as such (firmware/WIRING.md).

A program that hangs as a whole drops nothing by itself. So the relay is held by a lease: the task renews it with every
step, and a hardware timer takes it all back when it was not renewed. The chip runs a timer's handler between two byte
codes, so a hang inside C code is seen by the watchdog only; where `pulses` are asked for instead of a level, nothing
needs to see it: no step, no pulse.
"""

from jikimi.edge.warn import CAUTION, DANGER, IDENTIFY, OFF

_RED = 1
_AMBER = 2
_GREEN = 4
_TONE = 8
_STEP_MS = 50
_BLINK_MS = 500
# The proximity task speaks every 40 ms; silent for so long, nobody watches over the zones. Counted in steps of our own
# task: when everything stands still for a moment, as during a TLS handshake, nobody could have spoken.
_ALIVE_MS = 1000
_FAULT = _RED | _AMBER
_SHOWN = {OFF: _GREEN, CAUTION: _AMBER, DANGER: _RED | _TONE}
# The lease ends after three periods of the timer and a part of one: at most a second after the last step.
TIMER_MS = 250
_LEASE = 3
SLOW_AT = {"warn": CAUTION, "danger": DANGER}


class StackLight:
    """`red`, `amber`, `green`, `clear` (the relay) as machine.Pin, `buzzer` as machine.PWM; any may be None.

    Steady green: watching, nobody near. Amber: somebody in the outer zone. Red with the buzzer: in the inner zone. Red
    and amber: a sensor has failed. All blinking: identify. It has the methods of warn.Warner that a node uses.
    With `pulses` the relay's driver wants an edge every `_STEP_MS` instead of a level.
    """

    def __init__(self, red, amber, green, buzzer, clear, slow_at, pulses=False):
        self.slow = True
        self.timer = None  # kept, so that nobody collects it
        self._pulses = pulses
        self._high = False
        self._lease = 0
        self._lights = ((red, _RED), (amber, _AMBER), (green, _GREEN))
        self._buzzer = buzzer
        self._clear = clear
        self._slow_level = SLOW_AT[slow_at]
        self._level = OFF
        self._failed = set()
        self._silent_ms = _ALIVE_MS + 1
        self._blink_ms = 0
        self._outputs = -1
        self._apply()

    def level(self, level):
        """The most endangered tag: OFF, CAUTION or DANGER, at once."""
        self._level = level
        self._apply()

    def fault(self, part, failed):
        """Whether a part without which people are not seen (kinds.SENSOR_…) fails."""
        if failed:
            self._failed.add(part)
        else:
            self._failed.discard(part)
        self._apply()

    def alive(self):
        """Somebody watches over the zones; to be called again and again."""
        self._silent_ms = 0

    def overdue(self, _timer):
        """To be called every TIMER_MS by a timer that needs nothing of the program: nobody steps, so nobody watches."""
        if self._lease:
            self._lease -= 1
        else:
            self._silent_ms = _ALIVE_MS + 1
            self._apply()

    def briefly(self, pattern, ms):
        """IDENTIFY for a time."""
        if pattern == IDENTIFY:
            self._blink_ms = ms
            self._apply()

    async def works(self):
        """Whether every lamp that is fitted stands as it was set."""
        return all(pin is None or bool(pin.value()) == bool(self._outputs & bit) for pin, bit in self._lights)

    async def run(self, sleep_ms, beat):
        """Keep the rhythm, and the relay only while somebody is alive."""
        while True:
            beat()
            await sleep_ms(_STEP_MS)
            self._advance(_STEP_MS)

    def _advance(self, ms):
        self._blink_ms = max(0, self._blink_ms - ms)
        self._silent_ms = min(self._silent_ms + ms, 2 * _ALIVE_MS)
        self._lease = _LEASE
        self._apply()
        if self._pulses and not self.slow and self._clear is not None:
            self._high = not self._high
            self._clear.value(1 if self._high else 0)

    def _apply(self):
        sees = self._silent_ms <= _ALIVE_MS and not self._failed
        self.slow = not sees or self._level >= self._slow_level
        if self._clear is not None and (self.slow or not self._pulses):
            self._clear.value(0 if self.slow else 1)
        shown = _SHOWN[self._level] if sees or self._level else _FAULT
        if self._blink_ms:
            shown = _RED | _AMBER | _GREEN if self._blink_ms // _BLINK_MS % 2 else 0
        if shown != self._outputs:
            self._outputs = shown
            self._show(shown)

    def _show(self, shown):
        for pin, bit in self._lights:
            if pin is not None:
                pin.value(1 if shown & bit else 0)
        if self._buzzer is not None:
            self._buzzer.duty_u16(32768 if shown & _TONE else 0)
