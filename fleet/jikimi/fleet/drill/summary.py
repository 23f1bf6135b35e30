"""The account of a drill: one object, printed for people or as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jikimi.fleet.drill.incident import Figures
    from jikimi.fleet.load import Report


@dataclass(frozen=True)
class Summary:
    """What was killed, and what became of the tags' events."""

    nodes: int
    workers: int
    database: str
    load: Report
    events: int  # sent
    waiting: int  # of them not acknowledged in the end: a tag would go on sending them
    in_order: bool
    late: int  # stored after one that follows them, and in their place
    incidents: Sequence[Figures]

    @property
    def well(self) -> bool:
        """Nothing lost, nothing doubled, each tag's order kept, and all of it known."""
        return self.events > 0 and self.waiting == 0 and not self._faults()

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "nodes": self.nodes,
            "workers": self.workers,
            "database": self.database,
            **self.load._asdict(),
            "events": self.events,
            "waiting": self.waiting,
            "in_order": self.in_order,
            "late": self.late,
            "incidents": [asdict(figures) for figures in self.incidents],
            "well": self.well,
        }

    def lines(self) -> list[str]:
        """The account for people; the last line is the verdict."""
        load, latency = self.load, self.load.commit_latency_ms
        return [
            f"cluster    {self.nodes} nodes, {self.workers} workers, {self.database}",
            f"events     {self.events} sent by {load.tags} tags in {load.seconds:.0f} s, "
            f"acknowledged after {latency['p50']:.0f} ms (p99 {latency['p99']:.0f})",
            *(_table(self.incidents) if self.incidents else ()),
            f"account    {load.lost} lost, {load.duplicates} doubled, order {'kept' if self.in_order else 'NOT KEPT'}"
            + (f" ({self.late} came late and are in place)" if self.late else ""),
            self._verdict(),
        ]

    def _verdict(self) -> str:
        if self.waiting:
            return f"NO VERDICT: stopped while {self.waiting} events were still waiting to be acknowledged"
        if self.events == 0:
            return "NO VERDICT: stopped before any tag had sent anything"
        if not self.well:
            return "FAILED: " + ", ".join(self._faults())
        return "PASSED: nothing was lost, nothing doubled, each tag's order kept"

    def _faults(self) -> list[str]:
        found = {"lost": self.load.lost, "doubled": self.load.duplicates}
        return [f"{n} events {what}" for what, n in found.items() if n] + ([] if self.in_order else ["order not kept"])


def _table(incidents: Sequence[Figures]) -> list[str]:
    """A line for each incident, with the seconds until all was well again."""
    rows: list[tuple[str, ...]] = [("killed", "new leader", "all tags on", "back", "caught up", "waited")]
    for one in incidents:
        title = f"{one.name} by hand" if one.by_hand else one.name
        times = (one.leads_after_s, one.goes_on_after_s, one.back_after_s, one.current_after_s)
        rows.append((title, *("" if time_s is None else f"{time_s:.1f} s" for time_s in times), str(one.waited)))
    return ["{:<20} {:>10} {:>12} {:>8} {:>10} {:>7}".format(*row) for row in rows]
