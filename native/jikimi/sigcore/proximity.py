"""Distance to a machine, from UWB ranges or BLE adverts, and the zones around it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from jikimi.sigcore import block
from jikimi.sigcore.clock import to_ms

_NEEDED = ("rx_power_dbm", "fp_power_dbm", "std_noise")
_LONGEST_M = 1000.0


@dataclass(frozen=True)
class UwbTrack:
    """What is known of a pair of radios after a range."""

    distance_m: float
    lower_m: float  # hardly nearer than this; for a zone that must not miss (native/MODEL_CARD.md has its price)
    closing_m_s: float  # positive: they come nearer
    contact_s: float  # until they meet at this speed; inf when they do not come nearer
    nlos_probability: float


class UwbRange:
    """Ranges of a DW1000-class radio, corrected one by one (`push`) or followed over time (`track`).

    `offset_m` (-5..5) is how much too long this pair of radios measures in the open (antenna delay).
    """

    def __init__(self, offset_m: float = 0.0) -> None:
        if not -5 <= offset_m <= 5:
            raise ValueError(f"the offset must be -5 to 5 m, not {offset_m}")
        self._state = block.uwb_new(round(offset_m * 1000))

    def push(self, range_m: float, diagnostics: Mapping[str, float] | None = None) -> tuple[float, float]:
        """(corrected range in m, probability 0..1 that the direct path was blocked).

        `diagnostics` are the chip's, by DW1000 names: `rx_power_dbm`, `fp_power_dbm` and `std_noise` are needed, and
        `fp_index` (position of the first path, in samples) is used where it is there; others are ignored. With None, or
        one of the three missing or not a finite number, the range is passed on and the probability is 0.5: nothing is
        known. ValueError for a range that is not a number within 1 km.
        """
        if not abs(range_m) <= _LONGEST_M:
            raise ValueError(f"the range must be a number within {_LONGEST_M:.0f} m, not {range_m}")
        corrected_mm, permille = block.uwb_push(self._state, round(range_m * 1000), _chip_numbers(diagnostics))
        return corrected_mm / 1000, permille / 1000

    def track(self, t_s: float, range_m: float, diagnostics: Mapping[str, float] | None = None) -> UwbTrack:
        """Follow one pair of radios; every range at its time (seconds, at least 0), in any steps.

        The distance is at least 0, and a track begins anew after 3 s without a range. Diagnostics as in `push`;
        without them the probability is 0.5 and the lower bound allows for any excess on record.
        """
        if not abs(range_m) <= _LONGEST_M:
            raise ValueError(f"the range must be a number within {_LONGEST_M:.0f} m, not {range_m}")
        distance, lower, closing, contact_ms, permille = block.uwb_track(
            self._state, to_ms(t_s), round(range_m * 1000), _chip_numbers(diagnostics)
        )
        contact_s = math.inf if contact_ms < 0 else contact_ms / 1000
        return UwbTrack(distance / 1000, lower / 1000, closing / 1000, contact_s, permille / 1000)


def _chip_numbers(diagnostics: Mapping[str, float] | None) -> tuple[int, int, int, int] | None:
    values = [math.nan] * 3 if diagnostics is None else [float(diagnostics.get(name, math.nan)) for name in _NEEDED]
    if diagnostics is None or not all(map(math.isfinite, values)):
        return None
    rx_power, fp_power, noise = (min(max(value, -1e6), 1e6) for value in values)
    index = float(diagnostics.get("fp_index", 0))
    index_64 = round(min(max(index, 0), 1e6) * 64) if math.isfinite(index) else 0
    return round(rx_power * 100), round(fp_power * 100), round(noise), index_64


class BleProximity:
    """Nearness of one sender from its adverts.

    Presence only: native/MODEL_CARD.md shows that a body between the antennas changes the strength more than the
    difference between 2 m and 4 m does. Use it to know that somebody is around, and UWB to know how far away.
    """

    def __init__(self) -> None:
        self._state = block.ble_new()

    def push(self, t_s: float, rssi_dbm: float) -> tuple[float, float]:
        """(estimated distance in m, probability 0..1 of being within 2 m) from the adverts of the last 5 s.

        The probability assumes that within and beyond are equally likely beforehand. ValueError for a strength that is
        not a finite number.
        """
        if not math.isfinite(rssi_dbm):
            raise ValueError(f"the signal strength must be a number of dBm, not {rssi_dbm}")
        estimate_mm, permille = block.ble_push(self._state, to_ms(t_s), round(min(max(rssi_dbm, -200), 100)))
        return estimate_mm / 1000, permille / 1000


class ZoneMonitor:
    """Two nested zones over any source of distance: a level rises at once and falls late, so it does not flicker.

    A level ends when the distance has been more than the zone and `hysteresis_m`, or unknown, for `hold_s` seconds.
    0 < danger_m <= warn_m <= 100, hysteresis_m 0..100, hold_s 0..60.
    """

    def __init__(self, warn_m: float, danger_m: float, hysteresis_m: float = 0.5, hold_s: float = 1.0) -> None:
        if not (0.001 <= danger_m <= warn_m <= 100 and 0 <= hysteresis_m <= 100 and 0 <= hold_s <= 60):
            raise ValueError("zones need 0 < danger_m <= warn_m <= 100, hysteresis_m 0 to 100 and hold_s 0 to 60")
        self._state = block.zone_new(*(round(x * 1000) for x in (warn_m, danger_m, hysteresis_m, hold_s)))

    def push(self, t_s: float, distance_m: float | None) -> int:
        """Level at a distance (None: unknown): 0 outside, 1 warn, 2 danger."""
        if distance_m is None or math.isnan(distance_m):
            distance_mm = -1
        else:
            distance_mm = math.floor(min(max(distance_m, 0.0), _LONGEST_M) * 1000)
        return block.zone_push(self._state, to_ms(t_s), distance_mm)


def protective_distance_m(
    machine_m_s: float,
    reaction_s: float,
    braking_m_s2: float,
    *,
    human_m_s: float = 1.6,
    intrusion_m: float = 0.0,
    human_error_m: float = 0.0,
    machine_error_m: float = 0.0,
) -> float:
    """Protective separation distance in m: Sp = Sh + Sr + Ss + C + Zd + Zr of ISO 10218-2 (ISO/TS 15066).

    A person walks at `human_m_s` (up to 10) while the system reacts for `reaction_s` (sensing, radio, decision; up to
    10) and the machine, which runs at `machine_m_s` (up to 30), brakes at `braking_m_s2` (0.1..20). Added are the
    intrusion distance C (up to 5) and the errors of both positions (up to 20). Every term is rounded up to the mm.
    ValueError outside these ranges.
    """
    terms = (human_m_s, machine_m_s, reaction_s, braking_m_s2, intrusion_m, human_error_m, machine_error_m)
    if not all(map(math.isfinite, terms)) or human_m_s <= 0:
        raise ValueError("every term of the separation distance must be a finite number, and people move")
    # Up where more is safer, down where less is: braking is the only such term. The margin absorbs binary fractions.
    up = [math.ceil(min(max(term * 1000 - 1e-6, -1e9), 1e9)) for term in terms]
    up[3] = math.floor(min(max(braking_m_s2 * 1000 + 1e-6, -1e9), 1e9))
    return block.separation_mm(*up) / 1000
