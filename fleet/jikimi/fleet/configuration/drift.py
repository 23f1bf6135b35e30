"""Whether devices run what they were told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jikimi.fleet.configuration import applied
from jikimi.fleet.configuration.plan import subjects

if TYPE_CHECKING:
    from jikimi.fleet.configuration.applied import Told
    from jikimi.fleet.site import Site

IN_SYNC, WAITING, REFUSED, DIFFERS, UNTOLD = "in sync", "waiting", "refused", "differs", "untold"


@dataclass(frozen=True)
class Sync:
    """One device in use.

    in sync: it reports the settings it was told. waiting: it was not heard since. refused: it said why it did not
    keep them. differs: it was heard since, and runs something else. untold: no settings were ever sent.
    """

    device: str
    name: str
    state: str
    sequence: int | None
    wanted: str | None
    reported: str | None
    reason: str


def statuses(site: Site) -> list[Sync]:
    """Of all devices in use."""
    rows = applied.told(site)
    return [_status(subject.device, subject.name, rows.get(subject.device)) for subject in subjects(site)]


def _status(device: str, name: str, told: Told | None) -> Sync:
    if told is None:
        return Sync(device, name, UNTOLD, None, None, None, "")
    state, reason = _judged(told)
    return Sync(device, name, state, told.sequence, told.digest, told.reported, reason)


def _judged(told: Told) -> tuple[str, str]:
    if told.reported == told.digest:
        return IN_SYNC, ""
    if told.refused:
        return REFUSED, told.refused
    if told.last_seen_ms is None or told.last_seen_ms < told.applied_ms:
        return WAITING, ""
    return DIFFERS, ""
