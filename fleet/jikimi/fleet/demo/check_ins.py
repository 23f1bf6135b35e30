"""What a worker who works alone does about the questions of the tag, by the length of the run.

The tag asks a whole period after the last sign of life. A run that is long enough has a question answered before one is
not; then somebody came to look, the worker says so, and it begins again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

PERIOD_MIN = 5  # between a sign of life and the question, the shortest there is
ANSWER_S = 60.0  # the tag waits so long for an answer
ANSWERED_FROM_S = 740.0  # a run lasts at least this to have a question answered and a later one not
_PERIOD_S = PERIOD_MIN * 60.0
_FIRST_S = 8.0  # the sign of life from which all questions count
_REACTS_S, _LOOKED_AFTER_S = 12.0, 20.0


@dataclass(frozen=True)
class Step:
    """At `t_s` of the shift a press (answer, all-right), or none when time is up (no-answer)."""

    t_s: float
    what: str


def steps(seconds: float) -> Iterator[Step]:
    """All steps of a run of `seconds` (infinite: without end), in order of time, up to its end."""
    return itertools.takewhile(lambda step: step.t_s <= seconds, _cycles(answers=seconds >= ANSWERED_FROM_S))


def _cycles(*, answers: bool) -> Iterator[Step]:
    sign_s = _FIRST_S
    yield Step(sign_s, "answer")
    while True:
        if answers:
            sign_s += _PERIOD_S + _REACTS_S
            yield Step(sign_s, "answer")
        missed_s = sign_s + _PERIOD_S + ANSWER_S
        yield Step(missed_s, "no-answer")
        sign_s = missed_s + _LOOKED_AFTER_S
        yield Step(sign_s, "all-right")
