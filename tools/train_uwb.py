"""Fit the not-line-of-sight model of UWB ranges, and measure it with each place left out.

    python -m tools.train_uwb [--write]

`Model` below is the definition of the algorithm in plain Python; tests hold the C core against it.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.model_tables import DATA, array, constants, rows, write_header

_Z_ONE, _Z_LIMIT = 1024, 3 * 1024
_EXCESS_LIMIT_MM = 3000
_HALL = "industrial hall"
# Rooms of one place share walls and furniture, so they are left out together.
_PLACES = {
    "1_hw": "1_hw", "nxp": "1_hw", "esl": "esl", "3edvl": "edvl", "edvl": "edvl", "1078ieeg": "1078ieeg", "lz": "lz",
    "tiln": "til", "til": "til", "wkst": "wkst", "bsp": "bsp", "hw": "hw",
}  # fmt: skip
ORIGIN = "Learnt from Ghent University's DW1000 ranges (Fontaine et al. 2023), which are not part of this project."

Vector = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Ranges:
    """Ranges of many places: integer features (n, 3), whether the direct path was blocked, and the error in mm."""

    place: NDArray[np.str_]
    features: Whole
    blocked: NDArray[np.bool_]
    error_mm: Vector

    def where(self, mask: NDArray[np.bool_]) -> Ranges:
        """Those ranges only."""
        return Ranges(self.place[mask], self.features[mask], self.blocked[mask], self.error_mm[mask])


@dataclass(frozen=True)
class Model:
    """Integer constants, used exactly as the core uses them."""

    mean: Whole
    gain: Whole
    nlos: Whole
    nlos_bias: int
    excess: Whole
    excess_bias: int

    def terms(self, features: Whole) -> Whole:
        """Features less their mean in units of their spread (1/1024, at most 3), and all their products."""
        z = np.clip(_divide((features - self.mean) * self.gain, 256), -_Z_LIMIT, _Z_LIMIT)
        pairs = [_divide(z[:, i] * z[:, j], _Z_ONE) for i in range(z.shape[1]) for j in range(i, z.shape[1])]
        return np.column_stack([z, *pairs])

    def log_odds(self, features: Whole) -> Whole:
        """Log odds (1/256) that the direct path was blocked."""
        return self.nlos_bias + _divide(self.terms(features) @ self.nlos, _Z_ONE)

    def excess_mm(self, features: Whole) -> Whole:
        """How much too long such a range is."""
        return np.clip(self.excess_bias + _divide(self.terms(features) @ self.excess, _Z_ONE), 0, _EXCESS_LIMIT_MM)


def _divide(value: Whole, by: int) -> Whole:
    """Division that rounds towards zero, as C's does."""
    quotient: Whole = np.sign(value) * (np.abs(value) // by)
    return quotient


def log2_q8(value: int) -> int:
    """Logarithm to base 2 times 256, bit by bit as the core computes it."""
    exponent = value.bit_length() - 1
    mantissa = value >> (exponent - 15) if exponent > 15 else value << (15 - exponent)
    log = exponent
    for _ in range(8):
        mantissa = mantissa * mantissa >> 15
        log *= 2
        if mantissa >= 65536:
            mantissa >>= 1
            log += 1
    return log


def features(rx_power_cdbm: int, fp_power_cdbm: int, std_noise: int) -> list[int]:
    """What the model looks at."""
    limited = [min(20000, max(-20000, power)) for power in (rx_power_cdbm, fp_power_cdbm)]
    difference = min(20000, max(-20000, limited[0] - limited[1]))
    return [difference, log2_q8(max(1, std_noise)), limited[0]]


def ranges() -> Ranges:
    """Everything on record, in and out of sight."""
    found: list[tuple[str, list[int], bool, float]] = []
    for row in rows(DATA / "uwb" / "meta_University.csv.gz"):
        place = next(name for start, name in _PLACES.items() if row["location_from"].startswith(start))
        numbers = _numbers(row["rssi"], row["fp_power"], row["std_noise"])
        found.append((place, numbers, row["condition"] == "nlos", float(row["error"]) * 1000))
    for row in rows(DATA / "uwb" / "features_IIoT_20.csv.gz"):
        numbers = _numbers(row["RX_power"], row["FP_power"], row["std_noise"])
        found.append((_HALL, numbers, False, float(row["error"])))
    places, numbers_all, blocked, errors = zip(*found, strict=True)
    return Ranges(np.array(places), np.array(numbers_all, dtype=np.int64), np.array(blocked), np.array(errors))


def _numbers(rx_power: str, fp_power: str, std_noise: str) -> list[int]:
    return features(round(float(rx_power) * 100), round(float(fp_power) * 100), int(std_noise))


def _weights(r: Ranges) -> Vector:
    """Blocked and clear weigh the same in all; within each, a place weighs as the root of its number of ranges."""
    weight = np.zeros(len(r.blocked))
    for blocked in (False, True):
        of_class = r.blocked == blocked
        for place in np.unique(r.place[of_class]):
            here = of_class & (r.place == place)
            weight[here] = 1 / np.sqrt(here.sum())
        weight[of_class] /= weight[of_class].sum()
    return weight / 2


def _logistic(x: Vector, y: Vector, weight: Vector) -> Vector:
    penalty = np.diag(np.append(np.full(x.shape[1] - 1, 0.003), 1e-9))
    b = np.zeros(x.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-x @ b))
        curve = (x * (weight * p * (1 - p))[:, None]).T @ x + penalty
        b = b - np.linalg.solve(curve, x.T @ (weight * (p - y)) + penalty @ b)
    return b


