"""`jikimi device add`: a device whose files somebody installs by hand, such as a Linux gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, site_option

if TYPE_CHECKING:
    from jikimi.fleet.registry import DeviceFiles
    from jikimi.fleet.site import Site


@click.command("add")
@site_option
@json_option
@click.option("--kind", required=True, type=click.Choice(["tag", "node"]), help="On a person, or on a machine.")
@click.option("--name", required=True, help="What the label or the machine plate says; never a person.")
@click.option("--zone", required=True, help="Where it is used; a zone of the floor plan.")
@click.option("--machine-kind", help="Nodes: forklift, press, cobot, …")
@click.option(
    "--out",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="New directory for the device's files.",
)
def add(site: Site, as_json: bool, kind: str, name: str, zone: str, machine_kind: str | None, out: Path) -> None:
    """Register a device and write its ca.der, cert.der and key.der to DIR; prints its id.

    The private key is kept nowhere else. Boards on a USB port get theirs by `jikimi device provision`.

    Example: jikimi device add --kind tag --name "Tag 7" --zone press-hall --out tag-7
    """
    from jikimi.fleet.registry import add_device  # slow import

    _make_place(out)
    files = add_device(site, kind, name, zone, machine_kind)
    files.write_tls(out)
    click.echo(json.dumps(_described(files), ensure_ascii=False) if as_json else files.device)


def _make_place(out: Path) -> None:
    """Before the device is registered: a directory that can take its only key, and does not hold another one."""
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"cannot make {out}: {error.strerror}") from error
    if (out / "key.der").exists():
        raise click.UsageError(f"{out} already holds the key of a device: name another directory with --out")


def _described(files: DeviceFiles) -> dict[str, object]:
    named = {"device": files.device, "site": files.site, "kind": files.kind, "name": files.name}
    return {**named, "zone": files.zone, "machine_kind": files.machine_kind, "broker": files.broker.settings()}
