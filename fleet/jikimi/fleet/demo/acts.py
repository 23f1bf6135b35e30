"""What workers do with their tags' buttons during a run: calls for help, and falls that were nothing.

Every call for help is ended by its caller after a while, as when the matter was cleared up. Every other fall is
cancelled by the one who fell, from the floor. Who lay motionless says so after getting up, and who works alone answers
the tag's questions or does not (`check_ins`). A worker does one thing at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from jikimi.fleet.demo.check_ins import Step
from jikimi.fleet.floor import ActedFall, Rest

FIRST_CALL_S, CALL_GAP_S = 4.0, 20.0  # of the shift: the first call for help, and the time to the next one
CALL_ENDS_S = 5.0  # after it: the caller says "I am all right"
CANCEL_AFTER_S = 2.5  # after an impact: the alarm is on by then, and nobody is up again
_HOLD_S, _SHORT_S = 2.2, 0.6
CLEAR_S = 8.0  # a worker who falls, or lies down, within this of a call does not call
_UP_S = 5.0  # after a rest: the one who lay there is up and says "I am all right"

Press = Callable[[str, float], None]


@dataclass(frozen=True)
class Act:
    """One press of a worker's button: `what` is sos, all-right, cancel or answer; no-answer is no press."""

    t_s: float
    board: str
    what: str


class Acts:
    """Presses buttons when their time has come; `done` are the acts so far. Times are seconds of the world.

    `lone` is the tag of who works alone, and `steps` what that one does, in seconds of the shift.
    """

    def __init__(self, tags: Sequence[str], press: Press, lone: str | None = None, steps: Iterable[Step] = ()) -> None:
        self.done: list[Act] = []
        self._lone = lone
        self._steps = iter(steps)
        self._step = next(self._steps, None)
        self._tags = list(tags)
        self._press = press
        self._due: list[Act] = []
        self._calls = 0
        self._falls = 0
        self._rests = 0

    def tick(self, opened_s: float, now_s: float, falls: Sequence[ActedFall], rests: Sequence[Rest] = ()) -> None:
        """Do what is due by `now_s`; `falls` are those acted so far, `rests` all that begin within `CLEAR_S`."""
        self._plan_calls(opened_s, now_s, falls, rests)
        self._plan_steps(opened_s, now_s)
        for rest in rests[self._rests :]:
            self._rests += 1
            self._due.append(Act(rest.end_s + _UP_S, rest.board, "all-right"))
        for fall in falls[self._falls :]:
            self._falls += 1
            if self._falls % 2 == 0:
                self._due.append(Act(fall.impact_s + CANCEL_AFTER_S, fall.board, "cancel"))
        for act in [act for act in self._due if act.t_s <= now_s]:
            self._due.remove(act)
            if act.what != "no-answer":
                self._press(act.board, _HOLD_S if act.what == "sos" else _SHORT_S)
            self.done.append(act)

    def times(self, what: str) -> list[tuple[str, float]]:
        """Board and time of each act of a kind."""
        return [(act.board, act.t_s) for act in self.done if act.what == what]

    def _plan_steps(self, opened_s: float, now_s: float) -> None:
        while self._lone is not None and self._step is not None and opened_s + self._step.t_s <= now_s:
            self._due.append(Act(opened_s + self._step.t_s, self._lone, self._step.what))
            self._step = next(self._steps, None)

    def _plan_calls(self, opened_s: float, now_s: float, falls: Sequence[ActedFall], rests: Sequence[Rest]) -> None:
        while self._tags and opened_s + FIRST_CALL_S + self._calls * CALL_GAP_S <= now_s:
            caller = self._caller(now_s, falls, rests)
            self._calls += 1
            if caller is not None:
                self._due.append(Act(now_s, caller, "sos"))
                self._due.append(Act(now_s + CALL_ENDS_S, caller, "all-right"))

    def _caller(self, now_s: float, falls: Sequence[ActedFall], rests: Sequence[Rest]) -> str | None:
        """The next in turn who has nothing else to do with the tag; None when everybody has."""
        busy = {fall.board for fall in falls if fall.impact_s > now_s - CLEAR_S}
        busy |= {rest.board for rest in rests if rest.begin_s - CLEAR_S < now_s < rest.end_s + CLEAR_S}
        order = self._tags[self._calls % len(self._tags) :] + self._tags[: self._calls % len(self._tags)]
        return next((tag for tag in order if tag not in busy and tag != self._lone), None)
