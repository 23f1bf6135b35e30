"""What a drill is asked for, and how it is asked to end."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Options:
    """What the command line asks for. `seconds` None: until the script is over, or without one until stopped."""

    nodes: int
    workers: int
    tags: int
    postgresql: bool
    kill: bool
    pause_s: float  # between two kills, and how long what was killed stays away
    seconds: float | None
    directory: Path
    kept: bool  # the site stays when the drill is over


class Stop:
    """How a drill is asked to end: in order the first time, at once the second."""

    def __init__(self) -> None:
        self.asked, self.at_once = threading.Event(), threading.Event()
        self.while_starting: Callable[[], None] | None = None

    def ask(self) -> None:
        """A signal handler may call it."""
        if self.asked.is_set():
            self.at_once.set()
        self.asked.set()
        if self.while_starting is not None:
            self.while_starting()
