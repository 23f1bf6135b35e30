"""What commands that run until somebody ends them share."""

from __future__ import annotations

import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# SIGHUP: the terminal was closed.
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def on_end_signals(act: Callable[[], None]) -> Iterator[None]:
    """Within this context, a signal that asks for the end calls `act` instead."""
    before = {number: signal.signal(number, lambda *_: act()) for number in _END_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def place(directory: Path | None) -> Iterator[Path]:
    """Where a demo's site goes: as asked for, or a directory that is gone afterwards."""
    if directory is not None:
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="jikimi-demo-") as temporary:
        yield Path(temporary) / "site"
