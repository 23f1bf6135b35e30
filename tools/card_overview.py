"""The first page of the model card: every goal of its sections beside what was reached, and whether that is enough.

A goal is conditions, `>= 98 %, >= 99 %`; more may be aimed at, `>= 85 %; aim >= 90 %`. What is here begins with as many
figures, `98.2 % (97.1 to 98.9), 99.9 %`; what stands in brackets or after a semicolon is not compared. A figure may be
a number with or without its unit, `8 of 8` (a share in per cent) or `3 in 7.3 h` (times an hour). A goal is met by the
figure, and surely when the worse end of its interval meets it, too. Where there is no data to measure with, what is
here begins with `no data`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tools.card_tables import goal_rows, table

# Sections of the card in the order of what was asked for, and its headings.
PARTS = {
    "falls": "1 falls", "bends": "2 bends", "exertion": "3 exertion", "fatigue": "3 load",
    "uwb": "4 UWB", "ble": "4 BLE", "zones": "4 zones", "cost": "5 cost",
}  # fmt: skip
# What was asked for without a number, and what holds it.
HELD = (
    ("`fall` at most 2 s after the impact, `recovered`, `no_motion` (120 s, or 0 to 30 min)",
     "pytest tests/native/test_fall_after.py tests/native/test_fall_properties.py"),
    ("chunked = whole, rotated = unrotated, times in seconds, 20 to 200 Hz: falls",
     "pytest tests/native/test_fall_properties.py tests/native/test_fall_after.py"),
    ("the same, and the time in the bands of the trunk's angle: bends", "pytest tests/native/test_bend_properties.py"),
    ("the same: load", "pytest tests/native/test_load.py"),
    ("clipping, a missing gyroscope, samples lost, repeated and in bursts",
     "pytest tests/native/test_fall_faults.py tests/native/test_bend_properties.py"),
    ("the same bits on x86-64, in MicroPython and on rv32",
     "pytest tests/native/test_micropython.py tests/native/test_micropython_others.py tests/native/test_rv32.py"),
    ("equal to definitions in plain Python; filters equal to SciPy's",
     "pytest tests/native -k 'definition or scipy or reference'"),
    ("sanitizers and libFuzzer find nothing", "pytest tests/native/test_fuzz.py"),
    ("refusals: heart rate lost or noise, a tag that lies still",
     "pytest tests/native/test_exertion.py tests/native/test_load.py"),
    ("protective distance, two zones with hysteresis", "pytest tests/native/test_zone.py"),
    ("operator exemption", "pytest tests/firmware/test_node.py"),
    ("beside NumPy and trees compiled by a public tool (BENCHMARKS.md)", "make bench"),
    ("every table of this file and of the core made again, fixed seeds, split by person or place", "make card"),
)  # fmt: skip


@dataclass(frozen=True)
class Goal:
    """One figure that was asked for."""

    section: str
    tool: str
    figure: str
    goal: str
    published: str
    here: str

    @property
    def met(self) -> str:
        """ "yes", "no", "yes, aim no", "no data", or "–" where no number was asked for."""
        if self.here.startswith("no data"):
            return "no data"
        asked, _, aim = self.goal.partition(";")
        if not conditions(asked):
            return "–"
        reached = figures(self.here)
        if not satisfied(asked, reached):
            return "no"
        doubts = [] if surely(asked, self.here) else ["not surely"]
        doubts += ["aim no"] if conditions(aim) and not satisfied(aim, reached) else []
        return ", ".join(["yes", *doubts])

    @property
    def command(self) -> str:
        """What measures it."""
        return "`make sizes`" if self.tool == "sizes" else f"`python -m tools.{self.tool}`"


def amount(text: str) -> float:
    """The figure `text` begins with. ValueError when it is none."""
    found = re.match(r"(-?\d+(?:\.\d+)?)(?: (of|in) (\d+(?:\.\d+)?))?", text.strip())
    if found is None:
        raise ValueError(f"no figure: {text!r}")
    number, word, whole = found.groups()
    if word is None:
        return float(number)
    return float(number) / float(whole) * (100 if word == "of" else 1)


def conditions(text: str) -> list[tuple[str, float]]:
    """(">=" or "<=", limit) of every condition in `text`."""
    return [(sign, amount(limit)) for sign, limit in re.findall(r"([<>]=) ([^,;]+)", text)]


def figures(here: str) -> list[float]:
    """What is compared, in order."""
    compared = re.sub(r"\([^)]*\)", "", here.partition(";")[0].replace("*", ""))
    return [amount(part) for part in compared.split(",") if re.match(r"\s*-?\d", part)]


def satisfied(asked: str, reached: list[float]) -> bool:
    """Whether every condition holds. ValueError when there are more conditions than figures."""
    limits = conditions(asked)
    if len(reached) < len(limits):
        raise ValueError(f"{len(limits)} conditions ({asked}) and {len(reached)} figures")
    return all(
        value >= limit if sign == ">=" else value <= limit
        for (sign, limit), value in zip(limits, reached, strict=False)
    )


def surely(asked: str, here: str) -> bool:
    """Whether both ends of every interval among what is compared meet the conditions, too; a figure without is sure."""
    parts = here.partition(";")[0].split(",")
    for condition, part in zip(re.findall(r"[<>]= [^,;]+", asked), parts, strict=False):
        interval = re.search(r"\((-?\d+(?:\.\d+)?)(?: to |–)(-?\d+(?:\.\d+)?)\)", part)
        if interval and not all(satisfied(condition, [float(end)]) for end in interval.groups()):
            return False
    return True


def gathered(sections: Mapping[str, tuple[str, str]]) -> list[Goal]:
    """The goals of sections by name, each with its tool and body, in the order of PARTS.

    ValueError for a section with goals that PARTS does not know.
    """
    unknown = [name for name, (_, body) in sections.items() if name not in PARTS and goal_rows(body)]
    if unknown:
        raise ValueError(f"sections that tools/card_overview.py does not know: {unknown}")
    return [Goal(name, *_of(sections[name], row)) for name in PARTS if name in sections for row in
            goal_rows(sections[name][1])]  # fmt: skip


def _of(section: tuple[str, str], row: tuple[str, str, str, str]) -> tuple[str, str, str, str, str]:
    figure, goal, published, here = row
    return section[0], figure, goal, published, here


def _counted(goals: Iterable[Goal]) -> str:
    said = [goal.met for goal in goals]
    asked = len(said) - said.count("–")
    met = [word for word in said if word.startswith("yes")]
    doubtful = sum("not surely" in word for word in met)
    return (
        f"Of {asked} goals with a number {len(met)} are met ({doubtful} of them not surely: the interval goes beyond "
        f"the goal), **{said.count('no')} are missed**, and {said.count('no data')} cannot be measured here."
    )


def body(sections: Mapping[str, tuple[str, str]]) -> str:
    """The overview of these sections."""
    goals = gathered(sections)
    lines = [(PARTS[g.section], g.figure, g.goal, g.here, g.published, f"**{g.met}**" if g.met == "no" else g.met,
              g.command) for g in goals]  # fmt: skip
    head = ("part", "figure", "goal", "here", "published, or known before", "met", "command")
    return _BODY.format(
        counted=_counted(goals), goals=table(head, lines).rstrip(),
        held=table(("asked for without a number", "held by"), [(what, f"`{how}`") for what, how in HELD]).rstrip(),
    )  # fmt: skip


_BODY = """## Everything that was asked for

{counted} "Offline" are strong models without limits of size on the same or like data. In brackets intervals of 95 %.

{goals}

{held}"""
