"""What a run looks like while it goes: a live table on a terminal, a line per event elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_EVENTS = 12  # lines of the latest events on a terminal
_PROGRESS_S = 10.0  # between two lines of progress elsewhere


@dataclass(frozen=True)
class State:
    """The run at one moment."""

    elapsed_s: float
    seconds: float | None  # how long it will run; None until Ctrl-C
    online: int
    devices: int
    open_alarms: Sequence[str]
    near_misses: Sequence[tuple[str, int | None]]  # per machine; None: too few people are behind it
    stored: int
    page: str | None


class View(Protocol):
    """Where a run shows itself; used as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def say(self, text: str) -> None:
        """A word on what is going on."""
        ...

    def event(self, text: str) -> None:
        """One event from the floor, as it was stored."""
        ...

    def show(self, state: State) -> None:
        """The state of the run, several times a second."""
        ...


def view(*, terminal: bool) -> View:
    """The view that fits; both write to stderr, as stdout is for the summary."""
    return LiveView() if terminal else PlainView()


class PlainView:
    """Lines, each once."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._next_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def say(self, text: str) -> None:
        """Print the line."""
        self._console.print(f"jikimi demo: {text}")

    def event(self, text: str) -> None:
        """Print the event."""
        self._console.print(text)

    def show(self, state: State) -> None:
        """Print a line of progress now and then."""
        if state.elapsed_s >= self._next_s:
            self._next_s = state.elapsed_s - state.elapsed_s % _PROGRESS_S + _PROGRESS_S
            self.say(_headline(state))


class LiveView:
    """A table that stays in place."""

    def __init__(self) -> None:
        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
        self._events: deque[str] = deque(maxlen=_EVENTS)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """Print above the table."""
        self._live.console.print(Text(f"jikimi demo: {text}"))

    def event(self, text: str) -> None:
        """Keep the event for the table."""
        self._events.append(text)

    def show(self, state: State) -> None:
        """Draw the table."""
        self._live.update(_panel(state, self._events), refresh=True)


def _headline(state: State) -> str:
    until = "" if state.seconds is None else f" of {state.seconds:.0f}"
    return (
        f"{state.elapsed_s:.0f}{until} s: {state.online} of {state.devices} devices online, "
        f"{len(state.open_alarms)} open alarms, {state.stored} records stored"
    )


def _panel(state: State, events: Sequence[str]) -> Panel:
    columns = Table.grid(padding=(0, 3))
    columns.add_row(_alarms(state.open_alarms), _near_misses(state.near_misses))
    page = [Text(f"live page: {state.page}", style="cyan")] if state.page else []
    latest = Text("\n".join(events) or "no events yet", style="dim" if not events else "")
    body = Group(Text(_headline(state)), *page, Text(), columns, Text(), latest)
    return Panel(body, title="jikimi demo", subtitle="Ctrl-C ends everything", border_style="blue")


def _alarms(alarms: Sequence[str]) -> Table:
    table = Table(title="open alarms", title_justify="left", show_header=False, min_width=38)
    for alarm in alarms[-6:]:
        table.add_row(Text(alarm, style="bold red"))
    if not alarms:
        table.add_row(Text("none", style="green"))
    return table


def _near_misses(rows: Sequence[tuple[str, int | None]]) -> Table:
    table = Table(title="near misses", title_justify="left", show_header=False, min_width=24)
    for machine, count in rows:
        table.add_row(machine, "too few" if count is None else str(count))
    return table
