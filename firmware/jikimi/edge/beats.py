"""Heart rate from what comes back of red and infrared light: a rate, or nothing. Never a guess.

Blood takes more light at each beat. A beat is a dip of the infrared count, and must be one in four ways: the sensor is
on skin; the dip is not nearer to the last than a heart can beat; it is about as deep as the others; and it is shallower
in the red by a ratio that living blood has. Movement changes both lights by the same share, so the last one tells steps
from beats where their rhythm cannot. A rate is given only while the last beats agree with each other.
"""

from jikimi.edge.port import const

_SKIN_COUNTS = const(50_000)  # less comes back from the air, or through cloth
_BRIGHTEST = const(250_000)  # beyond it the converter is full
_SLOW_SHIFT = const(4)  # the baseline follows in 2^4 samples, 0.64 s
_SETTLE = const(50)  # samples until the baseline stands
_SHORTEST_MS = const(300)  # 200 a minute
_LONGEST_MS = const(2000)  # 30 a minute
_KEPT = const(7)
_ENOUGH = const(5)
_SPREAD_PERCENT = const(20)
_FRESH_MS = const(2500)
# Times are counted from here on again and again: a chip keeps numbers below 2^30 without taking memory.
_REBASE_MS = const(500_000_000)
# Depth of a dip as share of the light that comes back, in millionths: weaker is noise, stronger is movement.
_SHALLOWEST = const(800)
_DEEPEST = const(40_000)
_TOO_DEEP_SHIFT = const(4)  # 62,500 millionths: no need to calculate with more
# Ratio of ratios, in percent: 35 to 85 covers oxygen saturations from 100 down to some 80 %; movement gives about 100.
_RATIO_LOW = const(30)
_RATIO_HIGH = const(85)


class Beats:
    """Push pairs of counts at `rate_hz`; `bpm` is the rate now, or None. `on_skin` tells whether there is skin."""

    def __init__(self, rate_hz):
        self.bpm = None
        self.on_skin = False
        self._step_ms = 1000 // rate_hz
        self._t_ms = 0
        self._intervals = [0] * _KEPT
        self._ordered = [0] * _KEPT
        self._known = 0  # intervals that are known, the newest last
        self._begin(0, 0)

    def restart(self):
        """Forget everything: there was a pause of unknown length."""
        self.on_skin = False
        self._begin(0, 0)

    def _begin(self, red, infrared):
        """Forget everything: another finger, or none."""
        self._slow_red, self._slow_infrared = red << _SLOW_SHIFT, infrared << _SLOW_SHIFT
        self._samples = 0
        self._before = self._now = 0  # depths of the infrared dip at the last two samples
        self._red_now = 0
        self._lowest = self._red_lowest = 0  # the least depth since the last dip: where it began
        self._depth = 0  # typical depth of a dip
        self._ripple_ms = self._t_ms
        self._beat_ms = None
        self._forget()

    def _forget(self):
        self._known = 0
        self.bpm = None

    def push(self, red, infrared):
        """One pair of counts."""
        self._t_ms += self._step_ms
        if self._t_ms >= _REBASE_MS:
            self._rebase()
        skin = _SKIN_COUNTS <= infrared <= _BRIGHTEST and red <= _BRIGHTEST
        if skin != self.on_skin:
            self.on_skin = skin
            self._begin(red, infrared)
        if not skin:
            return
        self._slow_red += red - (self._slow_red >> _SLOW_SHIFT)
        self._slow_infrared += infrared - (self._slow_infrared >> _SLOW_SHIFT)
        self._samples += 1
        depth = (self._slow_infrared >> _SLOW_SHIFT) - infrared
        red_depth = (self._slow_red >> _SLOW_SHIFT) - red
        if self._samples > _SETTLE:
            if self._before < self._now >= depth:
                self._dip(self._t_ms - self._step_ms, depth)
            if depth < self._lowest:
                self._lowest, self._red_lowest = depth, red_depth
        self._before, self._now, self._red_now = self._now, depth, red_depth
        if self.bpm is not None and self._t_ms - self._beat_ms > _FRESH_MS:
            self._forget()

    def _rebase(self):
        self._t_ms -= _REBASE_MS
        self._ripple_ms -= _REBASE_MS
        if self._beat_ms is not None:
            self._beat_ms -= _REBASE_MS

    def _dip(self, t_ms, after):
        """The infrared count was lowest at `t_ms`: perhaps a beat."""
        height, red_height = self._now - self._lowest, self._red_now - self._red_lowest
        if height * 2 < self._depth:
            if height * 4 > self._depth:
                self._ripple_ms = t_ms
            return  # a ripple, or the second wave of a beat
        share = _millionths(height, self._slow_infrared >> _SLOW_SHIFT)
        self._lowest, self._red_lowest = self._now, self._red_now
        if not _SHALLOWEST <= share <= _DEEPEST:
            self._depth -= self._depth >> 2
            self._forget()
            return
        self._depth += (height - self._depth) >> 2 if self._depth else height
        t_ms += self._between(after)
        interval = None if self._beat_ms is None else t_ms - self._beat_ms
        if interval is not None and interval < _SHORTEST_MS:
            return
        self._beat_ms = t_ms
        self._take(interval, share, red_height)

    def _between(self, after):
        """Milliseconds from the lowest sample to the bottom of the parabola through it and its neighbours."""
        curve = self._before - 2 * self._now + after
        return (self._before - after) * self._step_ms // (2 * curve) if curve else 0

    def _take(self, interval, share, red_height):
        red_share = _millionths(red_height, self._slow_red >> _SLOW_SHIFT)
        living = _RATIO_LOW * share <= 100 * red_share <= _RATIO_HIGH * share
        if interval is None or interval > _LONGEST_MS or not living or self._halved(interval):
            self._forget()
            return
        self._keep(interval)
        self.bpm = self._rate()

    def _keep(self, interval):
        if self._known == _KEPT:
            for i in range(_KEPT - 1):
                self._intervals[i] = self._intervals[i + 1]
            self._known -= 1
        self._intervals[self._known] = interval
        self._known += 1

    def _halved(self, interval):
        """Whether a dip half way between the last two was left out: movement may have hidden every other beat."""
        since_ms = self._ripple_ms - (self._beat_ms - interval)
        return 2 * interval < 5 * since_ms < 3 * interval

    def _rate(self):
        known, ordered = self._known, self._ordered
        if known < _ENOUGH:
            return None
        for i in range(known):  # sorted, without a list of its own
            interval, at = self._intervals[i], i
            while at and ordered[at - 1] > interval:
                ordered[at] = ordered[at - 1]
                at -= 1
            ordered[at] = interval
        middle = ordered[known // 2]
        if (ordered[known - 1] - ordered[0]) * 100 > 2 * _SPREAD_PERCENT * middle:
            return None
        return (60_000 + middle // 2) // middle


def _millionths(part, whole):
    """`part` of `whole` counts (up to 262,143), limited to one in sixteen either way, in numbers below 2^30."""
    most = whole >> _TOO_DEEP_SHIFT
    return max(-most, min(most, part)) * 50_000 // max(1, whole // 20)
