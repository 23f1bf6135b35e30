"""Event time and receive time, kept apart."""

from __future__ import annotations

HOUR_MS = 3_600_000


def event_time_ms(boot_epoch_ms: int | None, t_up_ms: int, recv_ms: int) -> int:
    """When it happened, ms since 1970 UTC, by the device's clock.

    A device that had no clock (`boot_epoch_ms` None, clock quality 0) cannot say; the receive time then stands in as
    the latest moment it can have been. Callers show the clock quality beside it.
    """
    return recv_ms if boot_epoch_ms is None else boot_epoch_ms + t_up_ms


def hour_of(t_ms: int) -> int:
    """Start of the hour (UTC) around `t_ms`."""
    return t_ms - t_ms % HOUR_MS
