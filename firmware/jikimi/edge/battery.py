"""Charge of a tag's lithium-ion cell from its voltage behind a divider by two, and how long it will last.

The curve is the resting voltage of a usual lithium-cobalt cell (4.2 V, 3.7 V nominal) at room temperature. A tag draws
some 30 mA, which lowers it by a few millivolts: less than the curve differs between makes. It is steep at both ends and
flat in the middle, where ten millivolts are a few percent; so several readings are averaged, and the forecast looks at
an hour.
"""

from jikimi.edge.warn import BATTERY
from jikimi.wire import kinds

# Millivolts and per mille of the charge; between the rows straight lines.
_CURVE = (
    (3270, 0),
    (3610, 50),
    (3690, 100),
    (3730, 200),
    (3770, 300),
    (3790, 400),
    (3820, 500),
    (3870, 600),
    (3920, 700),
    (3980, 800),
    (4080, 900),
    (4180, 1000),
)
_DIVIDER = 2
_READINGS = 16
_LEAST_MV = 2800
_MOST_MV = 4400
_LOW_PERMILLE = 100
_GOOD_PERMILLE = 200
CHECK_MS = 60_000
_SHOWN_MS = 6_000
# The forecast: a line through the charge of the last hour, from twenty minutes on.
_KEPT = 60
_ENOUGH = 20
# It ends only when the battery lasts clearly longer than needed, or it would come and go with every reading.
_MARGIN_PERCENT = 120


class Battery:
    """`adc` as machine.ADC (`read_uv`), `alarms` as open_alarms.OpenAlarms, `warner` as warn.Warner.

    `shift_min` is how long a shift lasts, None: there is no forecast.
    """

    def __init__(self, adc, alarms, warner, shift_min):
        self._adc = adc
        self._alarms = alarms
        self._warner = warner
        self._shift_min = shift_min
        self._begun_ms = 0
        self._charges = []  # one a minute, the newest last

    def fault(self):
        """kinds.FAULT_… when the voltage is none a cell can have while the device runs; 0: it is plausible."""
        return 0 if _LEAST_MV <= self._millivolts() <= _MOST_MV else kinds.FAULT_SELF_TEST

    def percent(self):
        """Charge now."""
        return charge_permille(self._millivolts()) // 10

    def is_low(self):
        """Whether the alarm about it is on."""
        return bool(self._alarms.of((kinds.LOW_BATTERY,)))

    def begin(self, now_ms):
        """A shift begins: the cell may have been charged or changed."""
        self._begun_ms = now_ms
        self._charges = []
        if self._shift_min is None:  # since an alarm of a configuration before: nobody would end it
            self._alarms.end(self._alarms.of((kinds.BATTERY_SHORT,)), kinds.WHY_RESTORED)

    async def run(self, clock, duty, sleep_ms, beat):
        """Look every minute while on duty, for ever."""
        while True:
            if duty.on:
                self.check(clock.up_ms())
            for _ in range(CHECK_MS // 1000):
                beat()
                await sleep_ms(1000)

    def check(self, now_ms):
        """A minute has passed."""
        charge = charge_permille(self._millivolts())
        self._charges = self._charges[1 - _KEPT :] + [charge]
        low = self._alarms.of((kinds.LOW_BATTERY,))
        if not low and charge < _LOW_PERMILLE:
            self._tell(kinds.LOW_BATTERY, {kinds.BATTERY_PCT: charge // 10})
        elif charge > _GOOD_PERMILLE:
            self._alarms.end(low, kinds.WHY_RESTORED)
        if self._shift_min is not None:
            self._forecast(now_ms, charge)

    def _forecast(self, now_ms, charge):
        needed_min = max(0, self._shift_min - (now_ms - self._begun_ms) // 60_000)
        lasts_min = minutes_left(self._charges)
        short = self._alarms.of((kinds.BATTERY_SHORT,))
        if short and (lasts_min is None or lasts_min * 100 > needed_min * _MARGIN_PERCENT):
            if len(self._charges) >= _ENOUGH or needed_min == 0:
                self._alarms.end(short, kinds.WHY_RESTORED)
        elif not short and lasts_min is not None and lasts_min < needed_min:
            data = {kinds.BATTERY_PCT: charge // 10, kinds.LASTS_MIN: lasts_min, kinds.NEEDED_MIN: needed_min}
            self._tell(kinds.BATTERY_SHORT, data)

    def _tell(self, kind, data):
        self._warner.briefly(BATTERY, _SHOWN_MS)
        self._alarms.start(kind, data)

    def _millivolts(self):
        return sum([self._adc.read_uv() for _ in range(_READINGS)]) * _DIVIDER // (1000 * _READINGS)


def charge_permille(mv):
    """0 to 1000 for a cell voltage in millivolts."""
    if mv <= _CURVE[0][0]:
        return 0
    for i in range(1, len(_CURVE)):
        (low_mv, low), (high_mv, high) = _CURVE[i - 1], _CURVE[i]
        if mv <= high_mv:
            return low + (mv - low_mv) * (high - low) // (high_mv - low_mv)
    return 1000


def minutes_left(charges):
    """Minutes until the charge is 0, by the straight line that fits one reading a minute best (least squares).

    None when there are too few readings, or the charge does not fall.
    """
    n = len(charges)
    if n < _ENOUGH:
        return None
    # Twice the minutes from the middle, so that all stay whole numbers.
    spread = moment = 0
    for i in range(n):
        at = 2 * i - (n - 1)
        spread += at * at
        moment += at * charges[i]
    if moment >= 0:
        return None
    # Now is (n - 1) / 2 minutes from the middle, where the line has the mean charge.
    mean_times = sum(charges) * spread // n
    now_times = max(0, mean_times + (n - 1) * moment)
    return now_times // (-2 * moment)
