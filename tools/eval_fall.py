"""How good the fall detector is on people it was not trained on: `python -m tools.eval_fall`.

Leave one person out: for everybody in ../shared/data, and for parts of the generated tags, tables are trained on all
others with the settings of tools.fall_models and judge the recordings left out. A trial counts as the published
evaluations count it: a fall is found when the event comes at most 2 s after the impact, a daily activity is right when
no fall is reported in it.
With `--write`, the report becomes the section of native/MODEL_CARD.md.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable

import numpy as np

from tools import card, fall_curves, fall_goals, fall_models, fall_verdict
from tools.fall_curves import share
from tools.fall_models import Placement
from tools.fall_verdict import Scored, Verdict
from tools.people import NAMES, People


def _rates(verdicts: Iterable[Verdict]) -> tuple[str, str, int, int]:
    falls = [v for v in verdicts if v.is_fall]
    calm = [v for v in verdicts if not v.is_fall]
    return (
        share(sum(v.found for v in falls), len(falls)),
        share(sum(v.alarms == 0 for v in calm), len(calm)),
        len(falls),
        len(calm),
    )


def _table(title: str, verdicts: list[Verdict], key: Callable[[Verdict], str]) -> list[str]:
    lines = [f"| {title} | falls | found | activities | without alarm |", "|---|---|---|---|---|"]
    for name in sorted({key(v) for v in verdicts}):
        sensitivity, specificity, falls, calm = _rates([v for v in verdicts if key(v) == name])
        lines.append(f"| {name} | {falls} | {sensitivity} | {calm} | {specificity} |")
    return [*lines, ""]


def _falling(verdicts: list[Verdict]) -> str:
    falls = [v for v in verdicts if v.is_fall]
    calm = [v for v in verdicts if not v.is_fall]
    leads = [v.lead_s for v in falls if v.lead_s is not None]
    return (
        f"`falling`: announced before the impact in {share(len(leads), len(falls))} of the falls, "
        f"{1000 * float(np.mean(leads)):.0f} ms before it on average; "
        f"not announced in {share(sum(not v.false_falling for v in calm), len(calm))} of the activities."
    )


def _hours(verdicts: list[Verdict]) -> str:
    calm = [v for v in verdicts if not v.is_fall]
    hours = sum(v.example.seconds for v in calm) / 3600
    alarms = sum(v.alarms for v in calm)
    return f"{alarms} false alarms in {hours:.1f} h of activities chosen to provoke them."


def _made(verdicts: list[Verdict]) -> list[str]:
    as_made = [v for v in verdicts if v.example.variant == verdicts[0].example.variant]
    return [
        "Bodies made from physics (see tools/fall_bodies.py; also left out in parts):",
        "",
        *_table("movement", as_made, lambda v: v.example.activity),
        *_table("chip", verdicts, lambda v: v.example.variant),
    ]


def report(placement: Placement, scored: list[Scored]) -> list[str]:
    """The section of the model card on one placement."""
    verdicts = [s.verdict() for s in scored]
    first = verdicts[0].example.variant
    unworn = [v for v in verdicts if not v.example.is_worn and v.example.variant == first]
    made = [v for v in verdicts if v.example.is_made]
    verdicts = [v for v in verdicts if v.example.is_recorded]
    own = [v for v in verdicts if v.example.variant == first]
    sensitivity, specificity, falls, calm = _rates(own)
    persons = len({v.example.person for v in own})
    people = People("sisfall" if placement.number == 0 else "weda")
    lines = [
        f"### {placement.name.capitalize()}: {placement.source}",
        "",
        f"{persons} people, {falls} acted falls, {calm} daily activities. Leave one person out, as recorded ({first}):",
        "",
        f"- sensitivity **{sensitivity}** (reported at most 2 s after the impact)",
        f"- specificity **{specificity}**",
        f"- {_hours(own)}",
        f"- {_falling(own)}",
        "",
        *fall_goals.lines(placement, scored),
        *fall_curves.trade_off(scored),
        "The same people, as other chips would have recorded them:",
        "",
        *_table("chip", verdicts, lambda v: v.example.variant),
        "Tags without a person (generated, see tools/fall_generated.py; also left out in parts):",
        "",
        *_table("tag", unworn, lambda v: v.example.activity),
        *(_made(made) if made else []),
        "By activity, person and group:",
        "",
        *_table("activity", own, lambda v: v.example.activity),
        *_table("person", own, lambda v: v.example.person),
    ]
    for name in NAMES:
        lines += _table(name, own, lambda v, name=name: people.group(name, v.example.person))  # type: ignore[misc]
    return lines


_HEAD = """## Falls

