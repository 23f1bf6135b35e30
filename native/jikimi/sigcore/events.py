"""What the detectors report."""

from __future__ import annotations

from dataclasses import dataclass

KIND_NAMES = {1: "falling", 2: "fall", 3: "recovered", 4: "no_motion", 5: "bend"}


@dataclass(frozen=True, slots=True)
class Event:
    """One detection: `kind` is a value of KIND_NAMES, `t_s` seconds since the first sample, `confidence` 0..1."""

    kind: str
    t_s: float
    confidence: float
