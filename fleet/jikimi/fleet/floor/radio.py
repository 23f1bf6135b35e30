"""The radio of the floor: true distances into BLE signal strength and UWB ranges, with what spoils them.

Every value is a function of (seed, the two boards, time): noise comes from a counter-based generator, so that the
order in which boards listen changes nothing. Sources of the numbers are given where they stand; where published
values spread, the middle is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from jikimi.fleet.floor.plan import Point

_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class BleModel:
    """Log-distance path loss with correlated shadowing, bodies in the way and fading."""

    at_1m_dbm: float = -59.0  # usual calibration of a 0 dBm beacon at 1 m
    exponent: float = 2.15  # 3GPP TR 38.901 table 7.4.1-1, InF-LOS: 21.5·log10(d)
    shadow_db: float = 4.3  # same table, InF-LOS
    shadow_m: float = 2.0  # decorrelation distance; indoor measurements give 1–3 m, the model's 10 m is for halls
    wearer_db: float = 10.0  # own body between tag and node at 2.4 GHz: 8–20 dB in on-body measurements
    person_db: float = 5.0  # someone else in the line: 3–8 dB
    machine_db: float = 8.0  # a machine in the line (InF-NLOS against InF-LOS at 10 m)
    rice_k_db: float = 7.0  # K factor, 3GPP TR 38.901 table 7.5-6 InF (mean 7 dB)
    rice_k_blocked_db: float = 0.0  # little line of sight is left
    sensitivity_dbm: float = -94.0  # ESP32 receiver, LE 1M
    soft_db: float = 2.0  # width of the receiver's threshold
    miss: float = 0.08  # adverts lost to collisions and scan gaps at any strength


@dataclass(frozen=True)
class UwbModel:
    """Two-way ranging of a DW1000-class radio."""

    sigma_m: float = 0.04  # line of sight: 1–10 cm (Fontaine et al. 2023)
    wearer_m: float = 0.35  # mean extra path round the wearer's own body; not-line-of-sight errors exceed 30 cm there
    person_m: float = 0.25
    machine_m: float = 0.8  # round a machine
    spread: float = 0.35  # of the extra path, from place to place and from exchange to exchange
    miss: float = 0.02
    miss_blocked: float = 0.15
    far_m: float = 35.0  # half of the exchanges fail here
    far_width_m: float = 4.0


@dataclass(frozen=True)
class Link:
    """The geometry of one exchange, as the floor sees it at that moment."""

    a: Point
    b: Point
    wearer: float  # 0..1: how much of the wearer is between the two boards, the worse of both ends
    people: int  # others in the line
    machines: int  # machines in the line

    @property
    def distance(self) -> float:
        """Metres."""
        return math.dist(self.a, self.b)

    @property
    def blocked(self) -> bool:
        """No line of sight is left."""
        return self.wearer > 0.5 or self.people > 0 or self.machines > 0


class Noise:
    """Independent numbers for any key: the same key gives the same numbers, in any order."""

    def __init__(self, seed: int) -> None:
        self._seed = _mix(seed)

    def uniforms(self, label: str, a: str, b: str, t_s: float, count: int) -> list[float]:
        """`count` numbers, uniform in (0, 1), for one exchange at a time (rounded to 0.1 ms)."""
        state = _mix(self._seed ^ crc32(f"{label}|{a}|{b}".encode())) ^ (round(t_s * 1e4) & _MASK)
        out = []
        for _ in range(count):
            state = _mix(state)
            out.append((state >> 11) * 2.0**-53 + 2.0**-54)
        return out


def _mix(value: int) -> int:
    """The output function of SplitMix64 (Steele, Lea & Flood 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def normals(u: list[float]) -> list[float]:
    """Standard normal numbers from pairs of uniform ones (Box and Muller)."""
    out = []
    for first, second in zip(u[::2], u[1::2], strict=True):
        radius = math.sqrt(-2 * math.log(first))
        out += [radius * math.cos(2 * math.pi * second), radius * math.sin(2 * math.pi * second)]
    return out


class ShadowField:
    """A random field over both ends of a link, unit variance, correlation exp(−distance/L) at either end.

    Random Fourier features: the spectrum of the exponential correlation (Gudmundson 1991) in the plane is a
    two-dimensional Cauchy distribution.
    """

    _WAVES = 64

    def __init__(self, seed: int, length_m: float) -> None:
        rng = np.random.default_rng([seed, 7])
        ends = []
        for _ in range(2):
            tail = np.abs(rng.standard_normal((self._WAVES, 1)))
            ends.append(rng.standard_normal((self._WAVES, 2)) / (tail * length_m))
        self._waves = np.hstack(ends)
        self._phases = rng.uniform(0, 2 * np.pi, self._WAVES)

    def __call__(self, a: Point, b: Point) -> float:
        """The value for a link from `a` to `b`; the caller keeps the order of the ends, as links are reciprocal."""
        angles = self._waves @ np.array([*a, *b]) + self._phases
        return float(math.sqrt(2 / self._WAVES) * np.cos(angles).sum())


class Radio:
    """The channel between boards (`jikimi.fleet.virtual.world.Channel`); `link` tells the geometry of a pair."""

    def __init__(
        self,
        link: Callable[[str, str, float], Link],
        seed: int,
        ble: BleModel | None = None,
        uwb: UwbModel | None = None,
    ) -> None:
        self._link = link
        self._noise = Noise(seed)
        self.ble = ble or BleModel()
        self.uwb = uwb or UwbModel()
        self._shadow = ShadowField(seed, self.ble.shadow_m)

    def rssi_dbm(self, tx: str, rx: str, t_s: float) -> float | None:
        """Strength of one advert at the receiver; None: not received."""
        model, (first, second) = self.ble, sorted((tx, rx))
        link = self._link(first, second, t_s)
        u = self._noise.uniforms("ble", tx, rx, t_s, 4)
        mean = model.at_1m_dbm - 10 * model.exponent * math.log10(max(link.distance, 0.3))
        mean += model.shadow_db * self._shadow(link.a, link.b)
        mean -= model.wearer_db * link.wearer + model.person_db * link.people + model.machine_db * link.machines
        rssi = mean + _fading_db(model.rice_k_blocked_db if link.blocked else model.rice_k_db, u[:2])
        heard = (1 - model.miss) / (1 + math.exp((model.sensitivity_dbm - rssi) / model.soft_db * 2))
        return rssi if u[2] < heard else None

    def range_m(self, a: str, b: str, t_s: float) -> float | None:
        """One two-way ranging exchange; None: it failed."""
        model, (first, second) = self.uwb, sorted((a, b))
        link = self._link(first, second, t_s)
        u = self._noise.uniforms("uwb", first, second, t_s, 4)
        near = 1 / (1 + math.exp((link.distance - model.far_m) / model.far_width_m * 4))
        if u[2] >= near * (1 - (model.miss_blocked if link.blocked else model.miss)):
            return None
        measured, wobble = normals(u[:2])
        extra = model.wearer_m * max(2 * link.wearer - 1, 0.0) + model.person_m * link.people
        extra += model.machine_m * link.machines
        extra *= math.exp(model.spread * (0.7 * self._shadow(link.a, link.b) + 0.7 * wobble))
        return max(link.distance + extra + model.sigma_m * measured, 0.0)


def _fading_db(k_db: float, u: list[float]) -> float:
    """Rician fading of one advert: power of a fixed ray and many scattered ones, mean power 1."""
    k = 10 ** (k_db / 10)
    x, y = normals(u)
    fixed, scatter = math.sqrt(k / (k + 1)), math.sqrt(0.5 / (k + 1))
    power = (fixed + scatter * x) ** 2 + (scatter * y) ** 2
    return 10 * math.log10(max(power, 1e-6))
