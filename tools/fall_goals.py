"""The goals of fall detection beside what is published and what networks reach on people they had not seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tools import card
from tools.fall_curves import as_recorded, share
from tools.fall_models import Placement
from tools.fall_verdict import Scored, Verdict

_SLOW_CHIP = "20 Hz points, 8 g, no gyro"
_SOFT_MAT = "25 Hz points, soft mat, 8 g"
_WIDTH_NOTE = "In brackets 95 % Wilson intervals, which take trials for independent."

Row = tuple[str, str, str, str]


def found(verdicts: Iterable[Verdict]) -> str:
    """Share of the falls that were found."""
    falls = [v for v in verdicts if v.is_fall]
    return share(sum(v.found for v in falls), len(falls))


def quiet(verdicts: Iterable[Verdict]) -> str:
    """Share of the activities without an alarm."""
    calm = [v for v in verdicts if not v.is_fall]
    return share(sum(v.alarms == 0 for v in calm), len(calm))


def f1(verdicts: Sequence[Verdict]) -> str:
    """Harmonic mean of precision and sensitivity, by trials; `–` when nothing fell and nothing was reported."""
    hits = sum(v.found for v in verdicts if v.is_fall)
    wrong = sum(v.alarms > 0 for v in verdicts if not v.is_fall) + sum(not v.found for v in verdicts if v.is_fall)
    return f"{2 * hits / (2 * hits + wrong):.3f}" if hits + wrong else "–"


def _on(scored: Iterable[Scored], chip: str) -> list[Verdict]:
    return [s.verdict() for s in scored if s.example.variant == chip and s.example.is_recorded]


def _false_in(verdicts: Iterable[Verdict]) -> str:
    calm = [v for v in verdicts if not v.is_fall]
    return f"{sum(v.alarms for v in calm)} in {sum(v.example.seconds for v in calm) / 3600:.1f} h"


def _unworn(scored: Iterable[Scored]) -> Row:
    things = [s.verdict() for s in scored if not s.example.is_worn]
    chips = sorted({v.example.variant for v in things})
    own = [v for v in things if v.example.variant == "as recorded"]
    others = [v for v in things if v.example.variant != "as recorded"]
    alarms, more = (sum(v.alarms > 0 for v in part) for part in (own, others))
    return (
        "tags without a person that raise an alarm (generated)", f"<= 0 of {len(own)}", "none",
        f"{alarms} of {len(own)}; on {len(chips) - 1} other chips {more} of {len(others)}",
    )  # fmt: skip


def _waist(scored: Sequence[Scored]) -> list[Row]:
    own = [s.verdict() for s in as_recorded(scored)]
    falls, calm = [v for v in own if v.is_fall], [v for v in own if not v.is_fall]
    leads = [v.lead_s for v in falls if v.lead_s is not None]
    slow, soft = _on(scored, _SLOW_CHIP), _on(scored, _SOFT_MAT)
    return [
        ("falls found", ">= 99.5 %",
         "99.4 % accuracy by thresholds; 88.2 % by a network on a microcontroller; offline trees 98.9 to 99.2 %",
         found(own)),
        ("activities without alarm", ">= 99.5 %",
         "99.4 % accuracy by thresholds; 96.4 % by that network; offline trees 99.3 to 99.8 %", quiet(own)),
        ("false alarms in activities chosen to provoke them", "<= 1 in 3 h", "offline trees 0.4 to 1.4 an hour",
         _false_in(own)),
        ("`falling`: falls announced", ">= 97 %", "96.1 %; offline trees 90.2 %", share(len(leads), len(falls))),
        ("`falling`: activities not announced", ">= 97 %", "90.5 %; offline trees 97.2 %",
         share(sum(not v.false_falling for v in calm), len(calm))),
        ("`falling`: mean lead before the impact", ">= 280 ms", "280 ms (not on this set); offline trees 337 ms",
         f"{1000 * float(np.mean(leads)):.0f} ms"),
        ("another laboratory's hard falls at 20 Hz: found, activities without alarm", ">= 98 %, >= 99 %",
         "offline trees 99.5, 97.7 % or 96.3, 100 %",
         f"no data; these people as a 20 Hz chip would record them {found(slow)}, {quiet(slow)}"),
        ("another laboratory's soft falls on thick mats at 25 Hz: F1", ">= 0.97",
         "0.911 by a transformer; offline trees 0.949",
         f"no data; these people at 25 Hz on mats made softer {f1(soft)}"),
        _unworn(scored),
    ]  # fmt: skip


def _wrist(scored: Sequence[Scored]) -> list[Row]:
    own, slow = [s.verdict() for s in as_recorded(scored)], _on(scored, _SLOW_CHIP)
    return [
        ("falls found", ">= 95 %", "90.6 %; offline trees 92.3 %", found(own)),
        ("activities without alarm", ">= 95 %", "96.9 %; offline trees 95.8 %", quiet(own)),
        ("as a 20 Hz chip would record them: falls found, activities without alarm", ">= 95 %, >= 95 %", "none",
         f"{found(slow)}, {quiet(slow)}"),
        _unworn(scored),
    ]  # fmt: skip


def lines(placement: Placement, scored: Sequence[Scored]) -> list[str]:
    """The table of one placement, in lines."""
    rows = (_waist if placement.name == "waist" else _wrist)(scored)
    named = [(f"{placement.name}: {figure}", *rest) for figure, *rest in rows]
    return [card.goals(named).rstrip(), "", _WIDTH_NOTE, ""]
