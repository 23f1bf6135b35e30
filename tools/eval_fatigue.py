"""Fatigue against the wearer's own first windows: the rule's limits, and people left out (Maman et al.'s features).

    python -m tools.eval_fatigue [--write]

Windows go through the C core (`sig_load_judge`), so that the rule has one implementation. Neither the direction of
a change nor the time since the start is used: every recorded session is rested in its first half and fatigued in
its second, so a clock would be right every time and know nothing. `--write` writes native/src/sig_load_model.h,
whose limits everybody chose, and the section of the model card, whose figures are of people left out.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jikimi.sigcore._sigcore import ffi, lib
from numpy.typing import NDArray

from jikimi.sigcore import block
from tools import card, fatigue_hip, intervals
from tools.model_tables import DATA, rows, write_header

BASELINE = 3
_ONE = 128
SOURCES = {"hip": 0, "heart rate": 1}
_FILES = {"lifting": "MMH_15p.csv", "walking": "WLK_13p.csv"}
_STATE = ("fatiguestate1", "Fatigue state")
_HEART = ("HRR-Mean", "HRR.Mean")
ORIGIN = (
    "Learnt from Maman et al.'s fatigue sets (windows of 10 people, lifting and walking), which are not part of this\n"
    " * project."
)

Vector = NDArray[np.float64]
Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Session:
    """One person's windows in one task: (n, 4) as the core takes them."""

    person: str
    task: str
    source: int
    values: Whole
    fatigued: Mask
    group: dict[str, str]


@dataclass(frozen=True)
class Rule:
    """Weight of other people's spread (in windows), cap of a window, allowance, limit."""

    prior: int
    cap: float
    allowance: float
    limit: float


RULES = [Rule(*one) for one in itertools.product((2, 4, 8), (9, 16), (1.0, 1.5, 2.0), (2, 4, 6))]


def sessions(feature: str) -> list[Session]:
    """Everybody's windows in order, of the "hip", the "heart rate", or another of `fatigue_hip.SETS`."""
    hip = fatigue_hip.SHIPPED if feature == "hip" else feature
    source = SOURCES["heart rate" if feature == "heart rate" or fatigue_hip.is_one_value(hip) else "hip"]
    found: list[Session] = []
    groups: dict[str, dict[str, str]] = {}
    for which, (task, file) in enumerate(_FILES.items()):
        for person, group in itertools.groupby(rows(DATA / "fatigue" / file), key=lambda row: row["subject"]):
            windows = list(group)
            groups.setdefault(person, _group(windows[0]))
            values = _heart(windows, _HEART[which]) if feature == "heart rate" else fatigue_hip.values(windows, hip)
            fatigued = np.array([row[_STATE[which]] == "1" for row in windows])
            found.append(Session(person, task, source, values, fatigued, groups[person]))
    return found


def _group(row: dict[str, str]) -> dict[str, str]:
    found = {name.strip().lower(): value for name, value in row.items()}
    age = float(found["age"])
    return {"sex": f"coded {found['gender']}", "age": "40 and more" if age >= 40 else "under 40"}


def _heart(windows: list[dict[str, str]], column: str) -> Whole:
    permille = np.array([1000 * float(row[column]) for row in windows])
    return np.asarray(np.rint(np.column_stack([permille, np.zeros((len(windows), 3))])), dtype=np.int64)


def follow(source: int, values: Whole, rule: Rule, usual: tuple[int, int]) -> list[bool | None]:
    """Fatigued or not after every window; None ("not enough signal") while the baseline is made."""
    state = block.load_new(source)
    limits = [rule.prior, *(round(x * _ONE) for x in (rule.cap, rule.allowance, rule.limit)), list(usual)]
    core_rule = ffi.new("sig_load_rule_t *", limits)
    answers = [int(lib.sig_load_judge(state, core_rule, ffi.new("int32_t[4]", row))) for row in values.tolist()]
    return [None if answer < 0 else answer == 1 for answer in answers]


def usual_spread(people: list[Session]) -> tuple[int, int]:
    """How much rested windows of one person differ: squared spread of the first value, and of the others together."""
    each = np.mean([np.var(s.values[~s.fatigued], axis=0, ddof=1) for s in people], axis=0)
    return max(1, round(each[0])), max(1, round(each[1:].sum()))


def right(session: Session, rule: Rule, usual: tuple[int, int]) -> Mask:
    """Whether each window after the baseline was told."""
    answers = follow(session.source, session.values, rule, usual)
    return np.array([a == b for a, b in zip(answers, session.fatigued, strict=True) if a is not None])


