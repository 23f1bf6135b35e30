"""Gaps in sequences: when to ask a device to send again what is missing.

A device sends on its own what is not acknowledged, at growing intervals. Asking is for what it believes to be under
way: it comes at once then, instead of minutes later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jikimi.fleet.store import StreamKey

_FIRST_S: Final = 2.0  # messages overtake each other; a gap that is older is real
_AGAIN_S: Final = 30.0
_MOST: Final = 10_000  # sequences kept in mind; of more, the oldest is forgotten until it is heard again


class Gaps:
    """Sequences with a gap, each with the moment (monotonic, s) at which its device is to be asked."""

    def __init__(self) -> None:
        self._due_s: dict[StreamKey, float] = {}
        self._upto: dict[StreamKey, int] = {}

    def note(self, acks: Mapping[StreamKey, int], gaps: Mapping[StreamKey, int], now_s: float) -> None:
        """What a commit found: `acks` of all sequences it touched, and the highest seq of those with a gap."""
        for key, upto in acks.items():
            if key not in gaps:
                self._forget(key)
            elif self._upto.get(key) != upto:
                # It moved, so something is on its way: wait again.
                self._forget(key)
                self._due_s[key], self._upto[key] = now_s + _FIRST_S, upto
        while len(self._due_s) > _MOST:
            self._forget(next(iter(self._due_s)))

    def due(self, now_s: float) -> list[tuple[StreamKey, int]]:
        """The sequences to ask for now, each with the first seq that is missing; they are due again later."""
        found = [(key, self._upto[key] + 1) for key, due_s in self._due_s.items() if due_s <= now_s]
        for key, _ in found:
            self._due_s[key] = now_s + _AGAIN_S
        return found

    def _forget(self, key: StreamKey) -> None:
        self._due_s.pop(key, None)
        self._upto.pop(key, None)
