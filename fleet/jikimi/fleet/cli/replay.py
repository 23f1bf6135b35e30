"""`jikimi replay`: the signal core over recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click

from jikimi.fleet.cli.options import FiniteRange
from jikimi.fleet.replay import read_recording, replay


@click.command(name="replay")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rate-hz", required=True, type=FiniteRange(20, 200), help="Samples per second, 20 to 200.")
@click.option(
    "--placement",
    type=click.Choice(["waist", "wrist"]),
    default="waist",
    show_default=True,
    help="Where the sensor was worn.",
)
@click.option("--no-motion-s", type=click.IntRange(1, 1800), default=120, show_default=True, help="Man-down time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per event and line.")
def command(
    files: tuple[Path, ...], rate_hz: float, placement: Literal["waist", "wrist"], no_motion_s: int, as_json: bool
) -> None:
    """Run the signal core over recordings and print what a tag would have reported.

    FILE is CSV with a header that names columns by unit (ax_g, ay_g, az_g; optional t_s, gx_dps, gy_dps, gz_dps), or
    NPZ with arrays of those names, or acc_g and gyro_dps of shape (n, 3).

    Example: jikimi replay walk.csv fall.npz --rate-hz 100 --placement waist --json
    """
    for path in files:
        for event in replay(read_recording(path), rate_hz, placement, no_motion_s):
            if as_json:
                row = {"file": str(path), "t_s": round(event.t_s, 3), "event": event.kind}
                click.echo(json.dumps({**row, "confidence": event.confidence}))
            else:
                click.echo(f"{path}  {event.t_s:9.2f} s  {event.kind:<10} {event.confidence:.0%}")
