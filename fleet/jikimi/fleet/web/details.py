"""The details of an event, as measured values and keys of `texts`; what a device claims may be of any type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jikimi.fleet.web.texts import is_known

if TYPE_CHECKING:
    from jikimi.fleet.store import RecordRow


def detail(row: RecordRow) -> tuple[str, ...]:
    """What is measured, and only that: the wire leaves the type of a value to its device."""
    data = row.data
    if row.kind == "near_miss":
        measured = (
            (data.get("distance_mm"), "m"),
            (data.get("closing_mm_s") or None, "m/s"),
            (data.get("dwell_ms") or None, "s"),
        )
        return tuple(f"{value / 1000:.1f} {unit}" for value, unit in measured if isinstance(value, int))
    if row.kind in _PARTS:
        return _PARTS[row.kind](data)
    if data.get("silent"):
        return ("silent",)
    if "why" in data:
        return (str(data["why"]),)
    if isinstance(confidence := data.get("confidence_permille"), int):
        return (f"{confidence / 10:.0f} %",)
    return ()


def _fault(data: dict[str, Any]) -> tuple[str, ...]:
    """Which part fails, and how; what this version has no words for is left out."""
    return tuple(word for key in ("sensor", "fault") if is_known(word := f"{key}_{data.get(key)}"))


def _battery(data: dict[str, Any]) -> tuple[str, ...]:
    percent = data.get("battery_pct")
    return (f"{percent} %",) if isinstance(percent, int) else ()


_PARTS: Final = {"sensor_fault": _fault, "low_battery": _battery}
