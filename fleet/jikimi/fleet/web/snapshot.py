"""What the page shows at one moment, as frozen data between the store and the drawing functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

NOT_NOTED: Final = "look_not_noted"  # key of `texts`


@dataclass(frozen=True)
class DeviceView:
    """One device; `online` is what broker and device last said."""

    device: str
    kind: str
    name: str
    zone: str
    state: str
    online: bool
    battery_pct: int | None
    docked: bool = False  # said so itself, and is off the air


@dataclass(frozen=True)
class KindView:
    """Of all tags, or all machine nodes in use: how many are on line or docked."""

    kind: str
    up: int
    known: int


@dataclass(frozen=True)
class AlarmView:
    """One alarm that nobody has resolved yet; it names a tag and a zone, never a person or a position."""

    id: str
    device: str
    name: str
    kind: str
    zone: str
    t_ms: int
    state: str  # open, or acknowledged: somebody has taken it on
    silent: bool = False  # nobody may call out to its wearer
    taken_on_by: str | None = None  # the role, never a person
    taken_on_ms: int | None = None


@dataclass(frozen=True)
class EventView:
    """One stored record: `t_ms` event time as the device said, `recv_ms` when it arrived.

    `detail` holds measured values, and keys of `texts` for what must be said in the reader's language.
    """

    t_ms: int
    recv_ms: int
    kind: str
    device: str
    name: str
    zone: str
    detail: tuple[str, ...]


@dataclass(frozen=True)
class CellView:
    """Near misses of one group; `count` is None where the group is too small to be shown."""

    label: str
    hour_ms: int
    count: int | None


@dataclass(frozen=True)
class PlannedMachine:
    """A machine as drawn on the plan; `device` is the id of its node."""

    device: str
    name: str
    kind: str
    zone: str
    x_mm: int
    y_mm: int
    warn_mm: int
    danger_mm: int


@dataclass(frozen=True)
class MachineView:
    """A machine with its near misses (None: too few people to show, or refused) and the newest one's time."""

    plan: PlannedMachine
    count: int | None
    last_near_miss_ms: int


@dataclass(frozen=True)
class ZoneView:
    """A rectangle of the floor plan."""

    name: str
    x_mm: int
    y_mm: int
    w_mm: int
    h_mm: int


@dataclass(frozen=True)
class AgreementView:
    """The data-use agreement in force; `explained` has all of it in plain words, by language."""

    number: int
    since_ms: int
    purposes: tuple[str, ...]
    explained: dict[str, str]


@dataclass(frozen=True)
class Snapshot:
    """All of the page at `now_ms`."""

    site: str
    now_ms: int
    width_mm: int
    height_mm: int
    group_min: int
    problem: str = ""  # why this is old, in one sentence
    agreement: AgreementView | None = None
    refusal: str = ""  # why near misses are not shown, a key of `texts`; "" where they are
    zones: tuple[ZoneView, ...] = ()
    machines: tuple[MachineView, ...] = ()
    kinds: tuple[KindView, ...] = ()
    devices: tuple[DeviceView, ...] = ()
    more_devices: int = 0  # than are in `devices`
    alarms: tuple[AlarmView, ...] = ()
    events: tuple[EventView, ...] = ()
    near_misses: tuple[CellView, ...] = ()


def withheld(snap: Snapshot) -> Snapshot:
    """What is left where it could not be noted that somebody looks: alarms, devices and the plan."""
    machines = tuple(replace(machine, count=None, last_near_miss_ms=0) for machine in snap.machines)
    return replace(snap, refusal=NOT_NOTED, machines=machines, events=(), near_misses=())
