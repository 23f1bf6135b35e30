"""Charge of a tag's lithium cell, from its voltage behind a divider by two."""

from jikimi.wire import kinds

# Resting voltage and charge of a usual cell; between the rows straight lines.
_CURVE = ((3300, 0), (3600, 10), (3700, 25), (3800, 50), (3950, 75), (4150, 100))
_DIVIDER = 2
_LEAST_MV, _MOST_MV = 2800, 4400
_LOW_PCT = 10
_GOOD_PCT = 20


class Battery:
    """`adc` as machine.ADC (`read_uv`), `alarms` as open_alarms.OpenAlarms."""

    def __init__(self, adc, alarms):
        self._adc = adc
        self._alarms = alarms

    def fault(self):
        """kinds.FAULT_… when the voltage is none a cell can have while the device runs; 0: it is plausible."""
        return 0 if _LEAST_MV <= self._millivolts() <= _MOST_MV else kinds.FAULT_SELF_TEST

    def _millivolts(self):
        return self._adc.read_uv() * _DIVIDER // 1000

    def charge(self):
        """Charge now, in percent."""
        return charge_pct(self._millivolts())

    def percent(self):
        """Charge now; writes LOW_BATTERY once when it has become low, and the all-clear when it was charged."""
        pct = self.charge()
        low = self._alarms.of((kinds.LOW_BATTERY,))
        if not low and pct < _LOW_PCT:
            self._alarms.start(kinds.LOW_BATTERY, {kinds.BATTERY_PCT: pct})
        elif low and pct > _GOOD_PCT:
            self._alarms.end(low, kinds.WHY_RESTORED)
        return pct


def charge_pct(mv):
    """0 to 100 for a cell voltage in millivolts."""
    if mv <= _CURVE[0][0]:
        return 0
    for i in range(1, len(_CURVE)):
        (low_mv, low_pct), (high_mv, high_pct) = _CURVE[i - 1], _CURVE[i]
        if mv <= high_mv:
            return low_pct + (mv - low_mv) * (high_pct - low_pct) // (high_mv - low_mv)
    return 100
