"""Fit the model of UWB ranges, and measure it with each place left out, range by range and in tracks.

    python -m tools.train_uwb [--write]

tools/uwb_model.py defines what the constants mean.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools import card, intervals
from tools.model_tables import DATA, array, constants, rows, write_header
from tools.uwb_model import (
    BOUND_LIMIT_MM,
    CORE_ORDER,
    EXCESS_LIMIT_MM,
    JITTER,
    TERMS,
    Z_LIMIT,
    Z_ONE,
    Averages,
    Chip,
    Model,
    Track,
    measured,
)

_HALL = "industrial hall"
_SHARE = 0.97  # of the ranges, blocked and clear weighing the same, whose excess is below the bound
_STEP_MS = 100
_ZONES_MM = (3000, 5000, 7000)
_WALK_MM_S = 1400
# Rooms of one place share walls and furniture, so they are left out together.
_PLACES = {
    "1_hw": "1_hw", "nxp": "1_hw", "esl": "esl", "3edvl": "edvl", "edvl": "edvl", "1078ieeg": "1078ieeg", "lz": "lz",
    "tiln": "til", "til": "til", "wkst": "wkst", "bsp": "bsp", "hw": "hw",
}  # fmt: skip
ORIGIN = "Learnt from Ghent University's DW1000 ranges (Fontaine et al. 2023), which are not part of this project."

Vector = NDArray[np.float64]
Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Ranges:
    """Ranges of many places, in the order in which they were taken at each point."""

    place: NDArray[np.str_]
    point: NDArray[np.str_]
    chip: Whole  # (n, 3): received and first-path power, 1/100 dBm; noise
    tracked: Whole  # (n, 4): running features of the point's ranges so far; unsteadiness -1 while unknown
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
        numbers = _chip(row["rssi"], row["fp_power"], row["std_noise"])
        found.append((place, point, numbers, row["condition"] == "nlos", float(row["rng"]), float(row["real_rng"])))
    for row in rows(DATA / "uwb" / "features_IIoT_20.csv.gz"):
        numbers = _chip(row["RX_power"], row["FP_power"], row["std_noise"])
        estimate, truth = float(row["estimated_range"]) / 1000, float(row["distance_GT"]) / 1000
        found.append((_HALL, f"{_HALL}/{truth:.1f}", numbers, False, estimate, truth))
    places, points, chips, blocked, measured_m, true_m = zip(*found, strict=True)
    range_mm, true_mm = (np.rint(np.array(metres) * 1000).astype(np.int64) for metres in (measured_m, true_m))
    at, chip = np.array(points), np.array(chips, dtype=np.int64)
    tracked = _tracked(at, chip, range_mm)
    return Ranges(np.array(places), at, chip, tracked, np.array(blocked), range_mm, true_mm)


def _chip(rx_power: str, fp_power: str, std_noise: str) -> Chip:
    return round(float(rx_power) * 100), round(float(fp_power) * 100), int(std_noise)


def _tracked(point: NDArray[np.str_], chips: Whole, range_mm: Whole) -> Whole:
    found, before, averages = [], "", Averages()
    for name, chip, mm in zip(point, chips.tolist(), range_mm.tolist(), strict=True):
        if name != before:
            averages, before = Averages(), name
        found.append(averages.push(mm, _STEP_MS if averages.n else 0, tuple(chip)))
    return np.array(found, dtype=np.int64)


def single(r: Ranges, mean_jitter: int) -> Whole:
    """Features of every range alone."""
    return np.array([[*measured(tuple(chip)), mean_jitter] for chip in r.chip.tolist()], dtype=np.int64)


def in_track(r: Ranges, mean_jitter: int) -> Whole:
    """Features of every range after those before it at its point."""
    features = r.tracked.copy()
    features[:, JITTER] = np.where(features[:, JITTER] < 0, mean_jitter, features[:, JITTER])
    return features


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


def _quantile(x: Vector, y_mm: Vector, weight: Vector, share: float) -> Vector:
    """Regression of a quantile, by reweighting: a few ranges are metres off and must not decide."""
    penalty = np.diag(np.append(np.full(x.shape[1] - 1, 1e-5), 1e-9))
    b: Vector = np.zeros(x.shape[1])
    for _ in range(40):
        rest = y_mm - x @ b
        pull = weight * np.where(rest > 0, share, 1 - share) / np.maximum(np.abs(rest), 30)
        pulled = x * pull[:, None]
        b = np.asarray(np.linalg.solve(pulled.T @ x + penalty, pulled.T @ y_mm), dtype=np.float64)
    return b


def fit(r: Ranges) -> Model:
    """Learn all three functions, from every range twice: alone and in its track."""
    steady = r.tracked[r.tracked[:, JITTER] >= 0]
    mean = np.rint(steady.mean(axis=0)).astype(np.int64)
    gain = np.rint(Z_ONE * 256 / steady.std(axis=0)).astype(np.int64)
    nothing = np.zeros(TERMS, dtype=np.int64)
    rough = Model(mean, gain, nothing, 0, nothing, 0, nothing, 0, 0)
    features = np.concatenate([in_track(r, int(mean[JITTER])), single(r, int(mean[JITTER]))])
    x = np.column_stack([rough.terms(features) / Z_ONE, np.ones(len(features))])
    weight = np.tile(_weights(r), 2) / 2
    blocked, error = np.tile(r.blocked, 2).astype(np.float64), np.tile(r.error_mm, 2).astype(np.float64)
    nlos = np.rint(_logistic(x, blocked, weight) * 256).astype(np.int64)
    excess = np.rint(_quantile(x, error, weight, 0.5)).astype(np.int64)
    bound = np.rint(_quantile(x, error, weight, _SHARE)).astype(np.int64)
    for weights in (nlos, excess, bound):
        if np.abs(weights).sum() * Z_LIMIT * Z_LIMIT // Z_ONE >= 2**31:
            raise ValueError("the weights are too large for the core's 32 bits")
    order = np.argsort(error)
    unknown = int(error[order][np.searchsorted(np.cumsum(weight[order]), _SHARE)])
    return Model(
        mean, gain, nlos[:-1], int(nlos[-1]), excess[:-1], int(excess[-1]), bound[:-1], int(bound[-1]), unknown
    )


@dataclass(frozen=True)
class Judged:
    """Every range judged by a model that never saw its place."""

    blocked: Mask
    corrected_mm: Whole
    lower_mm: Whole


def judge_unseen(r: Ranges, models: dict[str, Model], *, tracks: bool) -> Judged:
    """All ranges, alone or in their track."""
    guess = np.zeros(len(r.blocked), dtype=bool)
    corrected, lower = r.range_mm.copy(), r.range_mm.copy()
    for place, model in models.items():
        out = r.place == place
        jitter = int(model.mean[JITTER])
        odds, excess, bound = model.judge((in_track if tracks else single)(r.where(out), jitter))
        guess[out] = odds > 0
        corrected[out] -= excess
        lower[out] -= bound
    return Judged(guess, corrected, lower)


def unseen_models(r: Ranges) -> dict[str, Model]:
    """For every place the model learnt from all others."""
    return {str(place): fit(r.where(r.place != place)) for place in np.unique(r.place)}


def balanced(r: Ranges, guess: Mask) -> float:
    """Mean of the shares of blocked and of clear ranges that were told."""
    return float((guess[r.blocked].mean() + (~guess[~r.blocked]).mean()) / 2)


def _per_place(r: Ranges, alone: Judged, track: Judged) -> str:
    lines: list[tuple[object, ...]] = []
    means: tuple[list[float], list[float]] = ([], [])
    for place in np.unique(r.place):
        here = r.where(r.place == place)
        row: list[object] = [place]
        for judged, found in zip((alone, track), means, strict=True):
            guess = judged.blocked[r.place == place]
            row += [_share(guess[here.blocked]), _share(~guess[~here.blocked])]
            both = 0 < here.blocked.sum() < len(guess)
            found += [balanced(here, guess)] if both else []
            row.append(f"{found[-1]:.3f}" if both else "")
        lines.append(tuple(row))
    lines.append(("all ranges", *_row(r, alone), *_row(r, track)))
    lines.append(("mean of places with both", "", "", intervals.mean_over(means[0], 3), "", "",
                  intervals.mean_over(means[1], 3)))  # fmt: skip
    head = ("place left out", "alone: blocked found", "clear left alone", "balanced",
            "in a track: blocked found", "clear left alone", "balanced")  # fmt: skip
    return card.table(head, lines)


def _row(r: Ranges, judged: Judged) -> tuple[str, str, str]:
    guess = judged.blocked
    return _share(guess[r.blocked]), _share(~guess[~r.blocked]), f"**{balanced(r, guess):.3f}**"


def _share(right: Mask) -> str:
    return f"{right.mean():.3f}" if len(right) else "none"


def _errors(r: Ranges, alone: Judged, track: Judged) -> str:
    lines = []
    for name, mask in (("clear", ~r.blocked), ("blocked", r.blocked), ("all", np.ones(len(r.blocked), dtype=bool))):
        figures = [
            f"{(off := np.abs(mm - r.true_mm)[mask]).mean():.0f}, {np.percentile(off, 99):.0f}"
            for mm in (r.range_mm, alone.corrected_mm, track.corrected_mm)
        ]
        lines.append((f"{name} ({mask.sum()})", *figures))
    return card.table(
        ("ranges: mean absolute error, 99th percentile (mm)", "raw", "corrected alone", "in a track"), lines
    )


def _zones(r: Ranges, track: Judged) -> str:
    lines = []
    for zone in _ZONES_MM:
        inside = r.true_mm <= zone
        row: list[object] = [f"{zone // 1000} m"]
        row += [
            f"{100 * (mm > zone)[inside].mean():.1f}, {100 * (mm <= zone)[~inside].mean():.1f}"
            for mm in (r.range_mm, track.corrected_mm, track.lower_mm)
        ]
        needed = np.sort((track.corrected_mm - zone)[inside])[int(0.999 * inside.sum())]
        false = 100 * (track.corrected_mm - needed <= zone)[~inside].mean()
        lines.append((*row, f"{max(0, needed) / 1000:.1f} m, {false:.0f}"))
    head = ("standing; missed, false (%)", "raw", "corrected", "lower bound", "margin for 0.1 % missed, false then (%)")
    return card.table(head, lines)


def _approaches(r: Ranges, models: dict[str, Model]) -> str:
    """Walk from 12 m to the machine with the errors and diagnostics of every recorded point."""
    lines = []
    late: dict[tuple[int, bool, bool], list[bool]] = {}
    early: dict[tuple[int, bool, bool], list[bool]] = {}
    speeds: list[float] = []
    for point in np.unique(r.point):
        here = r.where(r.point == point)
        walk = _walk(here, models[str(here.place[0])])
        speeds += [float(v) for v in walk[-20:, 3]]
        for zone in _ZONES_MM:
            for column, cautious in ((1, False), (2, True)):
                inside = walk[:, column] <= zone
                key = (zone, bool(here.blocked[0]), cautious)
                late.setdefault(key, []).append(not inside[walk[:, 0] <= zone - _WALK_MM_S // 2].all())
                early.setdefault(key, []).append(bool(inside[walk[:, 0] > zone + 1000].any()))
    for zone in _ZONES_MM:
        for blocked in (False, True):
            row: list[object] = [f"{zone // 1000} m, {'blocked' if blocked else 'clear'}"]
            for cautious in (False, True):
                key = (zone, blocked, cautious)
                row += [
                    intervals.share(sum(late[key]), len(late[key])),
                    intervals.share(sum(early[key]), len(early[key])),
                ]
            lines.append(tuple(row))
    head = (
        "walking at 1.4 m/s",
        "distance: late or lost",
        "more than 1 m early",
        "lower bound: late or lost",
        "more than 1 m early",
    )
    off = np.abs(np.array(speeds) - _WALK_MM_S)
    return (
        card.table(head, lines)
        + f"\nClosing speed off by {np.mean(off):.0f} mm/s on average ({np.percentile(off, 95):.0f} at 95 %).\n"
    )


def _walk(here: Ranges, model: Model) -> Whole:
    """(true distance, distance, lower bound, closing speed), all in mm, at ten ranges a second."""
    track, found = Track(model), []
    for i, true_mm in enumerate(range(12_000, 300, -_WALK_MM_S * _STEP_MS // 1000)):
        k = i % len(here.blocked)
        measured_mm = max(0, true_mm + int(here.error_mm[k]))
        distance, lower, closing, _, _ = track.push(i * _STEP_MS, measured_mm, tuple(here.chip[k].tolist()))
        found.append((true_mm, distance, lower, closing))
    return np.array(found)


def body(r: Ranges) -> str:
    """The section of the model card."""
    models = unseen_models(r)
    alone, track = judge_unseen(r, models, tracks=False), judge_unseen(r, models, tracks=True)
    return _BODY.format(
        places=_per_place(r, alone, track), errors=_errors(r, alone, track), zones=_zones(r, track),
        approaches=_approaches(r, models),
    )  # fmt: skip


_BODY = """## UWB