`python -m tools.eval_fall`: how far can the fall networks in `native/src/sig_fall_model.h` be trusted? Every figure is
from people the networks of that fold had not seen. Those that are shipped are trained with the same settings on
everybody (`python -m tools.train_fall`).

- **What it is:** networks of one hidden layer (4 to 32 units, weights a byte each, integers only) over 42 numbers about
  the 3.5 s around an impact and the 10 s before (`fall`), and 38 about the 1.7 s before a moment (`falling`), some of
  them from where gravity points, followed through turns by the gyroscope. Numbers are scaled by how they are among
  everybody at the waist; nothing else in a fold knows the person left out.
- **Chosen how:** settings by five folds over people on the same recordings; no network has seen the person it is judged
  on, but the settings (units, features, limits) were chosen looking at these sets, so expect a little less elsewhere.
  The impact of a recording is the highest magnitude within 0.7 s of its hardest 120 ms: within a second, a step of
  jogging before the fall was taken for it once.
- **Robust how:** every recording is also trained on as other chips, belts and mats might have recorded it, drawn at
  random (tools/fall_augment.py: 20 to 200 Hz with any low-pass and phase, gain, offset, noise, +-4 to 16 g, no
  gyroscope, lost and repeated samples, a loose belt, a softer impact, a late start), and as part of one long stream
  per person.
- **Also trained on:** tags without a person, generated from physics (`tools/fall_generated.py`), so that a tag that is
  dropped, thrown, shaken in a toolbox, driven on a forklift or put down raises no alarm (three draws of 300 only to
  train on, and the 300 that are judged, of which a fourth at a time is left out); and every recorded fall once
  more with a person who lies motionless after it, so that stillness is not taken for a thing.
- **And on bodies made from physics** (`tools/fall_bodies.py`), at the waist and for `fall`: falls from many heights, of
  many masses, onto ground harder than mats, and jumps, knocks, stumbles and other movements, two draws of 360 only to
  train on, and one that is judged; they count 0.3 of a recording. Without bodies, in eight folds, 67 of 120 made-up
  falls were missed, as impacts shorter than those on mats were taken for a thing's. With falls onto soft ground among
  them, too, and a weight of 0.4, two recorded activities more were false alarms and one recorded fall more was missed.
- **Not covered:** falls were acted by volunteers on mats, not suffered by workers; nobody over 60 acted one. Work with
  tools, vehicles and harnesses is in neither set. Chips other than the recorded ones are simulated by averaging,
  clipping and leaving the gyroscope out. This is a warning aid, not a safety function.
- **Made again:** that command gives the same networks: it computes in 64 bits and rounds to bytes at the end.
- **Through the C core:** `python -m tools.eval_fall_core --people SA01 …` builds a core with the networks of a fold and
  pushes whole recordings through it. The definition in plain Python gives the same events, bit for bit.
- **Missed goals:** at the waist 99.5 % of falls found (one fall of 900 too few) and one false alarm in 3 h (one in 2.4
  h); `falling` 97 % announced; at 20 Hz the wrist 95/95 %. The tables below say by how much. Of the 300 tags without a
  person none raises an alarm as recorded, at 50 or 25 Hz, one at 20 Hz, and one at 25 Hz points through a soft mat.
- **Tried before:** sums of decision trees of the same size (54 trees of depth 4, and 24 for `falling`): falls 99.33 and
  99.63 % with 5 false alarms, `falling` 87.8 and 92.1 %, wrist 92.0 and 92.9 %, 7 of 300 things false at 20 Hz. Trees
  that ask one question a level, for `falling`: 92 of them 92 % at 97 %. Networks: more passes, more noise on the inputs
  or more decay did not find more falls. For `falling`, features of the net rotation about every axis and 300 trees of
  16 leaves came to 96 % at 97 % offline; a network of 32 units over the numbers the core has comes as near.
