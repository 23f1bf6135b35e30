"""Moments as this machine's wall clock shows them."""

from __future__ import annotations

import datetime


def local(epoch_ms: int) -> datetime.datetime | None:
    """`epoch_ms` (UTC) with the zone of this machine; None for what is no date, as a device may claim any time."""
    try:
        return datetime.datetime.fromtimestamp(epoch_ms / 1000, tz=datetime.UTC).astimezone()
    except (OverflowError, ValueError, OSError):
        return None


def day(epoch_ms: int) -> str:
    """The day of `epoch_ms` (UTC) here, ISO 8601; "?" for what is no date."""
    moment = local(epoch_ms)
    return "?" if moment is None else moment.date().isoformat()


def time_of_day(epoch_ms: int) -> str:
    """Hours, minutes and seconds of `epoch_ms` (UTC) here; "?" for what is no date."""
    moment = local(epoch_ms)
    return "?" if moment is None else moment.strftime("%H:%M:%S")