def choose(people: list[Session]) -> tuple[Rule, tuple[int, int]]:
    """The rule that does best on these people."""
    usual = usual_spread(people)
    scores = [np.mean([right(s, rule, usual).mean() for s in people]) for rule in RULES]
    return RULES[int(np.argmax(scores))], usual


@dataclass(frozen=True)
class Unseen:
    """One session judged by a rule that others chose."""

    session: Session
    right: Mask


def unseen(people: list[Session]) -> list[Unseen]:
    """Every person left out in turn, with both of their tasks; the rule is chosen without them."""
    found = []
    for person in sorted({s.person for s in people}):
        rule, usual = choose([s for s in people if s.person != person])
        found += [Unseen(s, right(s, rule, usual)) for s in people if s.person == person]
    return found


def across(people: list[Session], task: str) -> float:
    """Accuracy on `task` of what the other task's sessions chose."""
    rule, usual = choose([s for s in people if s.task != task])
    return float(np.mean([right(s, rule, usual).mean() for s in people if s.task == task]))


def _scores(people: list[Session], out: str) -> Vector:
    """(sessions, rules): accuracy of every rule on every session, with the usual spread of everybody but `out`."""
    usual = usual_spread([s for s in people if s.person != out])
    return np.array([[right(s, rule, usual).mean() for rule in RULES] for s in people])


@dataclass(frozen=True)
class HipSets:
    """A table of sets of hip values, and the sessions' accuracy with a set and a rule that others chose."""

    table: str
    free: list[float]


def hip_sets() -> HipSets:
    """Sets of hip values, each by the rule that others chose and by the best of each session's own; and any of them."""
    sets = {name: sessions(name) for name in fatigue_hip.SETS}
    anyone = sets[fatigue_hip.SHIPPED]
    told: dict[str, list[float]] = {name: [] for name in sets}
    own: dict[str, list[Vector]] = {name: [] for name in sets}
    free: list[float] = []
    for person in sorted({s.person for s in anyone}):
        theirs = np.array([s.person == person for s in anyone])
        scores = {name: _scores(people, person) for name, people in sets.items()}
        others = {name: score[~theirs].mean(axis=0) for name, score in scores.items()}
        for name, score in scores.items():
            told[name] += score[theirs, np.argmax(others[name])].tolist()
            own[name].append(score[theirs].max(axis=1))
        chosen = max(others, key=lambda name: float(others[name].max()))
        free += scores[chosen][theirs, np.argmax(others[chosen])].tolist()
    best = {name: np.concatenate(each) for name, each in own.items()}
    lines = [(name, intervals.mean_over(told[name], 3), f"{best[name].mean():.3f}") for name in sets]
    lines.append(
        ("any, chosen by the others", intervals.mean_over(free, 3), f"{np.max(list(best.values()), 0).mean():.3f}")
    )
    return HipSets(card.table(("hip", "rule chosen by the others", "each session's own best rule"), lines), free)


def _goals(means: Mapping[str, Sequence[float]], free: Sequence[float]) -> str:
    """The goals beside the mean over sessions of what is right, people left out."""
    goal, published = ">= 85 %; aim >= 90 %", ">= 85 %; offline models 77 to 79 %"
    return card.goals([
        ("fatigued or not, by the hip, what ships", goal, published, intervals.percent_over(means["hip"])),
        ("by the hip, its values chosen without the person, too", goal, published, intervals.percent_over(free)),
        ("by the heart rate", goal, published, intervals.percent_over(means["heart rate"])),
    ])  # fmt: skip


def groups(found: list[Unseen]) -> str:
    """Accuracy by sex and age."""
    lines = []
    for name in ("sex", "age"):
        for value in sorted({u.session.group[name] for u in found}):
            each = [float(u.right.mean()) for u in found if u.session.group[name] == value]
            lines.append((f"{name}: {value}", len(each), intervals.mean_over(each, 3)))
    return card.table(("group", "sessions", "accuracy"), lines)


