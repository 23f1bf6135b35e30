"""The model card's tables beyond one threshold and one set: trade-offs, and tables on the other set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tools import fall_verdict
from tools.card import table
from tools.fall_models import Example, Placement, Scales
from tools.fall_verdict import Scored, Verdict

_OVERS = (-512, -256, -128, 0, 128, 256, 512)  # 1/256 log odds
_CHIP = "as recorded"
_QUESTIONS = ("falls found", "activities without alarm", "falls announced", "activities not announced")


def share(good: int, n: int) -> str:
    """Percentage with its 95 % Wilson interval."""
    if n == 0:
        return "–"
    p, z = good / n, 1.96
    middle, width = (p + z * z / 2 / n), z * np.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    low, high = (middle - width) / (1 + z * z / n), (middle + width) / (1 + z * z / n)
    return f"{100 * p:.2f} % ({100 * low:.1f}–{100 * high:.1f})"


def recorded(examples: Iterable[Example]) -> list[Example]:
    """Those of the set on the recorded chip."""
    return [e for e in examples if e.variant == _CHIP and e.is_recorded]


def as_recorded(scored: Iterable[Scored]) -> list[Scored]:
    """The same of what was scored."""
    return [s for s in scored if s.example.variant == _CHIP and s.example.is_recorded]


def _parts(verdicts: Sequence[Verdict]) -> tuple[list[Verdict], list[Verdict]]:
    return [v for v in verdicts if v.is_fall], [v for v in verdicts if not v.is_fall]


def four(verdicts: Sequence[Verdict]) -> tuple[str, str, str, str]:
    """Shares right, in the order of _QUESTIONS."""
    falls, calm = _parts(verdicts)
    return (
        share(sum(v.found for v in falls), len(falls)),
        share(sum(v.alarms == 0 for v in calm), len(calm)),
        share(sum(v.lead_s is not None for v in falls), len(falls)),
        share(sum(not v.false_falling for v in calm), len(calm)),
    )


def _alarms_an_hour(verdicts: Sequence[Verdict]) -> str:
    _, calm = _parts(verdicts)
    hours = sum(v.example.seconds for v in calm) / 3600
    return f"{sum(v.alarms for v in calm) / hours:.2f}"


def _lead_ms(verdicts: Sequence[Verdict]) -> str:
    leads = [v.lead_s for v in verdicts if v.lead_s is not None]
    return f"{1000 * float(np.mean(leads)):.0f}" if leads else "–"


def _row(over: int, verdicts: Sequence[Verdict]) -> list[str]:
    found, quiet, announced, silent = four(verdicts)
    odds = f"{over / 256:+.1f}" if over else "0, shipped"
    return [odds, found, quiet, _alarms_an_hour(verdicts), announced, _lead_ms(verdicts), silent]


def trade_off(scored: Sequence[Scored]) -> list[str]:
    """What other thresholds on the log odds would give, on people not seen."""
    own = as_recorded(scored)
    head = ("log odds over", *_QUESTIONS[:2], "false an hour", _QUESTIONS[2], "lead, ms", _QUESTIONS[3])
    rows = [_row(over, [s.verdict(over) for s in own]) for over in _OVERS]
    return ["Other thresholds, as recorded:", "", table(head, rows).rstrip(), ""]


def other_set(placement: Placement, part: list[Example], others: Sequence[Example], scales: Scales) -> list[str]:
    """Tables learnt from this set, on the people, chip and place on the body of the other."""
    tested = fall_verdict.judged(placement, part, recorded(others), scales)
    shares = four([s.verdict() for s in tested])
    return [
        f"Tables of the {placement.name} on the other set, worn elsewhere on the body (a worst case, not a use):",
        "",
        table(("trained here, tested there", "share"), zip(_QUESTIONS, shares, strict=True)).rstrip(),
        "",
    ]
