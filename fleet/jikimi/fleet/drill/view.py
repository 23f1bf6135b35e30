"""What a drill looks like while it goes: a panel that stays in place on a terminal, lines elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from jikimi.fleet.drill.watch import Books

_PROGRESS_S = 5.0  # between two lines of progress away from a terminal
_GOOD, _BAD = "green", "bold red"


@dataclass(frozen=True)
class Row:
    """One process; `tags` are those connected to it, None: it has none, or does not say."""

    name: str
    pid: int | None
    state: str
    tags: int | None


@dataclass(frozen=True)
class State:
    """The drill at one moment."""

    elapsed_s: float
    doing: str
    rows: Sequence[Row]
    books: Books


class View(Protocol):
    """Where a drill shows itself; used as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def say(self, elapsed_s: float, text: str) -> None:
        """What has happened; stays. Any thread may call it."""
        ...

    def show(self, state: State) -> None:
        """How everything is, several times a second."""
        ...


def view(*, terminal: bool) -> View:
    """The view that fits; both write to stderr, as stdout is for the account."""
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

    def say(self, elapsed_s: float, text: str) -> None:
        """Print the line."""
        self._console.print(_line(elapsed_s, text))

    def show(self, state: State) -> None:
        """Print a line of progress now and then."""
        if state.elapsed_s >= self._next_s:
            self._next_s = state.elapsed_s - state.elapsed_s % _PROGRESS_S + _PROGRESS_S
            self.say(state.elapsed_s, f"{_events(state.books)}; {_check(state.books)}; {state.doing}")


class LiveView:
    """What has happened scrolls away above; how everything is stays below."""

    def __init__(self) -> None:
        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, elapsed_s: float, text: str) -> None:
        """Print above the panel."""
        grid = Table.grid(padding=(0, 1))
        grid.add_row(Text(_clock(elapsed_s), style="dim"), Text(text))
        self._live.console.print(grid)

    def show(self, state: State) -> None:
        """Draw the panel."""
        self._live.update(_panel(state), refresh=True)


def _panel(state: State) -> Panel:
    body = Group(
        Text(f"{_clock(state.elapsed_s)}  {state.doing}", style="bold"), Text(), _processes(state.rows), Text()
    )
    body.renderables.append(Text(_events(state.books)))
    well = (state.books.lost, state.books.doubled) == (0, 0)
    body.renderables.append(Text(_check(state.books), style=_GOOD if well else _BAD))
    return Panel(body, title="jikimi demo cluster", subtitle="kill -9 PID of any of them; Ctrl-C ends everything")


def _processes(rows: Sequence[Row]) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_row(*(Text(head, style="dim") for head in ("process", "pid", "state", "tags")))
    for row in rows:
        style = _GOOD if row.state.startswith("runs") else _BAD
        number, tags = ("" if value is None else str(value) for value in (row.pid, row.tags))
        table.add_row(row.name, number, Text(row.state, style=style), tags)
    return table


def _events(books: Books) -> str:
    waiting = books.sent - books.acked
    return f"events: {books.sent} sent, {books.stored} stored, {books.acked} acknowledged, {waiting} waiting"


def _check(books: Books) -> str:
    gaps = f"of {books.gaps} tags an earlier event is still to come" if books.gaps else "order kept"
    away = "" if books.readable else " (the database does not answer)"
    return f"{books.lost} lost, {books.doubled} doubled, {gaps}{away}"


def _line(elapsed_s: float, text: str) -> str:
    return f"{_clock(elapsed_s)}  {text}"


def _clock(elapsed_s: float) -> str:
    return f"{int(elapsed_s) // 60:02}:{int(elapsed_s) % 60:02}"
