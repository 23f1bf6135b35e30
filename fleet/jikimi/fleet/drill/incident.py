"""What follows the end of one process, in sentences as it happens and in figures afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jikimi.fleet.drill.database import NAME as DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jikimi.fleet.drill.traffic import Count
    from jikimi.fleet.drill.watch import Seen
    from jikimi.fleet.services import Status


@dataclass(frozen=True)
class Moment:
    """Everything at one moment of the monotonic clock."""

    now_s: float
    services: Mapping[str, Status]
    seen: Seen
    tags: Mapping[str, Count]

    @property
    def waiting(self) -> int:
        """Events that were sent and are not acknowledged."""
        return sum(count.waiting for count in self.tags.values())


def is_node(name: str) -> bool:
    """Whether that is a node of the broker."""
    return name.startswith("broker")


def is_worker(name: str) -> bool:
    """Whether that is a worker of ingest."""
    return name.startswith("ingest")


@dataclass
class Figures:
    """Of one incident; seconds since the process ended, None: not seen before the drill's end."""

    name: str
    how: str  # it ended
    led: bool  # it was the node that leads
    by_hand: bool  # not by the drill
    waited: int = 0  # events, the most at any moment
    reconnected: int = 0  # tags
    leads_after_s: float | None = None  # a node leads
    goes_on_after_s: float | None = None  # every tag has new acknowledgements, and all that waited has arrived
    back_after_s: float | None = None
    current_after_s: float | None = None  # a node has all that the others have


class Incident:
    """One process that ended at `moment`; `led`: it was the node that leads."""

    def __init__(self, moment: Moment, name: str, *, led: bool, by_hand: bool) -> None:
        self.figures = Figures(name, moment.services[name].ended, led, by_hand)
        self.began_s = moment.now_s
        self._before = moment

    @property
    def over(self) -> bool:
        """Everything is as it was."""
        figures = self.figures
        awaited = [figures.goes_on_after_s, figures.back_after_s]
        if figures.led:
            awaited.append(figures.leads_after_s)
        if is_node(figures.name):
            awaited.append(figures.current_after_s)
        return None not in awaited

    def first_words(self) -> str:
        """What has ended, and what that means."""
        name, services = self.figures.name, self._before.services
        by = ", not by this demo" if self.figures.by_hand else ""
        return f"{name} is gone ({self.figures.how}{by}): {_meaning(name, services)}"

    def follow(self, moment: Moment) -> Iterator[str]:
        """A sentence for each thing that has happened since the last call."""
        figures, after_s = self.figures, moment.now_s - self.began_s
        if figures.led and figures.leads_after_s is None and self._is_led(moment):
            figures.leads_after_s = after_s
            again = "again" if moment.seen.leader == figures.name else "now"
            yield f"{moment.seen.leader} leads {again}, {after_s:.1f} s later"
        if figures.goes_on_after_s is None:
            figures.waited = max(figures.waited, moment.waiting)
            if self._goes_on(moment):
                figures.goes_on_after_s = after_s
                figures.reconnected = sum(
                    count.losses > self._before.tags[device].losses for device, count in moment.tags.items()
                )
                yield self._gone_on()
        yield from self._follow_return(moment, after_s)

    def _follow_return(self, moment: Moment, after_s: float) -> Iterator[str]:
        figures, status = self.figures, moment.services[self.figures.name]
        if figures.back_after_s is None and status.ready:
            figures.back_after_s = after_s
            yield f"{figures.name} is back (process {status.pid}){_return(figures.name)}"
        elif is_node(figures.name) and figures.back_after_s is not None and figures.current_after_s is None:
            node = moment.seen.nodes[figures.name]
            if node.pid == status.pid and node.current:
                figures.current_after_s = after_s
                yield f"{figures.name} has caught up, {after_s - figures.back_after_s:.1f} s after its return"

    def _is_led(self, moment: Moment) -> bool:
        """By another node, or by this one, which was back before the others had chosen."""
        leader, own = moment.seen.leader, moment.services[self.figures.name]
        return leader is not None and (leader != own.name or moment.seen.nodes[leader].pid == own.pid)

    def _goes_on(self, moment: Moment) -> bool:
        before = self._before.tags
        return all(
            count.acked > before[device].acked and count.acked >= before[device].sent
            for device, count in moment.tags.items()
        )

    def _gone_on(self) -> str:
        figures = self.figures
        again = f"{figures.reconnected} of them connected again, " if figures.reconnected else ""
        return (
            f"every tag has gone on after {figures.goes_on_after_s:.1f} s: {again}"
            f"up to {figures.waited} events waited and have all arrived"
        )


def _meaning(name: str, services: Mapping[str, Status]) -> str:
    if name == DATABASE:
        return "the workers wait for it, and the broker keeps what comes"
    alike = [status for other, status in services.items() if is_node(other) == is_node(name) and other != DATABASE]
    left = sum(status.pid is not None for status in alike)
    if is_worker(name):
        return "the others take its share of the tags" if left else "the broker keeps what comes until one is back"
    if left > len(alike) // 2:
        return f"{left} of {len(alike)} nodes are left, a majority, and go on"
    return f"{left} of {len(alike)} nodes are left, too few to agree: tags keep what they record until one is back"


def _return(name: str) -> str:
    if is_node(name):
        return " and fetches what it has missed"
    return " and takes its share again" if is_worker(name) else ""
