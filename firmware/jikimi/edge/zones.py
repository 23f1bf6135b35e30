"""How large the machine's zones are now: at rest as configured, in motion by the protective separation distance.

Sp = Sh + Sr + Ss + C + Zd + Zr (ISO 10218-2, ISO/TS 15066; the signal core has the formula). Advisory: it sizes a
warning, it stops nothing.
"""

# The largest radius an advert can say.
_LARGEST_MM = 25_500


class Zones:
    """`machine` is the configuration's section, `speed` as speed.Speed or None (then the highest speed is assumed).

    Both radii grow by `growth_mm` when the machine moves. So a distance minus the growth lies in the zones at rest just
    as the distance lies in those of now, and nothing that remembers a level need know that they changed.
    """

    def __init__(self, core, machine, speed):
        self.growth_mm = 0
        self._core = core
        self._machine = machine
        self._speed = speed
        self._mm_s = None
        self.update()

    @property
    def warn_mm(self):
        return self._machine.warn_mm + self.growth_mm

    @property
    def danger_mm(self):
        return self._machine.danger_mm + self.growth_mm

    @property
    def moving(self):
        """Whether the machine moves, or may."""
        return bool(self._mm_s)

    def update(self):
        """Take the speed of now."""
        separation = self._machine.separation
        if separation is None:
            return
        mm_s = separation.max_mm_s if self._speed is None else self._speed.mm_s
        if mm_s == self._mm_s:
            return
        self._mm_s = mm_s
        needed_mm = self._core.separation_mm(
            separation.human_mm_s,
            mm_s,
            separation.reaction_ms,
            separation.braking_mm_s2,
            separation.intrusion_mm,
            separation.human_error_mm,
            separation.machine_error_mm,
        )
        self.growth_mm = min(max(0, needed_mm - self._machine.danger_mm), _LARGEST_MM - self._machine.warn_mm)
