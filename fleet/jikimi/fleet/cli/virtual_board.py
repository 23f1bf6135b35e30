"""`jikimi virtual-board`: boards without hardware."""

from __future__ import annotations

import json
import signal
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from jikimi.fleet.virtual import VirtualBoard

# SIGHUP: the terminal was closed.
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FULL_MV = 4200


@click.command("virtual-board")
@click.option("--count", default=1, show_default=True, type=click.IntRange(1, 256), help="How many boards.")
@click.option(
    "--dir",
    "directory",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where their flash is kept.  [default: forgotten at the end]",
)
@click.option("--docked", is_flag=True, help="On their chargers, full: only there does a tag take a release.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each board.")
def command(count: int, directory: Path | None, docked: bool, as_json: bool) -> None:
    """Run blank virtual boards until interrupted; prints the serial port of each on a line.

    A board is a real MicroPython with emulated sensors and radio; they hear each other as on a bench.

    Example: jikimi virtual-board --count 2 --docked
    """
    from jikimi.fleet.virtual import Bench, VirtualBoard, World  # slow import

    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in _END_SIGNALS}
    try:
        with ExitStack() as stack:
            folder = directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jikimi-boards-")))
            world = stack.enter_context(World(channel=Bench()))
            for number in range(1, count + 1):
                flash = (folder / f"board-{number}").resolve()
                # A chip's id follows from the board's name: the same flash is the same board, another one another.
                board = stack.enter_context(VirtualBoard(str(flash), flash, world))
                if docked:
                    world.set_docked(board.name, docked=True)
                    world.set_battery(board.name, _FULL_MV)
                board.start()
                click.echo(_line(board, as_json))
            click.echo(f"try: mpremote connect port:{board.port}   (Ctrl-C ends the boards)", err=True)
            ended.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _line(board: VirtualBoard, as_json: bool) -> str:
    if not as_json:
        return board.port
    files = {"flash": str(board.flash_dir), "log": str(board.console.log_path)}
    return json.dumps({"name": board.flash_dir.name, "port": board.port, "pid": board.pid, **files})
