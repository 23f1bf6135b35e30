"""Reads `SITE/floor.json`: the drawing of the hall, its zones and its machines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jikimi.fleet.errors import SiteError
from jikimi.fleet.web.snapshot import PlannedMachine, ZoneView

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class FloorPlan:
    """Lengths in millimetres from the upper left corner."""

    width_mm: int
    height_mm: int
    zones: tuple[ZoneView, ...]
    machines: tuple[PlannedMachine, ...]


def load(path: Path) -> FloorPlan:
    """The plan at `path`; SiteError says what is wrong with it."""
    try:
        document = json.loads(path.read_text("utf-8"))
        return FloorPlan(
            width_mm=_length(document, "width_mm"),
            height_mm=_length(document, "height_mm"),
            zones=tuple(ZoneView(**zone) for zone in document["zones"]),
            machines=tuple(PlannedMachine(**machine) for machine in document["machines"]),
        )
    except OSError as error:
        raise SiteError(f"{path} cannot be read ({error.strerror}): restore it from a backup") from error
    except KeyError as error:
        raise SiteError(f"{path} has no {error}: see README.md, or copy the one of a new site") from error
    except (ValueError, TypeError) as error:
        raise SiteError(f"{path} is not a floor plan: {error}") from error


def _length(document: dict[str, Any], name: str) -> int:
    value = document[name]
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"{name} must be a positive whole number, not {value!r}")
    return value
