"""How listings look: a table on a terminal, tab-separated lines elsewhere."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jikimi.fleet import moments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _typeshed import DataclassInstance

NO_DEVICE = "no device yet: `jikimi device provision --all-ports` makes them of boards on USB ports"

_Row = TypeVar("_Row", bound="DataclassInstance")


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Print `rows` under their column names, or as plain lines without them; without any, `empty` says so on stderr."""
    if not rows:
        click.echo(empty, err=True)
        return
    rows = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    from rich.console import Console  # slow imports, only for people
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def printable(text: str) -> str:
    """`text` without what would do something to a terminal or a table: devices and files may say anything."""
    return "".join(one if one.isprintable() else " " if one.isspace() else "\ufffd" for one in text)


def print_json(value: Any) -> None:
    """Print plain data as one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def print_listing(
    rows: Sequence[_Row], columns: Sequence[str], cells: Callable[[_Row], Sequence[str]], *, as_json: bool, empty: str
) -> None:
    """Print dataclasses as a JSON array, or each as `cells` under `columns`; `empty` as for `print_rows`."""
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        print_rows(columns, [cells(row) for row in rows], empty=empty)


def local_day(epoch_ms: int) -> str:
    """The day of `epoch_ms` (UTC) here, ISO 8601."""
    return local_time(epoch_ms, "minutes").partition(" ")[0]


def local_time(epoch_ms: int, timespec: str = "seconds") -> str:
    """`epoch_ms` (UTC) by the clock on this machine's wall, ISO 8601 with a space; "?" for what is no date."""
    moment = moments.local(epoch_ms)
    return "?" if moment is None else moment.replace(tzinfo=None).isoformat(" ", timespec)
