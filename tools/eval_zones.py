"""What warning distances and zones come to with our own measured ranges: `python -m tools.eval_zones [--write]`.

How far off ranges are is taken from places the model had not seen; distances and levels are the core's.
"""

from __future__ import annotations

import argparse
import itertools
import sys

import numpy as np

from jikimi.sigcore import block, protective_distance_m
from tools import card
from tools.train_uwb import judge_unseen, unseen_models
from tools.uwb_data import STEP_MS, Ranges, Whole, ranges
from tools.uwb_limits import Vector

_SHARES = (95, 99, 99.9)
_USUAL = 99  # the share of ranges that Zd covers in the table of distances
_SPEEDS_M_S = (0.0, 0.5, 1.0, 2.0, 3.0)
_REACTION_S, _BRAKING_M_S2 = 1.0, 1.0  # what a node assumes unless it is told
_LINE_MM = 5000
_STEADY = {"none": (0, 0), "0.5 m": (500, 0), "0.5 m, 1 s": (500, 1000)}  # hysteresis (mm), hold (ms)

Zone = tuple[int, int, int, int]


def too_far_m(mm: Whole, r: Ranges) -> Vector:
    """How much nearer than measured people were (m)."""
    off: Vector = (mm - r.true_mm) / 1000
    return off


def uncertainty(r: Ranges, ways: dict[str, Whole]) -> str:
    """Zd by share of the ranges it covers: clear, blocked."""
    lines = []
    for name, mm in ways.items():
        off = too_far_m(mm, r)
        cells = (
            ", ".join(f"{max(0.0, float(np.percentile(off[of], share))):.2f}" for of in (~r.blocked, r.blocked))
            for share in _SHARES
        )
        lines.append((name, *cells))
    return card.table(("Zd (m), clear, blocked", *(f"{share:g} % of ranges" for share in _SHARES)), lines)


def distances(clear_m: float, blocked_m: float) -> str:
    """Protective separation distances (m) of machines by their speed, with a Zd of each kind."""
    lines = []
    for speed in _SPEEDS_M_S:
        each = [
            protective_distance_m(speed, _REACTION_S, _BRAKING_M_S2, human_error_m=zd_m)
            for zd_m in (0.0, clear_m, blocked_m)
        ]
        lines.append((f"{speed:g} m/s", *(f"{metres:.2f}" for metres in each)))
    return card.table(("machine", "without Zd", "Zd of clear ranges", "Zd of blocked ranges"), lines)


def levels(zone: Zone, distance_mm: Whole) -> list[int]:
    """The level after every range, one each STEP_MS."""
    state = block.zone_new(*zone)
    return [block.zone_push(state, i * STEP_MS, int(mm)) for i, mm in enumerate(distance_mm)]


def standing(r: Ranges, hysteresis_mm: int, hold_ms: int) -> tuple[float, float]:
    """Were the middle of each point's ranges on the line: ends of the level a minute, and share of points with one."""
    ended, n_ranges = [], len(r.point)
    for point in np.unique(r.point):
        off = r.error_mm[r.point == point]
        said = np.maximum(0, _LINE_MM + off - np.rint(np.median(off)).astype(np.int64))
        found = levels((_LINE_MM, _LINE_MM, hysteresis_mm, hold_ms), said)
        ended.append(sum(b < a for a, b in itertools.pairwise(found)))
    return sum(ended) * 60_000 / (n_ranges * STEP_MS), float(np.mean(np.array(ended) > 0))


def body(r: Ranges) -> str:
    """The section of the model card."""
    track = judge_unseen(r, unseen_models(r), tracks=True)
    off = too_far_m(track.corrected_mm, r)
    clear, blocked = (float(np.percentile(off[of], _USUAL)) for of in (~r.blocked, r.blocked))
    steady = []
    for name, (hysteresis_mm, hold_ms) in _STEADY.items():
        often, share = standing(r, hysteresis_mm, hold_ms)
        steady.append((name, f"{often:.1f}", f"{100 * share:.1f} %"))
    needed = protective_distance_m(1.0, _REACTION_S, _BRAKING_M_S2, human_error_m=clear)
    blind = protective_distance_m(1.0, _REACTION_S, _BRAKING_M_S2, human_error_m=blocked)
    goals = card.goals([
        ("Zd, our own, of 99 % of ranges in a track (m)", "measured", "none",
         f"clear {clear:.2f}, blocked {blocked:.2f}"),
        ("Sp of a machine at 1 m/s that reacts in 1 s and brakes at 1 m/s2 (m)", "Sh + Sr + Ss + C + Zd + Zr", "none",
         f"{needed:.2f} in sight, {blind:.2f} blocked"),
        ("a level ends while somebody stands on the line (times a minute)", "hysteresis", "none",
         f"{steady[-1][1]}; without hysteresis {steady[0][1]}"),
    ])  # fmt: skip
    ways = {"raw": r.range_mm, "in a track": track.corrected_mm, "lower bound": track.lower_mm}
    return _BODY.format(
        goals=goals, clear=clear, blocked=blocked, distances=distances(clear, blocked),
        uncertainty=uncertainty(r, ways),
        steady=card.table(("hysteresis, hold", "level ends, times a minute", "points at which it does"), steady),
    )  # fmt: skip


_BODY = """## Zones and warning distances

`python -m tools.eval_zones`: the ranges of the section above, their places left out.

{goals}
Sp = Sh + Sr + Ss + C + Zd + Zr of ISO 10218-2 (ISO/TS 15066): `protective_distance_m` gives the formula in exact
fractions, rounded up, and levels are those of their definition (tests/native/test_zone.py). Zd is how much nearer
people were than measured:

{uncertainty}
Distances with Zd of {clear:.2f} m (clear) and {blocked:.2f} m (blocked), for a reaction of 1 s and braking at 1 m/s2,
which a node assumes unless it is told, and C = Zr = 0:

{distances}
A level rises at once and ends when the distance has been beyond zone and hysteresis for the hold. Standing on the line
is made from the recorded points, some 4 s each, their middle moved onto 5 m, ten ranges a second:

{steady}
Operators are exempt by what their tag says (tests/firmware/test_node.py)."""


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the section of the model card")
    args = parser.parse_args()
    text = body(ranges())
    print(text)
    if args.write:
        card.write("zones", "eval_zones", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
