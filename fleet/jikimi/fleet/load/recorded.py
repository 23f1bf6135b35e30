"""Days that a real site recorded, as files: when records of which kind and size came, and nothing about whom.

A file is text, one JSON value a line:

    {"jikimi_day": 1, "begins": "06:00", "seconds": 36000, "tags": 212, "machines": 9}
    [7260, 1, 18, 15]
    [7262, 1, 17, 31]

The first line says the version of the format, the time of day at which the day begins and how long it is, and how many
tags and machine nodes recorded. Each further line is a record: seconds since the day began (whole ones, ascending), its
stream and kind (`jikimi.wire.kinds`), and the bytes of its data. There is no date, no device, no zone, no content.
"""

from __future__ import annotations

import datetime
import json
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jikimi.fleet.errors import ProfileError
from jikimi.fleet.load.day import OFF, ON, Act, Script, Scripts
from jikimi.fleet.site.files import PUBLIC, write_atomic
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from jikimi.fleet.store import Activity

VERSION: Final = 1
DAY_S: Final = 86_400
_MOST_TAGS: Final = 1_000_000
_MOST_BYTES: Final = 1024  # of a record's data: a message has no more
_DOCKED_S: Final = 1.0  # before a duty begins, in a day that does not say so
_HINT: Final = "make it anew with `jikimi bench record`"


class Line(NamedTuple):
    """A record of the day."""

    t_s: int
    stream: int
    kind: int
    size: int


@dataclass(frozen=True)
class RecordedDay:
    """A day from a file. Other numbers of tags than it had live it with as many records for each."""

    name: str
    begins_s: int
    seconds: int
    tags: int
    machines: int
    lines: tuple[Line, ...]

    def scripts(self, n_tags: int, seed: int, from_s: float = 0.0, to_s: float = math.inf) -> Scripts:
        """Deal the records out at random: who wrote which is not known, and not which second's part was whose.

        A test of itself begins a duty, so its tag comes from the charger then; everybody else is on duty all day.
        """
        rng = random.Random(f"{self.name} {seed}")
        n_machines = max(1, round(self.machines * n_tags / self.tags))
        tags: list[list[Act]] = [[] for _ in range(n_tags)]
        machines: list[list[Act]] = [[] for _ in range(n_machines)]
        for line in self.lines:
            for _ in range(_times(rng, n_tags / self.tags)):
                act = Act(line.t_s + rng.random(), line.kind, line.size)
                device = rng.choice(machines if line.kind == kinds.NEAR_MISS else tags)
                device += [*_duty(act), act]
        whole = Scripts(*([Script(on=True, acts=sorted(acts)) for acts in group] for group in (tags, machines)))
        return whole.part(from_s, to_s)


def read(path: Path) -> RecordedDay:
    """The day in a file. ProfileError says which line is wrong, and what to do."""
    try:
        with path.open(encoding="utf-8") as file:
            head = _head(file.readline(), path)
            lines = tuple(_lines(file, path, head["seconds"]))
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path} cannot be read as a day: {error}") from error
    return RecordedDay(
        path.stem, _seconds(head["begins"], path), head["seconds"], head["tags"], head["machines"], lines
    )


def write(path: Path, activity: Activity, from_ms: int, to_ms: int) -> None:
    """Write what a site's devices did between two moments (ms since 1970 UTC); of these the time of day is kept."""
    begins = datetime.datetime.fromtimestamp(from_ms / 1000).astimezone().strftime("%H:%M")
    head = {"jikimi_day": VERSION, "begins": begins, "seconds": -(-(to_ms - from_ms) // 1000)}
    head |= {"tags": activity.tags, "machines": activity.machines}
    write_atomic(path, "".join(f"{json.dumps(value)}\n" for value in (head, *activity.records)), PUBLIC)


def _times(rng: random.Random, ratio: float) -> int:
    """How often a record comes when there are `ratio` times as many tags: `ratio` times on average."""
    return int(ratio) + (rng.random() < ratio - int(ratio))


def _duty(act: Act) -> Iterator[Act]:
    if act.what == kinds.SELF_TEST:
        yield Act(act.t_s - _DOCKED_S, OFF)
        yield Act(act.t_s, ON)


def _head(text: str, path: Path) -> dict[str, Any]:
    head = _json(text)
    if not isinstance(head, dict) or "jikimi_day" not in head:
        raise ProfileError(f"{path} is not a day: its first line is no header. {_HINT.capitalize()}")
    if head["jikimi_day"] != VERSION:
        raise ProfileError(f"{path} has version {head['jikimi_day']} of the format, this is for {VERSION}: {_HINT}")
    for key, least, most in (("seconds", 1, DAY_S), ("tags", 1, _MOST_TAGS), ("machines", 0, _MOST_TAGS)):
        if not _is_count(head.get(key), least, most):
            raise ProfileError(f'{path}: "{key}" of the first line is no whole number from {least} to {most}: {_HINT}')
    return head


def _lines(file: Iterable[str], path: Path, seconds: int) -> Iterator[Line]:
    before = 0
    most = (seconds - 1, kinds.STREAM_EVENT, 0xFFFF, _MOST_BYTES)
    for number, text in enumerate(file, 2):
        row = _json(text)
        if not (isinstance(row, list) and len(row) == len(most) and all(map(_is_count, row, (0, 0, 0, 0), most))):
            raise ProfileError(f"line {number} of {path} is not [second, stream, kind, bytes] of that day: {_HINT}")
        line = Line(*row)
        if line.stream != kinds.stream_of(line.kind):
            raise ProfileError(f"line {number} of {path}: kind {line.kind} is not of stream {line.stream}: {_HINT}")
        if line.t_s < before:
            raise ProfileError(f"line {number} of {path} is earlier than the one before it: sort them, or {_HINT}")
        before = line.t_s
        yield line


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_count(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _seconds(text: object, path: Path) -> int:
    try:
        begins = datetime.time.fromisoformat(str(text))
    except ValueError as error:
        raise ProfileError(f'{path}: "begins" of the first line is no time of day such as 06:00: {_HINT}') from error
    return begins.hour * 3600 + begins.minute * 60
