"""Seconds from a blank virtual board to a tested device: one alone, and eight side by side."""

from __future__ import annotations

import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from jikimi.fleet.provision import Batch, SiteEnroller, provision
from jikimi.fleet.registry import Description
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.fleet.virtual import Bench, VirtualBoard, World

HEAD = ("boards", "s each, median", "s each, slowest", "passed")
_PROMPT = r"Type \"help"
_BOOT_S = 60.0


def measure() -> list[tuple[str, ...]]:
    """A row for one board and one for eight at once; the compiled application is in the cache before."""
    _seconds(1)
    return [_row(count) for count in (1, 8)]


def _row(count: int) -> tuple[str, ...]:
    seconds = _seconds(count)
    return (str(count), f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}", f"{len(seconds)} of {count}")


def _seconds(count: int) -> list[float]:
    """Of each board that passed."""
    with tempfile.TemporaryDirectory() as directory, World(channel=Bench()) as world, ExitStack() as stack:
        settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
        enroller = SiteEnroller(Site.init(Path(directory) / "plant", settings=settings))
        names = [f"board-{number}" for number in range(count)]
        boards = [stack.enter_context(VirtualBoard(name, Path(directory) / name, world)) for name in names]
        for board in boards:
            board.start()
        for board in boards:
            board.wait_for(_PROMPT, _BOOT_S)
        batch = Batch(None, Description("tag", "Tag", "floor"), enroller.name_is_free)
        results = list(provision(enroller, [board.port for board in boards], batch))
        return [result.seconds for result in results if result.result == "pass"]


def main() -> None:
    """Print the table."""
    for row in (HEAD, *measure()):
        print("  ".join(row))


if __name__ == "__main__":
    main()
