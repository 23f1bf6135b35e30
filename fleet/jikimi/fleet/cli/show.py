"""How listings look: a table on a terminal, tab-separated lines elsewhere."""

from __future__ import annotations

import datetime
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print `rows` under their column names, or as plain lines without them."""
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


def local_time(epoch_ms: int, timespec: str = "seconds") -> str:
    """`epoch_ms` (UTC) by the clock on this machine's wall, ISO 8601 with a space; "?" for what is no date."""
    try:
        moment = datetime.datetime.fromtimestamp(epoch_ms / 1000).astimezone()
    except (OverflowError, ValueError, OSError):
        return "?"  # a device may claim any time
    return moment.replace(tzinfo=None).isoformat(" ", timespec)
