"""What the drill is doing, and how each process is, in the words of the view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jikimi.fleet.drill.incident import Incident, Moment, is_node
from jikimi.fleet.drill.view import Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jikimi.fleet.drill.options import Options
    from jikimi.fleet.drill.script import Script
    from jikimi.fleet.services import Status

    Open = Mapping[str, Incident]


def doing(moment: Moment, incidents: Open, script: Script, options: Options) -> str:
    """What is amiss, or what comes next."""
    now_s = moment.now_s
    if incidents:
        return "; ".join(_amiss(incident, now_s, options.pause_s) for incident in incidents.values())
    if moment.seen.trouble is not None:
        return moment.seen.trouble
    due_s, coming = script.due_in_s(now_s), script.coming
    if due_s is None or not options.kill:
        return "all is well"
    if coming is not None:
        return f"all is well; in {due_s:.0f} s {coming} is killed"
    return "all is well" if options.seconds is not None else f"all is well; the end is in {due_s:.0f} s"


def rows(moment: Moment, incidents: Open, away_s: float) -> list[Row]:
    """A row for each process; one that was killed stays away for `away_s`."""
    return [_row(moment, status, incidents.get(status.name), away_s) for status in moment.services.values()]


def _row(moment: Moment, status: Status, incident: Incident | None, away_s: float) -> Row:
    node = moment.seen.nodes.get(status.name)
    tags = None if node is None or not node.answers else node.tags
    return Row(status.name, status.pid, _state(moment, status, incident, away_s), tags)


def _state(moment: Moment, status: Status, incident: Incident | None, away_s: float) -> str:
    node = moment.seen.nodes.get(status.name)
    if status.pid is None:
        return "gone" + ("" if incident is None else _return(incident, moment.now_s, away_s))
    if node is None:
        return "runs" if status.ready else "starts"
    if not node.answers:
        return "does not answer" if incident is None else "starts"
    if node.leads:
        return "runs, leads"
    if moment.seen.leader is None:
        return "chooses a leader"
    return "runs" if node.current else "catches up"


def _amiss(incident: Incident, now_s: float, away_s: float) -> str:
    name, figures = incident.figures.name, incident.figures
    if figures.back_after_s is None:
        return f"{name} is away{_return(incident, now_s, away_s)}"
    if figures.goes_on_after_s is None:
        return f"{name} is back, not every tag has gone on"
    return f"{name} fetches what it has missed" if is_node(name) else f"{name} is back"


def _return(incident: Incident, now_s: float, away_s: float) -> str:
    left_s = incident.began_s + away_s - now_s
    return f", back in {left_s:.0f} s" if left_s >= 1 else ", coming back"
