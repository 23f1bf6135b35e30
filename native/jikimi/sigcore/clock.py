"""Seconds of Python to the milliseconds of the core."""

from __future__ import annotations

_LIMIT_S = 0x7FFFFFFF / 1000


def to_ms(t_s: float) -> int:
    """Whole milliseconds; ValueError below 0 or beyond 24.8 days."""
    if not 0 <= t_s <= _LIMIT_S:
        raise ValueError(f"the time must be 0 to {_LIMIT_S:.0f} s from the start of the stream, not {t_s}")
    return int(t_s * 1000)
