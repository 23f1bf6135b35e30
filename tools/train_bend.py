"""Train the tables of the bend counter on SisFall, and measure them with each person left out.

    python -m tools.train_bend [--write]

D15 and D16 are bends with and without the knees, one in each trial; everything else that tilts the belt is none.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from jikimi.sigcore._sigcore import ffi, lib
from numpy.typing import NDArray

from jikimi.sigcore import block
from jikimi.sigcore.counts import ACC_LSB_PER_G, to_counts
from tools import bend_scenes, card, fall_data, gbdt, intervals
from tools.model_tables import SOURCES
from tools.people import NAMES, People

FEATURES = (
    "peak angle", "length", "to peak", "from peak", "fullness", "fastest turn", "still", "highest", "unrest",
    "coherence", "cos sum-peak", "cos before-after peak", "beyond 20", "unrest before", "unrest after",
    "span at start", "lowest at start", "span at end",
)  # fmt: skip
LENGTH = 1  # of FEATURES
CELL_S, UPRIGHT_S = 0.1, 1.0  # an excursion has ended when the person was upright for so long
BENDS = ("D15", "D16")
WALKING = "D01"
SIT_LIE_STAIRS = ("D05", "D06", "D07", "D08", "D09", "D10", "D11", "D12", "D13", "D14")
SETTINGS = gbdt.Settings(trees=24, rate=0.35, l2=3.0, min_curvature=1.5, feature_share=0.7, row_share=0.8)
PACES = (0.5, 0.7, 1.4)  # people at work bend quicker than those on record
AT_WORK = ("the bend alone within walking", "the trial within walking")
VARIANT_WEIGHTS = (*[0.4] * 6, 0.15)  # of the variants in the order of `trials`; the last shows the same three times
GENERATED, GENERATED_WEIGHT = 150, 0.5  # recordings of three bends
LIMIT = -68  # 1/256 log odds; a missed bend and an invented one weigh about the same there
_TEXT = """## Bends

SisFall (19 people), every figure from people the tables of that fold had not seen. Goals: exactly one bend in at least
98 % of D16 (stiff legs) and 90 % of D15 (from the knees), an invented one in at most 2 % of stairs, sitting and lying
(D05-D14); a strong offline tree model reached 94 and 74 % with 9 % invented.

{goals}
{groups}
Moving in 0.5 of the time is made from the recordings: the same postures in half the time, accelerations beside
gravity four times as strong. **Missed goals:** all three. What is missed: bends of the knees with less trunk angle
than a step (half of D15 stays below 25 degrees), and most very quick ones. What is invented: sitting down on a chair
(D07, D09) by few people who lean in it as others bend. Most of that is in few people with habits of their own, and 19
people do not teach it. The time in bands takes sitting with a tilted belt for flexion.

On record, people stand still, bend once, and stand still. At work they come walking and walk on, and bend again: within
walking is between 8 s of walking of the same person (D01), the bend alone with 0.5 s on either side or all of the
trial; the share of false ones is of sitting, lying and stairs put there. Of three bends in a row, 2 s apart, {of_three}
are counted on average (D16 and D15). Trained on the recordings only, described until a second after the person is
upright again, and with two features more, it was 92.6 and 60.0 % at 3.3 % invented; within walking it then counted
about 47 and 21 % of the bends alone, at work 88 and 58 % of the trials.

These trees are few and so are the people: another seed, or spikes taken for gravity from the first cell on or not,
moves D15 by 4 points either way and D16 by one, at about the same share of false ones.

Learnt from as well are {generated} generated bends of nothing but the trunk. Without them the trees refuse a bend so
smooth that nobody on record made it.

Tried, not shipped, and not made again by a command of this project (limits read off the same table):

- A hundred features more of each move (its way down and up, how far the belt went by the magnitude twice integrated,
  its plane, the move before, the seconds since) and 300 trees of 15 leaves: 98 to 99 and 70 to 78 % at 3.1 % invented,
  at 0.5 of the time 72 and 44 %, the bend alone within walking 87 and 69 %, of three 3.0 and 2.1. With 32 trees of that
  table, what fits here, 95 to 98 and 64 to 67 %: nothing is left of it but noise. How far the belt goes down and up
  does tell squatting (0.43 and 0.39 m, medians of D15) from sitting (0.15 and 0.31 m, D07) where nothing else does.