`python -m tools.train_uwb`, Ghent University DW1000 ranges, leave one place out (of nine, and an industrial hall with
another preamble length). "Alone" is `UwbRange.push`: one range, no memory. "In a track" is `UwbRange.track`: the
means of the last 16 ranges' diagnostics and how unsteady the ranges are; all points on record stood still. Goals:
balanced accuracy >= 0.90 (floor 0.77; published 0.93 with full channel responses and local samples), 100 mm, 0.5 m at
the 99th percentile, zones of 3, 5 and 7 m missed <= 0.1 % and false <= 1 %.

{places}
{errors}
{zones}
{approaches}
The walks are generated: true distances of somebody who walks up to the machine, with the errors and diagnostics of a
recorded point one after the other; its place was left out. Late or lost: outside at some moment after half a second
inside.

**Missed goals:** 0.90 balanced (0.89 in a track); 100 mm and 0.5 m; the zones. Why, measured:

- **Blocked or clear.** A boosted tree model (120 trees, the same features of single ranges and the range) that had seen
  *other points of the same halls* reached 0.872, and 0.894 when told which hall: what these scalars do not tell is
  not a matter of training. Tried with places left out: quadratic logistic functions over 3 to 14 features (0.83 to 0.87
  alone; amplitude ratios, path loss at that range and signal-to-noise normalised by the preamble made it worse, 0.69 to
  0.83, as the industrial hall's gains differ), boosted trees (0.85), medians of 8 ranges (0.87), and with
  their spread (0.89). A hall's own clear ranges as reference have nothing to add: their noise and power are the same
  in all nine places. A thin wall delays by some 0.3 m and leaves the first path strong.
- **Error.** Blocked ranges are 1 m too long on average and up to 5 m, and the diagnostics tell a third of that.
  Clear ranges are within 100 mm on average as they come; the correction costs 10 mm of it.
- **Zones.** A blocked person within the zone who is measured metres outside cannot be told by the range. The lower
  bound misses a tenth of what the raw range misses at 5 and 7 m and a third at 3 m; its price is every fourth standing
  person outside, and most walks are warned more than a metre early. `lower_m` is there for sites that accept that.

What would change it: the channel impulse response (0.93 published), a second anchor that sees behind the obstacle, or
anchors placed so that zones lie in sight. Until then the zones of a product must be set with Zd of the blocked ranges
in sight-obstructed places; `protective_distance_m` takes it as `human_error_m`.

**The tag's module gives no diagnostics.** The RYUW122 reports a distance and no more, so a tag with it gains
nothing from the model of blocked ranges: that needs a module that hands out the DW1000's registers.
"""


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the C constants and the section of the model card")
    args = parser.parse_args()
    r = ranges()
    text = body(r)
    print(text)
    if args.write:
        print(write_header("sig_uwb_model.h", "train_uwb", ORIGIN, c_tables(fit(r))))
        card.write("uwb", "train_uwb", text)
    return 0


def c_tables(m: Model) -> list[str]:
    """The model in C."""
    return [
        constants([
            ("UWB_NLOS_BIAS", m.nlos_bias),
            ("UWB_EXCESS_BIAS", m.excess_bias),
            ("UWB_BOUND_BIAS", m.bound_bias),
            ("UWB_EXCESS_LIMIT_MM", EXCESS_LIMIT_MM),
            ("UWB_BOUND_LIMIT_MM", BOUND_LIMIT_MM),
            ("UWB_BOUND_UNKNOWN_MM", m.bound_unknown_mm),
        ]),
        "/* Power lost before the first path (1/100 dB), log2 of the noise (1/256), received power (1/100 dBm), log2\n"
        " * of the unsteadiness in mm (1/256). */",
        array("int16_t", "uwb_mean", m.mean.tolist()),
        array("int16_t", "uwb_gain", m.gain.tolist()),
        "/* Log odds (1/256), likely and largest plausible excess (mm): of a feature, its products with those before\n"
        " * it and its square, then of the next feature. */",
        array("int16_t", "uwb_weights", np.stack([m.nlos, m.excess, m.bound], axis=1)[CORE_ORDER].ravel().tolist()),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
