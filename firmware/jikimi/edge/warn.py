"""Local warnings: vibration, tone and light, set before anything is written or sent.

What must be perceived wins: an alarm over danger, danger over caution. Lights tell apart what tone and vibration may
not: red and amber differ in rhythm too, so that colour is never the only sign.
"""

OFF = 0
CAUTION = 1
DANGER = 2
ALARM = 3
SEEN = 4
IDENTIFY = 5
CHECK_IN = 6
HELP = 7
FELT = 8
STORED = 9
ON_DUTY = 10
TEST = 11
SAFE = 12
BATTERY = 13
EXERTION = 14

_HAPTIC = 1
_TONE = 2
_RED = 4
_AMBER = 8
_GREEN = 16
_LIGHTS = _RED | _AMBER | _GREEN

_STEP_MS = 50


def _rows(*values):
    """Milliseconds and what is on, row after row: two bytes each, the first in steps."""
    return bytes([value if place % 2 else value // _STEP_MS for place, value in enumerate(values)])


# By their numbers; the rows of each are repeated.
_PATTERNS = (
    _rows(1000, 0),  # OFF
    _rows(200, _HAPTIC | _AMBER, 600, 0),  # CAUTION
    _rows(150, _HAPTIC | _TONE | _RED, 100, 0),  # DANGER
    _rows(400, _HAPTIC | _TONE | _RED, 200, _RED, 100, _TONE, 300, 0),  # ALARM
    _rows(600, _HAPTIC | _GREEN, 200, _GREEN, 600, _HAPTIC | _GREEN, 600, 0),  # SEEN
    _rows(250, _LIGHTS | _TONE, 250, 0),  # IDENTIFY
    _rows(100, _HAPTIC | _TONE | _AMBER, 150, 0, 100, _HAPTIC | _TONE | _AMBER, 1500, _GREEN),  # CHECK_IN
    _rows(200, _HAPTIC | _RED, 800, _GREEN, 200, _RED, 800, _GREEN),  # HELP
    _rows(1000, _HAPTIC),  # FELT
    _rows(400, _HAPTIC | _TONE | _RED, 400, 0, 100, _AMBER, 150, 0, 100, _AMBER, 850, 0),  # STORED
    _rows(100, _GREEN, 4900, 0),  # ON_DUTY
    _rows(300, _HAPTIC, 300, _TONE, 300, _RED, 300, _AMBER, 300, _GREEN),  # TEST
    _rows(100, _AMBER, 200, 0, 100, _AMBER, 1600, 0),  # SAFE
    _rows(500, _HAPTIC | _AMBER, 250, 0, 500, _HAPTIC | _TONE | _AMBER, 1750, 0),  # BATTERY
    _rows(300, _HAPTIC | _AMBER, 300, _AMBER, 900, _HAPTIC | _AMBER, 1000, 0),  # EXERTION
)
_TONE_HZ = 2700  # where small piezo buzzers are loudest
TEST_MS = 1500
EXERTION_MS = 5000


class Warner:
    """`haptic`, `red`, `amber`, `green` as machine.Pin, `buzzer` as machine.PWM with its duty at 0.

    Every pattern has its own rhythm, so none needs an ear or an eye for colour. For a wearer who `hears` nothing, tone
    becomes vibration; for one without `sees_colour`, all lights shine together.
    """

    def __init__(self, haptic, buzzer, red, amber, green, hears=True, sees_colour=True):
        self._pins = ((haptic, _HAPTIC), (red, _RED), (amber, _AMBER), (green, _GREEN))
        self._buzzer = buzzer
        self._buzzer.freq(_TONE_HZ)
        self._level = OFF
        self._idle = OFF
        self._alarm = OFF
        self._hears = hears
        self._sees_colour = sees_colour
        self._shown = OFF
        self._short = OFF
        self._short_ms = 0
        self._row = 0
        self._row_ms = 0
        self._outputs = -1
        self._apply()

    def level(self, level):
        """Nearness of a machine: OFF, CAUTION or DANGER, at once."""
        self._level = level
        self._apply()

    def idle(self, pattern):
        """What is shown while there is nothing else to say: ON_DUTY, SAFE (on duty, without sensors), or OFF."""
        self._idle = pattern
        self._apply()

    def alarm(self, pattern):
        """An alarm of the wearer: ALARM from the moment it is raised, STORED once the site has it, HELP, or OFF."""
        self._alarm = pattern
        self._apply()

    def briefly(self, pattern, ms):
        """SEEN or IDENTIFY for a time; danger and alarm still come first."""
        self._short = pattern
        self._short_ms = ms
        self._apply()

    async def works(self):
        """Whether every output stands as it was set."""
        return all(bool(pin.value()) == bool(self._outputs & bit) for pin, bit in self._pins)

    async def run(self, sleep_ms, beat):
        """Keep the rhythm."""
        while True:
            beat()
            await sleep_ms(_STEP_MS)
            self._advance(_STEP_MS)

    def _advance(self, ms):
        if self._short_ms > 0:
            self._short_ms -= ms
            if self._short_ms <= 0:
                self._short = OFF
        self._row_ms += ms
        rows = _PATTERNS[self._shown]
        if self._row_ms >= rows[self._row] * _STEP_MS:
            self._row_ms = 0
            self._row = (self._row + 2) % len(rows)
        self._apply()

    def _wanted(self):
        if self._short == SEEN:
            return SEEN  # somebody is coming: that is news to the one in alarm
        if self._alarm != OFF:
            return self._alarm
        if self._level == DANGER or self._short == OFF:
            return self._level if self._level != OFF else self._idle
        return self._short

    def _apply(self):
        wanted = self._wanted()
        if wanted != self._shown:
            self._shown = wanted
            self._row = self._row_ms = 0
        outputs = self._fitted(_PATTERNS[wanted][self._row + 1])
        if outputs == self._outputs:
            return
        for pin, bit in self._pins:
            pin.value(1 if outputs & bit else 0)
        self._buzzer.duty_u16(32768 if outputs & _TONE else 0)
        self._outputs = outputs

    def _fitted(self, outputs):
        if outputs & _TONE and not self._hears:
            outputs = outputs & ~_TONE | _HAPTIC
        if outputs & _LIGHTS and not self._sees_colour:
            outputs |= _LIGHTS
        return outputs
