"""`jikimi release list|devices`: what is published, and what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, site_option
from jikimi.fleet.cli.show import NO_DEVICE, local_day, local_time, print_listing

if TYPE_CHECKING:
    from jikimi.fleet.release import DeviceRelease, Published
    from jikimi.fleet.site import Site

_PUBLISHED = ("sequence", "arch", "version", "firmware", "bytes", "published", "supported until")
_DEVICES = ("id", "name", "slot", "release", "firmware", "supported until", "failed")


@click.command("list")
@site_option
@json_option
def list_(site: Site, as_json: bool) -> None:
    """List what is published, the newest first.

    Example: jikimi release list --json
    """
    from jikimi.fleet import release  # slow import

    print_listing(
        release.published(site),
        _PUBLISHED,
        _published_cells,
        as_json=as_json,
        empty="nothing is published yet: `jikimi release build` makes a release",
    )


@click.command("devices")
@site_option
@json_option
def devices_(site: Site, as_json: bool) -> None:
    """List what each device said that it runs, what it refused or rolled back, and until when that is supported.

    Example: jikimi release devices --json
    """
    from jikimi.fleet import release  # slow import

    print_listing(release.devices(site), _DEVICES, _device_cells, as_json=as_json, empty=NO_DEVICE)


def _published_cells(row: Published) -> list[str]:
    return [
        str(row.sequence),
        row.arch,
        row.version,
        row.firmware,
        str(row.envelope_bytes + row.stored_bytes),
        local_time(row.published_ms, "minutes"),
        _until(row.support_until_ms),
    ]


def _device_cells(row: DeviceRelease) -> list[str]:
    return [
        row.device,
        row.name,
        row.slot or "",
        (row.version or str(row.release or "by cable")) + (" on trial" if row.trial else ""),
        row.firmware or "never heard",
        _until(row.support_until_ms),
        f"{row.failed_release} {row.failed_why}" if row.failed_why else "",
    ]


def _until(epoch_ms: int | None) -> str:
    return "not said" if epoch_ms is None else local_day(epoch_ms)
