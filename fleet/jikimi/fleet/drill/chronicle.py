"""What has happened to the processes: each end is an incident, told until it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jikimi.fleet.drill.incident import Incident, Moment

if TYPE_CHECKING:
    from collections.abc import Callable


class Chronicle:
    """Follows incidents from one moment to the next, and tells them."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.incidents: list[Incident] = []
        self.open: dict[str, Incident] = {}  # by the process's name
        self.leader: str | None = None  # the node that led last
        self._say = say
        self._killed: set[str] = set()  # by us, and not noticed yet
        self._restarts: dict[str, int] = {}

    def expect_end_of(self, name: str) -> None:
        """It is this drill that ends the process now, and nobody else."""
        self._killed.add(name)

    def follow(self, moment: Moment) -> None:
        """Notice and tell what has happened since the last time."""
        self.leader = moment.seen.leader or self.leader
        for status in moment.services.values():
            if status.restarts > self._restarts.get(status.name, 0):
                self._restarts[status.name] = status.restarts
                self._begin(moment, status.name)
        for name, incident in list(self.open.items()):
            for sentence in incident.follow(moment):
                self._say(sentence)
            if incident.over:
                del self.open[name]

    def _begin(self, moment: Moment, name: str) -> None:
        by_hand = name not in self._killed
        self._killed.discard(name)
        incident = Incident(moment, name, led=name == self.leader, by_hand=by_hand)
        self.incidents.append(incident)
        self.open[name] = incident
        self._say(incident.first_words())
