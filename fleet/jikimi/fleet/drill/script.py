"""What a drill kills by itself, and when: the next one when everything has been well for a while."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Script:
    """`acts` in turn, each after `pause_s` in which all was well."""

    def __init__(self, acts: Iterable[str], pause_s: float) -> None:
        self._acts = deque(acts)
        self._pause_s = pause_s
        self._well_since_s: float | None = None

    def next(self, now_s: float, *, well: bool) -> str | None:
        """The act that is due, once; None: nothing."""
        if not well:
            self._well_since_s = None
        elif self._well_since_s is None:
            self._well_since_s = now_s
        if not self._acts or self.due_in_s(now_s) != 0:
            return None
        self._well_since_s = None
        return self._acts.popleft()

    @property
    def coming(self) -> str | None:
        """The act that comes next."""
        return self._acts[0] if self._acts else None

    def due_in_s(self, now_s: float) -> float | None:
        """Seconds until the next act, or until the end after the last one; None: not while something is amiss."""
        if self._well_since_s is None:
            return None
        return max(0.0, self._well_since_s + self._pause_s - now_s)

    def over(self, now_s: float) -> bool:
        """Nothing comes any more, and all has been well since the last act for as long as between two."""
        return not self._acts and self.due_in_s(now_s) == 0
