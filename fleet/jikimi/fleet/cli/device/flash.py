"""`jikimi device flash`: MicroPython onto the chips of new boards."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.device.ports import port_options
from jikimi.fleet.cli.device.progress import Progress
from jikimi.fleet.cli.options import json_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jikimi.fleet.provision.flash import Flashed

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("flash")
@port_options
@click.option("--image", "image_path", metavar="FILE", type=_FILE, help="This file, if the list has its digest.")
@click.option(
    "--images",
    "list_path",
    metavar="LIST",
    type=_FILE,
    default=Path("images.toml"),
    show_default=True,
    help="Which file for which chip, with its SHA-256.",
)
@click.option("--erase", is_flag=True, help="Also erase what was on the flash: files, keys, journal.")
@json_option
@click.pass_context
def flash_(
    context: click.Context,
    ports: Sequence[str],
    image_path: Path | None,
    list_path: Path,
    erase: bool,
    as_json: bool,
) -> None:
    """Put MicroPython onto chips: detect the chip, take its image from the list, check its SHA-256, write, verify.

    Exit code 1 when a chip failed: its reason is named.

    Example: jikimi device flash --all-ports --images images.toml
    """
    from jikimi.fleet.provision import images  # slow imports
    from jikimi.fleet.provision.flash import STEPS, flash

    listed = images.read_list(list_path)
    chosen = images.named(listed, image_path) if image_path else None

    def choose(chip: str) -> images.Image:
        return chosen or images.for_chip(listed, chip)

    passed = True
    with Progress(ports, STEPS) as progress:
        for result in flash(ports, choose, erase=erase, on_step=progress.step, on_share=progress.share):
            passed = passed and result.result == "pass"
            progress.done(result.port, result.result, _line(result, as_json))
    context.exit(0 if passed else 1)


def _line(result: Flashed, as_json: bool) -> str:
    if as_json:
        return json.dumps(asdict(result), ensure_ascii=False)
    cells = (result.port, result.chip or "-", result.image or "-", result.result, f"{result.seconds:.1f} s")
    return "\t".join((*cells, result.reason)).rstrip()
