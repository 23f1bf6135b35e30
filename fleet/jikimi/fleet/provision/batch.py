"""What the boards of a batch shall become: rows of a CSV file, or one description with counted names."""

from __future__ import annotations

import csv
import io
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jikimi.fleet.errors import BatchError, RegistryError
from jikimi.fleet.registry import Description
from jikimi.fleet.registry.checks import check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COLUMNS = ("kind", "name", "zone", "machine_kind", "port", "board")
_NEEDED = COLUMNS[:3]


@dataclass(frozen=True)
class Row:
    """A description, and for which port or board it is meant if that matters."""

    description: Description
    port: str = ""
    board: str = ""


def read_csv(content: bytes) -> list[Row]:
    """Rows of a CSV file with a header, as spreadsheets save it in UTF-8; BatchError names the line that is wrong."""
    reader = csv.DictReader(io.StringIO(_text(content)))
    names = reader.fieldnames or ()
    if len(names) == 1 and ";" in names[0]:
        raise BatchError("the columns are separated by semicolons: save the file with commas between them")
    if missing := [name for name in _NEEDED if name not in names]:
        raise BatchError(f"the first line must name the columns {', '.join(_NEEDED)}; missing: {', '.join(missing)}")
    if unknown := [name for name in names if name not in COLUMNS]:
        raise BatchError(f"column {unknown[0]!r} is not known; known: {', '.join(COLUMNS)}")
    rows = [_row(values, reader.line_num) for values in reader]
    _refuse_twice("name", [row.description.name for row in rows])
    _refuse_twice("board", [row.board for row in rows if row.board])
    _refuse_twice("port", [row.port for row in rows if row.port])
    return rows


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")  # spreadsheets put a mark before the first column's name
    except UnicodeDecodeError as error:
        raise BatchError('the file is not UTF-8: save it in the spreadsheet as "CSV UTF-8"') from error


def _row(values: dict[str, str | None], line: int) -> Row:
    if None in values or None in values.values():
        raise BatchError(f"line {line} has not as many fields as the first line")
    cells = {name: (values.get(name) or "").strip() for name in COLUMNS}
    description = Description(cells["kind"], cells["name"], cells["zone"], cells["machine_kind"] or None)
    try:
        check(description.kind, description.name, description.zone, description.machine_kind)
    except RegistryError as error:
        raise BatchError(f"line {line}: {error}") from error
    return Row(description, cells["port"], cells["board"].lower())


def _refuse_twice(what: str, values: Sequence[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise BatchError(f"the {what} {value!r} is there twice: each device needs its own")
        seen.add(value)


class Batch:
    """Hands each board that has no description yet its own; used from several threads.

    `is_free` tells whether no device has a name yet: what an earlier run gave away is not given again.
    """

    def __init__(self, rows: Sequence[Row] | None, usual: Description, is_free: Callable[[str], bool]) -> None:
        self._rows = list(rows) if rows is not None else None
        self._usual = usual
        self._is_free = is_free
        self._given: set[str] = set()
        self._lock = threading.Lock()

    def take(self, port: str, board: str) -> Description:
        """A description nobody else has; BatchError when none is left for this board."""
        with self._lock:
            found = self._counted() if self._rows is None else self._next_row(port, board)
            self._given.add(found.name)
            return found

    def give_back(self, description: Description) -> None:
        """The board could not be enrolled: another one may have it."""
        with self._lock:
            self._given.discard(description.name)

    def _counted(self) -> Description:
        number = 1
        while not self._may_give(name := f"{self._usual.name} {number}"):
            number += 1
        return Description(self._usual.kind, name, self._usual.zone, self._usual.machine_kind)

    def _next_row(self, port: str, board: str) -> Description:
        left = [row for row in self._rows or () if self._may_give(row.description.name)]
        for row in left:
            if board == row.board or (port == row.port and not row.board):
                return row.description
        for row in left:
            if not row.board and not row.port:
                return row.description
        raise BatchError("the batch has no row left for this board: add one, or unplug the board")

    def _may_give(self, name: str) -> bool:
        return name not in self._given and self._is_free(name)
