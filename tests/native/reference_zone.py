"""Zones and the separation distance in plain Python: the readable definition, and the oracle of the C core."""

from __future__ import annotations

from fractions import Fraction


class Zones:
    """Zones of falling size: one is entered at its limit, and left after `hold_ms` beyond limit and hysteresis.

    A distance below 0 is unknown, and nobody is nearer for that.
    """

    def __init__(self, limits: tuple[int, ...], hysteresis_mm: int, hold_ms: int) -> None:
        self.limits, self.hysteresis_mm, self.hold_ms = limits, hysteresis_mm, hold_ms
        self.inside = [False] * len(limits)
        self.last_near_ms = [0] * len(limits)

    def push(self, t_ms: int, distance_mm: int) -> int:
        """In how many zones one is at a time."""
        for i, limit in enumerate(self.limits):
            reach = limit + (self.hysteresis_mm if self.inside[i] else 0)
            if 0 <= distance_mm <= reach:
                self.inside[i], self.last_near_ms[i] = True, t_ms
            elif t_ms - self.last_near_ms[i] >= self.hold_ms:
                self.inside[i] = False
        return sum(self.inside)


def separation_mm(human_mm_s: int, machine_mm_s: int, reaction_ms: int, braking_mm_s2: int, intrusion_mm: int,
                  human_error_mm: int, machine_error_mm: int) -> Fraction:  # fmt: skip
    """Sp = Sh + Sr + Ss + C + Zd + Zr of ISO 10218-2, exactly: the machine runs on for its reaction and then brakes."""
    braking_ms = Fraction(machine_mm_s * 1000, braking_mm_s2)
    walked = Fraction(human_mm_s, 1000) * (reaction_ms + braking_ms)
    run_on = Fraction(machine_mm_s * reaction_ms, 1000)
    braked = Fraction(machine_mm_s**2, 2 * braking_mm_s2)
    return walked + run_on + braked + intrusion_mm + human_error_mm + machine_error_mm