- Those 300 trees as the teacher of 32, by their scores for people they had not seen: worse than the labels.
- Networks of 16 or 32 units over 82 features: 89 to 94 and 57 to 62 %.
- Waiting up to 4.5 s for the next move before a move is judged: no better, and 73 % of the D16 trials end before that.
- Moves joined over pauses of up to 4.5 s into one episode: 94 and 77 % at 3.1 %, within walking 84 and 78 %; of three
  bends in a row 0.1 and 0.2 are left, as lifting one thing after the other makes one episode.
- The gyroscope and random convolutions over the last ten seconds: 94 to 97 and 65 to 78 % at 3 %, far beyond the room
  there is. Linear models, support vectors and resampled curves were worse.

A sample beyond 3 g for at most 80 ms, with its neighbours, counts as gravity: without that a sample of 16 g on each
axis about once a second silenced the counter. With it all of 150 generated bends between running are counted at 52, 104
and 200 Hz (`test_bends_are_counted_and_none_invented_through_a_spike_a_second`), and 116 at 20 Hz, where a sample lasts
50 ms and two in a row are too long.

{activities}
{people}"""
_HEAD = """/* Generated by `python -m tools.train_bend`; do not edit.
 *
 * Learnt from SisFall (Sucerquia et al. 2017), {n} daily activities, which are not part of this project, and from
 * generated bends.
 */
#ifndef SIG_BEND_MODEL_H
#define SIG_BEND_MODEL_H

#include "sig_trees.h"

enum {{
    BEND_TREES = {trees},
    BEND_BIAS = {bias},
    BEND_LIMIT = {limit}
}};

{table}

#endif
"""

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Trial:
    """Excursions of one trial, as the core's trees see them; `bends` are the numbers of the real ones."""

    activity: str
    person: str
    features: NDArray[np.int16]
    bends: tuple[int, ...]


@dataclass(frozen=True)
class Excursions:
    """Leanings in a recording: what the core's trees are asked, (n, 18), and from when to when (s) each lasts."""

    features: NDArray[np.int16]
    spans_s: list[bend_scenes.Span]