def body() -> str:
    """The section of the model card."""
    lines: list[tuple[object, ...]] = []
    persons: list[tuple[object, ...]] = []
    by_group, reached, sets = {}, {}, hip_sets()
    for feature in SOURCES:
        people = sessions(feature)
        found = unseen(people)
        truth = [u.session.fatigued[BASELINE:] for u in found]
        told, all_right = np.concatenate(truth), np.concatenate([u.right for u in found])
        means = reached[feature] = [float(u.right.mean()) for u in found]
        lines.append((
            feature, f"**{intervals.mean_over(means, 3)}**",
            intervals.share(int(all_right[told].sum()), int(told.sum())),
            intervals.share(int(all_right[~told].sum()), int((~told).sum())),
            f"{across(people, 'walking'):.3f}", f"{across(people, 'lifting'):.3f}",
        ))  # fmt: skip
        persons += [(f"{feature}, {u.session.person}, {u.session.task}", f"{u.right.mean():.2f}") for u in found]
        by_group[feature] = groups(found)
    head = ("from", "accuracy (mean over sessions)", "fatigued found", "rested left alone",
            "chosen lifting, on walking", "chosen walking, on lifting")  # fmt: skip
    persons_table = card.table(("session", "accuracy"), persons)
    return _BODY.format(
        goals=_goals(reached, sets.free), table=card.table(head, lines), persons=persons_table, hip=by_group["hip"],
        heart=by_group["heart rate"], sets=sets.table,
    )  # fmt: skip


def tables() -> list[str]:
    """The rules everybody chose, in C."""
    lines = []
    for feature in SOURCES:
        rule, usual = choose(sessions(feature))
        limits = [rule.prior, *(round(x * _ONE) for x in (rule.cap, rule.allowance, rule.limit))]
        lines.append(f"    {{{', '.join(map(str, limits))}, {{{usual[0]}, {usual[1]}}}}}")
    return [
        '#include "sig_load.h"\n\n/* By source: motion of the hip, heart rate. */\n'
        f"static const sig_load_rule_t load_rules[{len(lines)}] = {{\n" + ",\n".join(lines) + "};\n"
    ]


_BODY = """## Fatigue (LoadMonitor)

`python -m tools.eval_fatigue`, Maman et al., 15 sessions of 10 people, leave one person out with the settings chosen
without them; windows after the wearer's own first three, through the C core.

{goals}
{table}
The heart rate reaches the aim, the hip alone the goal of 85 % and not the aim of 90 %. The hip is how hard it moves
(its logarithm) and which way gravity lies in it, each as a distance from the wearer's baseline whatever the
mounting. What is detected is a lasting departure from how the wearer's own day began, in either direction: older
people's heart rate rose and younger people's fell. **Every session on record is rested first and fatigued later**,
so nobody knows how it would take a change of task, a break, the heat, or a tag that slips on the belt; it is a hint
to its wearer and no more.

**Not as recorded:** the set holds features of windows and no samples. The tag's movement is the mean of how far the
magnitude of acceleration is from 1 g, the set's the mean acceleration beside gravity; both are taken by their
logarithm against the wearer's own, but the tag's own spread was never measured on tired people. The limits in the
core are of the set.

Why the hip stops there. Each row is people left out; in the last column the rule is the one that suits the session
itself best, which cannot be had:

{sets}
The combination that ships was picked among these on the same sessions. Picked by the other people, as the rule is, it
is another one from person to person, and the last row is what to expect elsewhere. Even a rule of each session's own
does not take movement and posture to 0.90: it is not the limits that are wrong, some people's hips do not tell. What
would change it: the heart rate, which reaches the aim, or more people: two of fifteen sessions (P10 and P6 lifting) are
7 of the 15 points that are missing.

**Tried, and not shipped.** These figures came from programs that are not kept: they cannot be made again. Votes of
three or five of these sets 0.862 at best; movement and one horizontal axis (z) of the posture 0.88, which is of how
these tags were worn and would not survive another mounting; posture alone 0.79, steps 0.61, step time 0.66. Heart
rate with movement 0.91, with movement and posture 0.85: no better than heart rate alone. A logistic function of all
hip and heart-rate features window by window 0.75 to 0.82. Other rules, each over seven sets of movement, its
variation, jerk and posture, settings chosen by the others: a fading mean of the distance with a lower limit to end
than to begin, 0.79 to 0.84; a fading mean of the direction (MEWMA) 0.69 to 0.84; sums of the direction (MCUSUM) 0.73
to 0.86; with the set chosen by the others, too, 0.79, 0.76 and 0.83, and 0.83 for the rule that ships; and among five
sets and three of these rules at once 0.77 by their best settings, 0.86 by the middle of their settings. What is
chosen by the others moves by more than what is to be gained.

Hip by group (sex as coded in the files; height and weight are not in them):

{hip}
Heart rate by group:

{heart}
{persons}"""


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the C limits and the section of the model card")
    args = parser.parse_args()
    text = body()
    print(text)
    if args.write:
        print(write_header("sig_load_model.h", "eval_fatigue", ORIGIN, tables()))
        card.write("fatigue", "eval_fatigue", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