- **What holds `falling` back** is its numbers more than its size. Offline, persons left out, not reproducible by a
  command: with the 44 numbers of before, where 97 % of activities are not announced, three networks of 26 units
  announced 93.7 to 94.6 % of falls, their mean 94.7, one of 96 units 94.4, 300 boosted trees 94.6. Learning from the
  best moment of a recording instead of all (92 %), from the last 0.2 s (93.8, but 263 ms before) and two decisions in a
  row (91 to 94, up to 23 ms later) did not help. The 38 of now are left of 81: those without which networks did worse,
  among them height and speed lost and gained along gravity over 1.3 s and the push across it. They were picked on these
  people, so the gain is a little too good. Compared in six folds over people, by the falls announced on average over
  the limits at which 94 to 99 % of activities are not: 95.2 % with the 44 (two seeds), 96.2 with the 38 (96.0 to 96.4,
  five seeds), 95.9 with 22 units instead of 26, 95.9 with eight numbers more, 96.0 when the last 0.4 s are to be known
  instead of 0.3 (15 ms earlier), 95.8 when each moment of a long recording counts less. The limit is from such folds,
  too, of a network that was asked more often, where 97.2 % of activities were not announced (see below). 88 numbers and
  150 boosted trees had come to 97.3 % where 97 % are not, which no network of this size has.
- **When the network of `falling` is asked:** only when gravity has turned by 10 degrees both in 640 and in 960 ms, in
  7 % of the 80 ms of daily activities. It is learnt from more moments, those of 5 degrees: learnt from those alone
  that it is asked about, it came to 95.4 instead of 96.1 % in those folds. With gravity rounded down it was asked in
  5 %, 1.2 % of falls had no such moment in their last 0.3 s, and the 38 numbers came to 95.0 % (three seeds). Its
  limit is that of the network that was asked in 17 %; by the folds it would be lower (97.2 % at 199 instead of 264),
  and one evaluation of that found 96.78 % of falls, 312 ms before, and 96.59 % of activities not announced. The
  price: for 10 minutes of one person's activities, 100 s of them jogging (SA01), the motion detectors take 547 rv32
  instructions a sample, with all other detectors about 640, more than the 600 of the goal. The figure of that goal is
  of walking.
- **Means of networks:** for `fall`, the mean of three networks missed 6 and gave 3 false alarms; the three by
  themselves missed 6, 6 and 8 and gave 3, 5 and 6.
- **False alarms left** at the waist are rolling over on the mat by people who lay at the start (two of D14; nothing in
  the recording says that they lay) and a stumble (D18). The five missed falls are while sitting (F13) or on the way to
  the seat (F10, F11). Networks that knew no bodies from physics missed 4 falls and gave 1 false alarm: with bodies the
  recorded ones are judged a little less well, and what no set has recorded much better.
- **Beyond the training:** the falls of the demo's floor, made by other physics, are all found, with no false alarm
  (tests/floor/test_detection.py), and so are all but at most 1 in 100 of the tests' stories at 25 Hz with 5 % of
  samples lost or repeated, or clipped (tests/native/test_fall_faults.py).
- **Data:** recordings of others, used to fit numbers; none of them is part of this project.

"""


def _sections(placements: list[Placement], jobs: int) -> list[str]:
    seen = {p.name: fall_models.examples(p, fall_models.recordings(p)) for p in fall_models.PLACEMENTS}
    scales = fall_models.scales(seen["waist"])
    lines: list[str] = []
    for placement in placements:
        own = seen[placement.name]
        lines += report(placement, fall_verdict.unseen(placement, own, scales, jobs))
        for name, others in seen.items():
            if name != placement.name:
                lines += fall_curves.other_set(placement, own, others, scales)
    return lines


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the section of the model card")
    parser.add_argument("--placement", choices=["waist", "wrist"], help="only this one (not with --write)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="people at a time (default: %(default)s)")
    args = parser.parse_args()
    lines = _sections([p for p in fall_models.PLACEMENTS if args.placement in (None, p.name)], args.jobs)
    text = _HEAD + "\n".join(lines)
    print(text)
    if args.write and args.placement is None:
        card.write("falls", "eval_fall", text)


if __name__ == "__main__":
    main()
