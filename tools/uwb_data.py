"""UWB ranges on record, as the model sees them: alone, and in the track of those before them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.model_tables import DATA, rows
from tools.uwb_model import INDEX, JITTER, NOT_KNOWN, Averages, Chip, measured

STEP_MS = 100  # between two ranges; the recordings have no times
HALL = "industrial hall"
# Rooms of one place share walls and furniture, so they are left out together.
_PLACES = {
    "1_hw": "1_hw", "nxp": "1_hw", "esl": "esl", "3edvl": "edvl", "edvl": "edvl", "1078ieeg": "1078ieeg", "lz": "lz",
    "tiln": "til", "til": "til", "wkst": "wkst", "bsp": "bsp", "hw": "hw",
}  # fmt: skip

Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Ranges:
    """Ranges of many places, in the order in which they were taken at each point."""

    place: NDArray[np.str_]
    point: NDArray[np.str_]
    chip: Whole  # (n, 4): received and first-path power, 1/100 dBm; noise; index of the first path, 1/64
    tracked: Whole  # (n, 5): running features of the point's ranges so far; unsteadiness -1 while unknown
    blocked: Mask
    range_mm: Whole
    true_mm: Whole

    @property
    def error_mm(self) -> Whole:
        """How much too long."""
        return self.range_mm - self.true_mm

    def where(self, mask: Mask) -> Ranges:
        """Those ranges only."""
        names = Ranges.__dataclass_fields__
        return Ranges(**{name: getattr(self, name)[mask] for name in names})


def ranges() -> Ranges:
    """Everything on record, in and out of sight."""
    found: list[tuple[str, str, Chip, bool, float, float]] = []
    for row in rows(DATA / "uwb" / "meta_University.csv.gz"):
        place = next(name for start, name in _PLACES.items() if row["location_from"].startswith(start))
        point = "/".join(row[key] for key in ("location_from", "location_to", "condition", "msid"))
        numbers = _chip(row["rssi"], row["fp_power"], row["std_noise"], row["fp_idx"])
        found.append((place, point, numbers, row["condition"] == "nlos", float(row["rng"]), float(row["real_rng"])))
    for row in rows(DATA / "uwb" / "features_IIoT_20.csv.gz"):
        numbers = _chip(row["RX_power"], row["FP_power"], row["std_noise"], row["fpindex"])
        estimate, truth = float(row["estimated_range"]) / 1000, float(row["distance_GT"]) / 1000
        found.append((HALL, f"{HALL}/{truth:.1f}", numbers, False, estimate, truth))
    places, points, chips, blocked, measured_m, true_m = zip(*found, strict=True)
    range_mm, true_mm = (np.rint(np.array(metres) * 1000).astype(np.int64) for metres in (measured_m, true_m))
    at, chip = np.array(points), np.array(chips, dtype=np.int64)
    tracked = _tracked(at, chip, range_mm)
    return Ranges(np.array(places), at, chip, tracked, np.array(blocked), range_mm, true_mm)


def _chip(rx_power: str, fp_power: str, std_noise: str, fp_index: str) -> Chip:
    return round(float(rx_power) * 100), round(float(fp_power) * 100), int(std_noise), round(float(fp_index) * 64)


def _tracked(point: NDArray[np.str_], chips: Whole, range_mm: Whole) -> Whole:
    found, before, averages = [], "", Averages(NOT_KNOWN)
    for name, chip, mm in zip(point, chips.tolist(), range_mm.tolist(), strict=True):
        if name != before:
            averages, before = Averages(NOT_KNOWN), name
        found.append(averages.push(mm, STEP_MS if averages.n else 0, tuple(chip)))
    return np.array(found, dtype=np.int64)


def single(r: Ranges, mean: Whole) -> Whole:
    """Features of every range alone; what a single range does not have is as usual."""
    return np.array([[*measured(tuple(chip), int(mean[INDEX])), mean[JITTER]] for chip in r.chip.tolist()])


def in_track(r: Ranges, mean: Whole) -> Whole:
    """Features of every range after those before it at its point."""
    features = r.tracked.copy()
    features[:, JITTER] = np.where(features[:, JITTER] < 0, mean[JITTER], features[:, JITTER])
    return features


def without_index(features: Whole, mean: Whole) -> Whole:
    """The same from a driver that does not read where the first path lies."""
    less = features.copy()
    less[:, INDEX] = mean[INDEX]
    return less
