"""How good the fall detector is on people it was not trained on: `python -m tools.eval_fall`.

Leave one person out: for everybody in ../shared/data, and for parts of the generated tags, tables are trained on all
others with the settings of tools.fall_models and judge the recordings left out. A trial counts as the published
evaluations count it: a fall is found when the event comes at most 2 s after the impact, a daily activity is right when
no fall is reported in it.
With `--write`, the report becomes the first part of native/MODEL_CARD.md; what others wrote below its last line stays.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools import fall_data, fall_models, gbdt
from tools.fall_models import Example, Placement

_CARD = Path(__file__).resolve().parent.parent / "native" / "MODEL_CARD.md"
_DECIDE_S = 19 * 0.08  # SIG_FALL_POST_CELLS
_LATEST_S = 2.0
_HOLD_S = 10.0
_FALLING_LEAD_S = 1.5


@dataclass(frozen=True)
class Verdict:
    """What an unseen person's trial came to."""

    example: Example
    found: bool  # a fall reported at most 2 s after the impact
    alarms: int  # falls reported
    lead_s: float | None  # how long before the impact `falling` came
    false_falling: bool

    @property
    def is_fall(self) -> bool:
        """Whether a fall was acted."""
        return self.example.fall_s is not None


def judge_unseen(placement: Placement, examples: list[Example]) -> list[Verdict]:
    """Leave one person out, over all variants that are judged."""
    verdicts: list[Verdict] = []
    for person in sorted({example.person for example in examples}):
        others = [example for example in examples if example.person != person]
        impact = fall_models.train_impact(placement, others)
        falling = fall_models.train_falling(placement, others)
        verdicts += [_judged(e, impact, falling) for e in examples if e.person == person and e.is_judged]
        print(f"  {placement.name}: {person} judged", flush=True)
    return verdicts


def _judged(example: Example, impact: gbdt.Model, falling: gbdt.Model) -> Verdict:
    seen = example.seen
    hits = seen.t_s[impact.score(seen.features) > 0] + _DECIDE_S
    return _verdict(example, _held(hits), seen.pre_t_s[falling.score(seen.pre_features) > 0])


def _held(times_s: np.ndarray) -> list[float]:
    kept: list[float] = []
    for t_s in times_s:
        if not kept or t_s - kept[-1] >= _HOLD_S:
            kept.append(float(t_s))
    return kept


def _verdict(example: Example, hits: list[float], early: np.ndarray) -> Verdict:
    fall_s = example.fall_s
    if fall_s is None:
        return Verdict(example, found=False, alarms=len(hits), lead_s=None, false_falling=len(early) > 0)
    found = any(0 < t_s - fall_s <= _LATEST_S for t_s in hits)
    before = early[(early < fall_s) & (early > fall_s - _FALLING_LEAD_S)]
    lead_s = float(fall_s - before[0]) if len(before) else None
    return Verdict(example, found, len(hits), lead_s, false_falling=False)


def share(good: int, n: int) -> str:
    """Percentage with its 95 % Wilson interval."""
    if n == 0:
        return "–"
    p, z = good / n, 1.96
    middle, width = (p + z * z / 2 / n), z * np.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    low, high = (middle - width) / (1 + z * z / n), (middle + width) / (1 + z * z / n)
    return f"{100 * p:.2f} % ({100 * low:.1f}–{100 * high:.1f})"


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