def _least_absolute(x: Vector, y_mm: Vector, weight: Vector) -> Vector:
    """Regression of the median, by reweighting: a few ranges are metres off and must not decide."""
    penalty = np.diag(np.append(np.full(x.shape[1] - 1, 1e-5), 1e-9))
    b: Vector = np.zeros(x.shape[1])
    for _ in range(40):
        pull = weight / np.maximum(np.abs(y_mm - x @ b), 30)
        pulled = x * pull[:, None]
        b = np.asarray(np.linalg.solve(pulled.T @ x + penalty, pulled.T @ y_mm), dtype=np.float64)
    return b


def fit(r: Ranges) -> Model:
    """Learn both functions."""
    mean = np.rint(r.features.mean(axis=0)).astype(np.int64)
    gain = np.rint(_Z_ONE * 256 / r.features.std(axis=0)).astype(np.int64)
    nothing = np.zeros(9, dtype=np.int64)
    terms = Model(mean, gain, nothing, 0, nothing, 0).terms(r.features) / _Z_ONE
    x = np.column_stack([terms, np.ones(len(terms))])
    weight = _weights(r)
    nlos = np.rint(_logistic(x, r.blocked.astype(np.float64), weight) * 256).astype(np.int64)
    excess = np.rint(_least_absolute(x, r.error_mm, weight)).astype(np.int64)
    return Model(mean, gain, nlos[:-1], int(nlos[-1]), excess[:-1], int(excess[-1]))


def _share(right: NDArray[np.bool_]) -> str:
    return f"{right.mean():.3f}" if len(right) else "none"


def report(r: Ranges) -> None:
    """Print the figures of the model card: every place is judged by a model that never saw it."""
    guess, corrected = np.zeros(len(r.blocked), dtype=bool), np.zeros(len(r.blocked))
    for place in np.unique(r.place):
        out = r.place == place
        model = fit(r.where(~out))
        guess[out] = model.log_odds(r.features[out]) > 0
        corrected[out] = r.error_mm[out] - model.excess_mm(r.features[out])
    print("| place left out | blocked: found | clear: left alone | balanced |\n|---|--:|--:|--:|")
    balanced = []
    for place in np.unique(r.place):
        blocked, clear = (r.place == place) & r.blocked, (r.place == place) & ~r.blocked
        both = (guess[blocked].mean() + (~guess[clear]).mean()) / 2 if blocked.any() and clear.any() else None
        balanced += [] if both is None else [both]
        shown = "" if both is None else f"{both:.3f}"
        print(f"| {place} | {_share(guess[blocked])} | {_share(~guess[clear])} | {shown} |")
    pooled = (guess[r.blocked].mean() + (~guess[~r.blocked]).mean()) / 2
    print(f"| all ranges | {guess[r.blocked].mean():.3f} | {(~guess[~r.blocked]).mean():.3f} | {pooled:.3f} |")
    print(f"| mean of places with both | | | {np.mean(balanced):.3f} |")
    print("\n| ranges | raw: mean absolute error, 99th percentile (mm) | corrected |\n|---|--:|--:|")
    for name, mask in (("clear", ~r.blocked), ("blocked", r.blocked), ("all", r.blocked | True)):
        cells = (
            f"{np.abs(e[mask]).mean():.0f}, {np.percentile(np.abs(e[mask]), 99):.0f}" for e in (r.error_mm, corrected)
        )
        print(f"| {name} ({mask.sum()}) | {' | '.join(cells)} |")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write native/src/sig_uwb_model.h")
    args = parser.parse_args()
    everything = ranges()
    report(everything)
    if args.write:
        m = fit(everything)
        body = [
            constants([("UWB_TERMS", 9), ("UWB_NLOS_BIAS", m.nlos_bias), ("UWB_EXCESS_BIAS", m.excess_bias)]),
            "/* Power lost before the first path (1/100 dB), log2 of the noise (1/256), received power (1/100 dBm). */",
            array("int16_t", "uwb_mean", m.mean),
            array("int16_t", "uwb_gain", m.gain),
            "/* Of the features and their products: log odds (1/256), excess (mm). */",
            array("int16_t", "uwb_nlos_weights", m.nlos),
            array("int16_t", "uwb_excess_weights", m.excess),
        ]
        print(write_header("sig_uwb_model.h", "train_uwb", ORIGIN, body), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
