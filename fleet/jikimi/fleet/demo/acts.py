"""What workers do with their tags' buttons during a run: calls for help, and falls that were nothing.

Every call for help is ended by its caller after a while, as when the matter was cleared up. Every other fall is
cancelled by the one who fell, from the floor. A worker presses one thing at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jikimi.fleet.floor import ActedFall

FIRST_CALL_S, CALL_GAP_S = 4.0, 20.0  # of the shift: the first call for help, and the time to the next one
CALL_ENDS_S = 5.0  # after it: the caller says "I am all right"
CANCEL_AFTER_S = 2.5  # after an impact: the alarm is on by then, and nobody is up again
_HOLD_S, _SHORT_S = 2.2, 0.6
_CLEAR_S = 8.0  # a worker who falls within this of a call does not call

Press = Callable[[str, float], None]


@dataclass(frozen=True)
class Act:
    """One press of a worker's button: `what` is sos, all-right or cancel."""

    t_s: float
    board: str
    what: str


class Acts:
    """Presses buttons when their time has come; `done` are the acts so far. Times are seconds of the world."""

    def __init__(self, tags: Sequence[str], press: Press) -> None:
        self.done: list[Act] = []
        self._tags = list(tags)
        self._press = press
        self._due: list[Act] = []
        self._calls = 0
        self._falls = 0

    def tick(self, opened_s: float, now_s: float, falls: Sequence[ActedFall]) -> None:
        """Do what is due by `now_s`; `falls` are those acted so far."""
        self._plan_calls(opened_s, now_s, falls)
        for fall in falls[self._falls :]:
            self._falls += 1
            if self._falls % 2 == 0:
                self._due.append(Act(fall.impact_s + CANCEL_AFTER_S, fall.board, "cancel"))
        for act in [act for act in self._due if act.t_s <= now_s]:
            self._due.remove(act)
            self._press(act.board, _HOLD_S if act.what == "sos" else _SHORT_S)
            self.done.append(act)

    def count(self, what: str) -> int:
        """How many acts of a kind were done."""
        return sum(act.what == what for act in self.done)

    def _plan_calls(self, opened_s: float, now_s: float, falls: Sequence[ActedFall]) -> None:
        while self._tags and opened_s + FIRST_CALL_S + self._calls * CALL_GAP_S <= now_s:
            caller = self._caller(now_s, falls)
            self._calls += 1
            if caller is not None:
                self._due.append(Act(now_s, caller, "sos"))
                self._due.append(Act(now_s + CALL_ENDS_S, caller, "all-right"))

    def _caller(self, now_s: float, falls: Sequence[ActedFall]) -> str | None:
        """The next in turn who has not just fallen; None when everybody has."""
        fallen = {fall.board for fall in falls if fall.impact_s > now_s - _CLEAR_S}
        order = self._tags[self._calls % len(self._tags) :] + self._tags[: self._calls % len(self._tags)]
        return next((tag for tag in order if tag not in fallen), None)
