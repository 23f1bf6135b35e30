"""Progress of several ports at once, on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


class Progress:
    """A context manager; its methods may be called from any thread. `steps` names what each port goes through."""

    def __init__(self, ports: Sequence[str], steps: Sequence[str] | None = None) -> None:
        from jikimi.fleet.provision import STEPS  # slow import

        self._steps = list(steps or STEPS)
        self._ports = ports
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}
        self._held: list[str] = []

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._start_bars()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._bars is not None:
            self._bars.stop()
        for line in self._held:
            click.echo(line)

    def step(self, port: str, step: str) -> None:
        """A port has got to a step."""
        if self._bars is None:
            click.echo(f"{port}: {step}", err=True)
            return
        self._bars.update(self._tasks[port], completed=self._steps.index(step), step=step)

    def share(self, port: str, step: str, done: int, total: int) -> None:
        """How far a port has got within a step."""
        if self._bars is not None:
            part = self._steps.index(step) + done / max(1, total)
            self._bars.update(self._tasks[port], completed=part, step=f"{step} {100 * done // max(1, total)} %")

    def done(self, port: str, outcome: str, line: str) -> None:
        """A port is through; `line` goes to stdout, on a terminal after the bars, which would be drawn over it."""
        if self._bars is not None:
            self._bars.update(self._tasks[port], completed=len(self._steps), step=outcome)
        if self._bars is not None and sys.stdout.isatty():
            self._held.append(line)
        else:
            click.echo(line)

    def say(self, text: str) -> None:
        """Something the technician should read or do."""
        if self._bars is None:
            click.echo(text, err=True)
        else:
            self._bars.console.print(text, highlight=False, markup=False)

    def _start_bars(self) -> None:
        from rich.console import Console  # slow imports, only for people
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[step]}"))
        self._bars = Bars(*columns, TimeElapsedColumn(), console=Console(stderr=True))
        for port in self._ports:
            self._tasks[port] = self._bars.add_task(port, total=len(self._steps), step="")
        self._bars.start()