def excursions(trial: fall_data.Trial) -> Excursions:
    """Push a recording through the core and collect what its trees are asked."""
    counts = to_counts(trial.acc_g, None)
    motion, state = block.motion_new_centihz(round(trial.rate_hz * 100), ACC_LSB_PER_G, 0), block.bend_new()
    source = ffi.from_buffer("uint8_t[]", counts.tobytes())
    out, row = ffi.new("sig_event_t[8]"), ffi.new("int16_t[]", lib.SIG_BEND_FEATURES)
    found, spans, seen, step = [], [], 0, max(1, int(trial.rate_hz // 20))
    for start in range(0, len(counts), step):
        n, chunk = min(step, len(counts) - start), source + start * lib.SIG_SAMPLE_BYTES
        lib.sig_motion_push(motion, ffi.NULL, state, ffi.NULL, chunk, n, out, 8)
        if state.candidates != seen:
            seen = state.candidates
            lib.sig_bend_features(state, row)
            found.append(list(row))
            now_s = (start + n) / trial.rate_hz
            ended_s = now_s - UPRIGHT_S
            spans.append((ended_s - row[LENGTH] * CELL_S, ended_s))
    return Excursions(np.array(found, dtype=np.int16).reshape(len(found), lib.SIG_BEND_FEATURES), spans)


def trials() -> tuple[list[Trial], list[list[Trial]]]:
    """All daily activities as recorded; and again as quicker and slower people and a slower chip would have given them,
    within walking, and three times in a row.

    The variants are trained on. Each recording is unpacked once for all of them: that takes longest.
    """
    walks: dict[str, fall_data.Trial] = {}
    rows = []
    for recording in fall_data.sisfall("D"):
        if recording.activity == WALKING:
            walks[recording.person] = recording
        rows.append([*_in_each(recording), *_at_work(recording, walks)])
    recorded, *varied = zip(*rows, strict=True)
    return list(recorded), [list(variant) for variant in varied]


def _in_each(recording: fall_data.Trial) -> list[Trial]:
    """A recording as a chip of each rate (Hz) would give it, of people whose moves are so much longer."""
    ways = [(200.0, 1.0), *((100.0, stretch) for stretch in PACES), (25.0, 1.0)]
    return [_trial(bend_scenes.at_pace(fall_data.at_rate(recording, rate_hz), stretch)) for rate_hz, stretch in ways]


def _widest(found: Excursions) -> int:
    """The bend is the widest excursion; very short ones are steps."""
    return int(np.argmax(found.features[:, 0] * np.minimum(found.features[:, LENGTH], 10).astype(np.int64)))


def _trial(recording: fall_data.Trial) -> Trial:
    found = excursions(recording)
    bends = (_widest(found),) if recording.activity in BENDS and found.spans_s else ()
    return Trial(recording.activity, recording.person, found.features, bends)


def _at_work(recording: fall_data.Trial, walks: dict[str, fall_data.Trial]) -> list[Trial]:
    """The recording in the scenes of `bend_scenes.at_work`; with nothing in them where nobody leans."""
    found, bent = excursions(recording), recording.activity in BENDS
    if recording.activity not in (*BENDS, *SIT_LIE_STAIRS) or not found.spans_s:
        nothing = Trial(recording.activity, recording.person, np.empty((0, len(FEATURES)), np.int16), ())
        return [nothing] * (len(AT_WORK) + 1)
    span_s = found.spans_s[_widest(found)] if bent else (found.spans_s[0][0], found.spans_s[-1][1])
    return [_labelled(scene) for scene in bend_scenes.at_work(recording, walks[recording.person], span_s, bent)]


def _labelled(scene: bend_scenes.Scene) -> Trial:
    found = excursions(scene.recording)
    starts, ends = np.array(found.spans_s).reshape(-1, 2).T
    bends = set()
    for first_s, last_s in scene.bends_s:
        shared = np.minimum(ends, last_s) - np.maximum(starts, first_s)
        if len(shared) and shared.max() > 0:
            bends.add(int(shared.argmax()))
    return Trial(scene.recording.activity, scene.recording.person, found.features, tuple(sorted(bends)))


def table(model: gbdt.Model) -> str:
    """The trees as a C array."""
    rows = [f"static const sig_tree_t bend_trees[{len(model.trees)}] = {{"]
    for tree in model.trees:
        parts = ("{" + ", ".join(map(str, part)) + "}" for part in (tree.feature, tree.leaf, tree.limit))
        rows.append("    {" + ",\n     ".join(parts) + "},")
    return "\n".join([*rows, "};"])


@cache
def generated() -> tuple[Trial, ...]:
    """Bends that nobody made."""
    return tuple(_labelled(bend_scenes.generated(seed)) for seed in range(GENERATED))


def train(recorded: Sequence[Trial], varied: Sequence[Sequence[Trial]]) -> gbdt.Model:
    """Trees over all excursions of these trials and of generated ones; the variants of them count less."""
    groups = [recorded, *varied, generated()]
    features = np.concatenate([trial.features for rows in groups for trial in rows])
    labels = [np.isin(np.arange(len(trial.features)), trial.bends) for rows in groups for trial in rows]
    sizes = [sum(len(trial.features) for trial in rows) for rows in groups]
    weights = np.repeat([1.0, *VARIANT_WEIGHTS, GENERATED_WEIGHT], sizes)
    return gbdt.train(features, np.concatenate(labels), weights, SETTINGS)


def counts_left_out(recorded: list[Trial], varied: list[list[Trial]], judged: list[list[Trial]]) -> list[Whole]:
    """Bends counted in every trial of the `judged` lists by tables that never saw its person."""
    counted = [np.zeros(len(rows), dtype=np.int64) for rows in judged]
    for person in sorted({trial.person for trial in recorded}):
        others = [[trial for trial in rows if trial.person != person] for rows in (recorded, *varied)]
        model = train(others[0], others[1:])
        for counts, rows in zip(counted, judged, strict=True):
            for i, trial in enumerate(rows):
                if trial.person == person:
                    counts[i] = int((model.score(trial.features) > LIMIT).sum())
    return counted


def _figures(counted: Whole, rows: list[Trial]) -> list[str]:
    """Shares of D16 and D15 with exactly one bend, and of sitting, lying and stairs with an invented one."""
    pairs = list(zip(counted.tolist(), rows, strict=True))
    found = []
    for activities, right in ((("D16",), (1,)), (("D15",), (1,)), (SIT_LIE_STAIRS, range(1, 99))):
        mine = [n in right for n, trial in pairs if trial.activity in activities]
        found.append(intervals.share(sum(mine), len(mine)))
    return found


def _of_three(counted: Whole, rows: list[Trial]) -> str:
    """How many of three bends in a row are counted on average, D16 and D15."""
    return " and ".join(
        f"{counted[[i for i, trial in enumerate(rows) if trial.activity == activity]].mean():.1f}"
        for activity in ("D16", "D15")
    )


def _split(counted: Whole, rows: list[Trial], group: Callable[[str], str]) -> list[list[str]]:
    """The figures of each group of people, by its name."""
    split = []
    for name in sorted({group(trial.person) for trial in rows}):
        picked = [i for i, trial in enumerate(rows) if group(trial.person) == name]
        split.append([name, *_figures(counted[picked], [rows[i] for i in picked])])
    return split


def _goals(recorded: Sequence[str]) -> str:
    """The goals beside what was reached as recorded: a name and the three figures."""
    d16, d15, false = recorded[1:]
    return card.goals([
        ("exactly one bend in D16 (stiff legs)", ">= 98 %", "offline trees 94 %, a rule on the angle 93 %", d16),
        ("exactly one bend in D15 (from the knees)", ">= 90 %", "offline trees 74 %, a rule on the angle 58 %", d15),
        ("a false one in sitting, lying and stairs (D05-D14)", "<= 2 %", "offline trees 9 %, a rule on the angle 7 %",
         false),
    ])  # fmt: skip


def report(recorded: list[Trial], varied: list[list[Trial]]) -> str:
    """The section of the model card."""
    judged = [recorded, *varied]
    counted = counts_left_out(recorded, varied, judged)
    paces = [f"moves in {stretch:g} of the time, 100 Hz" for stretch in PACES]
    names = ["as recorded (200 Hz)", *paces, "25 Hz", *AT_WORK]
    pairs = list(zip(counted, judged, strict=True))
    groups = [[name, *_figures(*pair)] for name, pair in zip(names, pairs[:-1], strict=True)]
    rows = []
    for activity in sorted({trial.activity for trial in recorded}):
        mine = [n for n, trial in zip(counted[0].tolist(), recorded, strict=True) if trial.activity == activity]
        rows.append([activity, len(mine), mine.count(0), mine.count(1), sum(n > 1 for n in mine)])
    people = People("sisfall")
    by = [_split(counted[0], recorded, lambda person: person)]
    by += [_split(counted[0], recorded, partial(people.group, name)) for name in NAMES]
    return _TEXT.format(
        goals=_goals(groups[0]),
        generated=GENERATED * bend_scenes.TIMES,
        of_three=_of_three(*pairs[-1]),
        groups=card.table(["people and chip", "D16, one", "D15, one", "D05-D14, false"], groups),
        activities=card.table(["activity", "trials", "none", "one", "more"], rows),
        people="\n".join(
            card.table([name, "D16, one", "D15, one", "D05-D14, false"], rows)
            for name, rows in zip(("person", *NAMES), by, strict=True)
        ),
    )


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write sig_bend_model.h and the section of the model card")
    args = parser.parse_args()
    recorded, varied = trials()
    body = report(recorded, varied)
    print(body)
    if args.write:
        model = train(recorded, varied)
        text = _HEAD.format(n=len(recorded), trees=len(model.trees), bias=model.bias, limit=LIMIT, table=table(model))
        (SOURCES / "sig_bend_model.h").write_text(text, encoding="utf-8")
        card.write("bends", "train_bend", body)
        print("written: sig_bend_model.h and the section of the model card", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
