"""How long devices have been up, and what the wall clock around them does, while their stories are told."""

from __future__ import annotations

from typing import Any

import pytest

_SOON_MS = 20_000

# Where numbers end: MicroPython's small ints and ticks, the core's int32, uint32.
TIMES = {
    "just started": {"UP_MS": "0"},
    "up 12 days, ticks wrap": {"UP_MS": str((1 << 30) - _SOON_MS)},
    "up 25 days": {"UP_MS": str((1 << 31) - _SOON_MS)},
    "up 50 days": {"UP_MS": str((1 << 32) - _SOON_MS)},
    "clock known": {"WALL": "kept"},
    "clock jumps forward": {"WALL": "forward"},
    "clock jumps back": {"WALL": "back"},
}


def over(*names: str) -> Any:
    """A fixture with these TIMES, or all of them, as parameters: `request.param` is for `run_device(more=…)`."""
    names = names or tuple(TIMES)
    return pytest.fixture(params=[TIMES[name] for name in names], ids=names)
