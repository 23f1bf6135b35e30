"""`jikimi device provision`: boards on USB ports become tested, labelled devices."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from jikimi.fleet.cli.device.ports import port_options
from jikimi.fleet.cli.device.progress import Progress
from jikimi.fleet.cli.options import json_option
from jikimi.fleet.errors import BoardError
from jikimi.fleet.site import ENVIRONMENT, Site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jikimi.fleet.provision import Batch, Enroller, Result

_PERSON_S = 60.0


@click.command("provision")
@click.option(
    "--site", "site_dir", envvar=ENVIRONMENT, metavar="DIR", help="Directory of the site.  [default: current]"
)
@port_options
@click.option(
    "--bundle",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Away from the site: a technician's bundle.",
)
@click.option("--batch", "batch_file", metavar="FILE.csv", type=click.File("rb"), help="A row per board.")
@click.option("--kind", default="tag", show_default=True, type=click.Choice(["tag", "node"]), help="Without --batch.")
@click.option("--name", default="Tag", show_default=True, help="Without --batch: a number is added.")
@click.option("--zone", default="floor", show_default=True, help="Without --batch: where they are used.")
@click.option("--machine-kind", help="Without --batch, nodes: forklift, press, cobot, …")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="For labels and sheet.  [default: labels/ of the site]",
)
@json_option
@click.pass_context
def provision_(
    context: click.Context,
    site_dir: str | None,
    ports: Sequence[str],
    bundle: Path | None,
    batch_file: IO[bytes] | None,
    kind: str,
    name: str,
    zone: str,
    machine_kind: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Put application, key, certificate and settings onto boards, test them, make labels and a pass/fail sheet.

    A board makes its own key. Doing it again repairs what is missing and changes nothing else. --batch has the columns
    kind, name, zone and, if wanted, machine_kind, port, board. Exit code 1 when a board failed: its reason is named.

    Example: jikimi device provision --all-ports --batch tags.csv
    """
    from jikimi.fleet.provision import BundleEnroller, SiteEnroller, provision  # slow imports

    home = bundle or Site.open(site_dir).path
    enroller: Enroller = BundleEnroller(bundle) if bundle else SiteEnroller(Site.open(site_dir))
    batch = _batch(enroller, batch_file, (kind, name, zone, machine_kind))
    results: list[Result] = []
    person_s = _PERSON_S if sys.stdin.isatty() and sys.stderr.isatty() else 0.0
    with Progress(ports) as progress:
        for result in provision(enroller, ports, batch, on_step=progress.step, say=progress.say, person_s=person_s):
            results.append(result)
            progress.done(result.port, result.result, _line(result, as_json))
    _write_papers(enroller.site, results, out or home / "labels")
    context.exit(0 if all(result.result == "pass" for result in results) else 1)


def _batch(enroller: Enroller, file: IO[bytes] | None, usual: tuple[str, str, str, str | None]) -> Batch:
    from jikimi.fleet.provision import Batch, read_csv
    from jikimi.fleet.registry import Description

    return Batch(read_csv(file.read()) if file else None, Description(*usual), enroller.name_is_free)


def _line(result: Result, as_json: bool) -> str:
    if as_json:
        return json.dumps(result.as_row(), ensure_ascii=False)
    name = result.description.name if result.description else ""
    cells = (result.port, result.id or "-", name, result.result, f"{result.seconds:.1f} s", result.reason)
    return "\t".join(cells).rstrip()


def _write_papers(site: str, results: Sequence[Result], out: Path) -> None:
    from jikimi.fleet.provision import papers

    try:
        written = papers.write(site, results, out)
    except OSError as error:
        raise BoardError(f"the devices are done, but labels cannot be written to {out}: {error.strerror}") from error
    click.echo(f"labels and sheet: {', '.join(str(path) for path in written)}", err=True)
