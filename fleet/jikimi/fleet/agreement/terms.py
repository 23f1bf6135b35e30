"""What can be agreed on. Each term is enforced by something; what nothing enforces cannot be written down."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from jikimi.fleet.site import is_name

EMPLOYER, WORKERS = "employer", "workers"
PARTIES: Final = (EMPLOYER, WORKERS)

HAZARDS, INCIDENTS, CAPACITY = "hazard-reduction", "incident-review", "capacity-planning"
# Purpose -> the categories that its questions can use (`jikimi.wire.kinds`). Rescue and the care of devices are no
# purposes here: open alarms, and what devices say about themselves, are shown without an agreement, too.
PURPOSES: Final = {
    HAZARDS: ("emergency", "posture", "proximity"),
    INCIDENTS: ("device", "emergency"),
    CAPACITY: ("device", "emergency", "posture", "proximity"),
}

GROUP_MIN, GROUP_MAX = 5, 1000  # people; no agreement allows fewer
# The longest an agreement may allow, in days; the settings of a site may shorten it further.
MOST_DAYS: Final = {"device": 90, "emergency": 365, "posture": 30, "proximity": 90, "unknown": 30, "unreadable": 90}
KEY_BYTES: Final = 33  # a point of P-256, compressed
ZONES_MAX, ZONE_LETTERS = 64, 32


@dataclass(frozen=True)
class Party:
    """One side: the name of its role, never of a person, and its public key."""

    role: str
    key: bytes

    def __post_init__(self) -> None:
        if not is_name(self.role):
            raise ValueError("role must be 1 to 32 of a-z, 0-9 and -: a role such as works-council, never a person")
        if len(self.key) != KEY_BYTES or self.key[0] not in (2, 3):
            raise ValueError("key is not a party's public key: copy the line that `jikimi agreement key FILE` prints")


@dataclass(frozen=True)
class Terms:
    """All that is agreed on; names are sorted, so that equal terms are equal bytes. ValueError says what is wrong."""

    employer: Party
    workers: Party
    purposes: tuple[tuple[str, tuple[str, ...]], ...]
    minimum_group: int
    retention_days: tuple[tuple[str, int], ...]
    hidden_zones: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.employer.key == self.workers.key:
            raise ValueError("both parties have the same key: each makes its own with `jikimi agreement key FILE`")
        _check_whole("minimum_group", self.minimum_group, GROUP_MIN, GROUP_MAX)
        _check_purposes(self.purposes)
        if [name for name, _ in self.retention_days] != sorted(MOST_DAYS):
            raise ValueError(f"retention_days must say a number for each of {', '.join(sorted(MOST_DAYS))}")
        for name, days in self.retention_days:
            _check_whole(f"retention_days.{name}", days, 1, MOST_DAYS[name])
        _check_zones(self.hidden_zones)

    def party(self, name: str) -> Party:
        """The party called `name`, one of PARTIES."""
        return self.employer if name == EMPLOYER else self.workers

    def categories(self, purpose: str) -> frozenset[str]:
        """What may be used for `purpose`; empty: nothing, it is not agreed on."""
        return frozenset(dict(self.purposes).get(purpose, ()))


def key_text(key: bytes) -> str:
    """A public key as it stands in files and on screens."""
    return base64.urlsafe_b64encode(key).decode()


def key_bytes(text: str) -> bytes:
    """The key of such a text; ValueError."""
    try:
        return base64.b64decode(text.strip(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("key is not a party's public key: copy the line that `jikimi agreement key` prints") from error


def _check_purposes(purposes: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
    names = [name for name, _ in purposes]
    if names != sorted(set(names)):
        raise ValueError("purposes must be sorted, each once")
    for name, categories in purposes:
        if name not in PURPOSES:
            raise ValueError(f"{name} is no purpose that anything is asked for; known: {', '.join(PURPOSES)}")
        if not categories or list(categories) != sorted(set(categories)):
            raise ValueError(f"purpose.{name}: categories must be at least one, sorted, each once")
        for category in categories:
            if category not in PURPOSES[name]:
                known = ", ".join(PURPOSES[name])
                raise ValueError(f"purpose.{name}: nothing asks for {category!r} with this purpose; known: {known}")


def _check_zones(zones: tuple[str, ...]) -> None:
    if list(zones) != sorted(set(zones)) or len(zones) > ZONES_MAX:
        raise ValueError(f"hidden_zones must be at most {ZONES_MAX}, sorted, each once")
    for zone in zones:
        if not 1 <= len(zone) <= ZONE_LETTERS or not zone.isprintable():
            raise ValueError(f"hidden_zones: {zone!r} is not the name of a zone (1 to {ZONE_LETTERS} letters)")


def _check_whole(name: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}, not {value!r}")