def _groups(placement: Placement) -> Callable[[str], dict[str, str]]:
    folder = fall_data.DATA / ("sisfall" if placement.number == 0 else "weda")
    with (folder / "subjects.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["subject"]: row for row in csv.DictReader(file)}

    def split(column: str, person: str, limit: float, unit: str) -> str:
        return f"under {limit:g} {unit}" if float(rows[person][column]) < limit else f"{limit:g} {unit} and more"

    def groups(person: str) -> dict[str, str]:
        return {
            "sex": rows[person]["sex"],
            "age": split("age_years", person, 60, "years"),
            "height": split("height_cm", person, 170, "cm"),
            "weight": split("weight_kg", person, 65, "kg"),
        }

    return groups


def report(placement: Placement, verdicts: list[Verdict]) -> list[str]:
    """The section of the model card on one placement."""
    first = verdicts[0].example.variant
    unworn = [v for v in verdicts if not v.example.is_worn and v.example.variant == first]
    verdicts = [v for v in verdicts if v.example.is_worn]
    own = [v for v in verdicts if v.example.variant == first]
    sensitivity, specificity, falls, calm = _rates(own)
    persons = len({v.example.person for v in own})
    groups = _groups(placement)
    lines = [
        f"## {placement.name.capitalize()}: {placement.source}",
        "",
        f"{persons} people, {falls} acted falls, {calm} daily activities. Leave one person out, as recorded ({first}):",
        "",
        f"- sensitivity **{sensitivity}** (reported at most 2 s after the impact)",
        f"- specificity **{specificity}**",
        f"- {_hours(own)}",
        f"- {_falling(own)}",
        "",
        "The same people, as other chips would have recorded them:",
        "",
        *_table("chip", verdicts, lambda v: v.example.variant),
        "Tags without a person (generated, see tools/fall_generated.py; also left out in parts):",
        "",
        *_table("tag", unworn, lambda v: v.example.activity),
        "By activity, person and group:",
        "",
        *_table("activity", own, lambda v: v.example.activity),
        *_table("person", own, lambda v: v.example.person),
    ]
    for name in ("sex", "age", "height", "weight"):
        lines += _table(name, own, lambda v, name=name: groups(v.example.person)[name])  # type: ignore[misc]
    return lines


_END = "<!-- end of the part written by tools.eval_fall -->"
_HEAD = """# Model card: fall detection

Which question this answers: how far can the fall tables in `native/src/sig_fall_model.h` be trusted? This file is
written by `python -m tools.eval_fall --write`; every figure is from people the tables of that fold had not seen. The
tables that are shipped are trained with the same settings on everybody (`python -m tools.train_fall`).

- **What it is:** sums of small decision trees (depth 4, limits and features a byte each, int8 leaves) over 58 numbers
  about the 3.5 s around an impact and the 10 s before (`fall`), and 43 about the 1.7 s before a moment (`falling`).
- **Chosen how:** settings by five folds over people on the same recordings; no table has seen the person it is judged
  on, but the settings (number of trees, features) were chosen looking at these sets, so expect a little less elsewhere.
- **Robust how:** every recording is also trained on as other chips, belts and mats might have recorded it, drawn at
  random (tools/fall_augment.py: 20 to 200 Hz with any low-pass and phase, gain, offset, noise, +-4 to 16 g, no
  gyroscope, lost and repeated samples, a loose belt, a softer impact, a late start), and as part of one long stream
  per person.
- **Also trained on:** tags without a person, generated from physics (`tools/fall_generated.py`), so that a tag that is
  dropped, thrown, shaken in a toolbox, driven on a forklift or put down raises no alarm; and every recorded fall once
  more with a person who lies motionless after it, so that stillness is not taken for a thing.
- **Not covered:** falls were acted by volunteers on mats, not suffered by workers; nobody over 60 acted one. Work with
  tools, vehicles and harnesses is in neither set. Chips other than the recorded ones are simulated by averaging,
  clipping and leaving the gyroscope out. This is a warning aid, not a safety function.
- **Data:** recordings of others, used to fit numbers; none of them is part of this project.

"""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write native/MODEL_CARD.md")
    parser.add_argument("--placement", choices=["waist", "wrist"], help="only this one (not with --write)")
    args = parser.parse_args()
    lines: list[str] = []
    for placement in fall_models.PLACEMENTS:
        if args.placement in (None, placement.name):
            examples = fall_models.examples(placement, fall_models.recordings(placement))
            lines += report(placement, judge_unseen(placement, examples))
    text = _HEAD + "\n".join(lines).rstrip() + f"\n\n{_END}\n"
    print(text)
    if args.write and args.placement is None:
        _, _, others = _CARD.read_text(encoding="utf-8").partition(_END + "\n")
        _CARD.write_text(text + others, encoding="utf-8")


if __name__ == "__main__":
    main()
