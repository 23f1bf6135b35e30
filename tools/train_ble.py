"""Fit the tables of the BLE nearness estimate, and measure it with each carrying position left out.

python -m tools.train_ble [--write]
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.model_tables import DATA, array, rows, write_header

WEAKEST_DBM, STRONGEST_DBM = -110, -20
WINDOW_S = 5.0
NEAR_M = 2.0
_FOOT_M = 0.3048
_NEAREST_M, _FARTHEST_M = 0.3, 50.0
ORIGIN = "Learnt from MIT Matrix phone-to-phone recordings (CC BY 4.0), which are not part of this project."

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Windows:
    """Five-second windows: who carried how, true distance, lower median of the strength."""

    position: NDArray[np.str_]
    distance_m: Vector
    median_dbm: Vector

    def where(self, mask: NDArray[np.bool_]) -> Windows:
        """Those windows only."""
        return Windows(self.position[mask], self.distance_m[mask], self.median_dbm[mask])


@dataclass(frozen=True)
class Law:
    """rssi = at_1m_dbm - slope_db * log10(distance in m); log odds of "within 2 m" = offset + weight * rssi."""

    at_1m_dbm: float
    slope_db: float
    offset: float
    weight: float

    def distance_m(self, dbm: Vector) -> Vector:
        """Distance the path-loss law gives."""
        exponent = (self.at_1m_dbm - dbm) / self.slope_db
        return np.clip(10 ** np.clip(exponent, -3, 3), _NEAREST_M, _FARTHEST_M)

    def within(self, dbm: Vector) -> Vector:
        """Probability of being within 2 m when near and far are equally likely beforehand."""
        return np.asarray(1 / (1 + np.exp(-(self.offset + self.weight * dbm))))


def windows() -> Windows:
    """All windows of the set with at least four adverts."""
    found: list[tuple[str, float, float]] = []
    for path in sorted((DATA / "ble").glob("*.csv.gz")):
        position = path.name.removesuffix(".csv.gz")
        for (_, feet), group in itertools.groupby(rows(path), key=lambda row: (row["log"], row["range_ft"])):
            adverts = np.array([(float(row["t_s"]), float(row["rssi_dbm"])) for row in group])
            number = (adverts[:, 0] // WINDOW_S).astype(int)
            for n in np.unique(number):
                strength = np.sort(adverts[number == n, 1])
                if len(strength) >= 4:
                    found.append((position, float(feet) * _FOOT_M, float(strength[(len(strength) - 1) // 2])))
    positions, distances, medians = zip(*found, strict=True)
    return Windows(np.array(positions), np.array(distances), np.array(medians))


def fit(w: Windows) -> Law:
    """Path loss by least squares with a level of its own for every position; nearness by a balanced logistic line."""
    log_d, dbm = np.log10(w.distance_m), w.median_dbm
    means = {p: (log_d[w.position == p].mean(), dbm[w.position == p].mean()) for p in np.unique(w.position)}
    dx = log_d - np.array([means[p][0] for p in w.position])
    dy = dbm - np.array([means[p][1] for p in w.position])
    slope = -float((dx * dy).sum() / (dx**2).sum())
    near = w.distance_m <= NEAR_M
    weight = np.where(near, 0.5 / near.mean(), 0.5 / (1 - near.mean()))
    offset, per_db = _logistic(dbm, near, weight)
    return Law(float(np.mean(dbm + slope * log_d)), slope, offset, per_db)


def _logistic(x: Vector, y: NDArray[np.bool_], weight: Vector) -> tuple[float, float]:
    matrix = np.column_stack([np.ones_like(x), (x + 70) / 10])
    b = np.zeros(2)
    for _ in range(20):
        p = 1 / (1 + np.exp(-matrix @ b))
        curve = (matrix * (weight * p * (1 - p))[:, None]).T @ matrix
        b = b - np.linalg.solve(curve, matrix.T @ (weight * (p - y)))
    return float(b[0] + 7 * b[1]), float(b[1] / 10)


def report(w: Windows) -> None:
    """Print the figures of the model card."""
    print(
        "| position left out | windows | accuracy | balanced accuracy | median distance error (m) |\n"
        "|---|--:|--:|--:|--:|"
    )
    hits, balanced, misses = [], [], []
    for position in np.unique(w.position):
        out = w.position == position
        law, test = fit(w.where(~out)), w.where(out)
        near = test.distance_m <= NEAR_M
        right = (law.within(test.median_dbm) >= 0.5) == near
        miss = np.abs(law.distance_m(test.median_dbm) - test.distance_m)
        share = (right[near].mean() + right[~near].mean()) / 2
        print(f"| {position} | {len(right)} | {right.mean():.3f} | {share:.3f} | {np.median(miss):.2f} |")
        hits.append(right)
        balanced.append(share)
        misses.append(miss)
    pooled = np.concatenate(hits)
    median = np.median(np.concatenate(misses))
    print(f"| all | {len(pooled)} | {pooled.mean():.3f} | {np.mean(balanced):.3f} | {median:.2f} |")
    law = fit(w)
    residual = w.median_dbm - law.at_1m_dbm + law.slope_db * np.log10(w.distance_m)
    levels = [residual[w.position == p].mean() for p in np.unique(w.position)]
    loss = law.slope_db * np.log10(4.57 / NEAR_M)
    print(f"\nFrom 2 m to 4.6 m the strength falls by {loss:.1f} dB; positions differ by {np.ptp(levels):.1f} dB "
          f"(standard deviation {np.std(levels):.1f} dB).")  # fmt: skip


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write native/src/sig_ble_model.h")
    args = parser.parse_args()
    everything = windows()
    report(everything)
    if args.write:
        law = fit(everything)
        levels = np.arange(WEAKEST_DBM, STRONGEST_DBM + 1).astype(np.float64)
        body = [
            f"/* Index: strength in dBm + {-WEAKEST_DBM}. */",
            array("uint16_t", "ble_distance_mm", np.rint(law.distance_m(levels) * 1000).astype(int)),
            array("uint16_t", "ble_within_permille", np.rint(law.within(levels) * 1000).astype(int)),
        ]
        print(write_header("sig_ble_model.h", "train_ble", ORIGIN, body), file=sys.stderr)
        print(law, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
