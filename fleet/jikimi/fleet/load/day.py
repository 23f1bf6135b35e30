"""What a day profile is: for each device what it does and when, whether somebody recorded it or a model made it."""

from __future__ import annotations

import math
from typing import Final, NamedTuple, Protocol

# What a device does besides writing a record, whose kind is a positive number.
OFF: Final = -1  # it is put on its charger: it says so on a connection of its own and falls silent
ON: Final = -2  # it is taken from there: a new connection with a birth
GONE: Final = -3  # its connection is lost, as a radio loses it; it comes back by itself

VITALS_S: Final = 30.0  # between two vitals on duty, as devices are set when nobody says otherwise


class Act(NamedTuple):
    """`what` a device does `t_s` seconds after the day began: write a record of this kind, or OFF, ON, GONE."""

    t_s: float
    what: int
    size: int = 0  # bytes that the data of the record has at least; 0: as many as it has


class Script(NamedTuple):
    """What one device does; `on`: whether it is on duty before the first act. Acts are in the order of their times."""

    on: bool
    acts: list[Act]

    def part(self, from_s: float, to_s: float) -> Script:
        """Of the acts those from `from_s` until before `to_s`."""
        duties = [act.what for act in self.acts if act.t_s < from_s and act.what in (ON, OFF)]
        on = duties[-1] == ON if duties else self.on
        return Script(on, [act for act in self.acts if from_s <= act.t_s < to_s])


class Scripts(NamedTuple):
    """One for each tag and for each machine node."""

    tags: list[Script]
    machines: list[Script]

    def part(self, from_s: float, to_s: float) -> Scripts:
        """Of each the part from `from_s` until before `to_s`."""
        return Scripts(*([script.part(from_s, to_s) for script in scripts] for scripts in self))


class Day(Protocol):
    """A day that any number of tags can live."""

    @property
    def name(self) -> str:
        """As reports call it."""

    @property
    def begins_s(self) -> int:
        """Time of day at which it begins, seconds after midnight."""

    @property
    def seconds(self) -> int:
        """How long it is."""

    def scripts(self, n_tags: int, seed: int, from_s: float = 0.0, to_s: float = math.inf) -> Scripts:
        """What `n_tags` tags and the machines they meet do in that part of the day; of equal arguments the same."""
