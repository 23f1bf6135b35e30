"""`jikimi report`: what the events add up to."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from jikimi.fleet.cli.options import json_option, site_option
from jikimi.fleet.cli.show import local_time, print_rows

if TYPE_CHECKING:
    from jikimi.fleet.site import Site
    from jikimi.fleet.store import Store

_TOO_FEW = "too few"
_DEFAULT_DAYS = 7
_DAY_MS = 86_400_000


class _Since(click.ParamType[int]):
    """A day or time in ISO 8601 (local when it names no zone), as ms since 1970 UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return int(datetime.datetime.fromisoformat(value).timestamp() * 1000)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a day or time such as 2026-11-24 or 2026-11-24T08:00", param, ctx)


@click.group("report")
def command() -> None:
    """Reports: aggregates by place and machine, never by person."""


@command.command("near-misses")
@site_option
@json_option
@click.option(
    "--by",
    type=click.Choice(["zone-hour", "machine"]),
    default="zone-hour",
    show_default=True,
    help="What each number stands for.",
)
@click.option("--since", "since_ms", type=_Since(), help="From the hour around this time on.  [default: 7 days ago]")
def near_misses(site: Site, as_json: bool, by: str, since_ms: int | None) -> None:
    """Near misses: how often somebody came into the zone of a machine.

    Numbers behind which there may be fewer than 5 people are withheld (`too few`), and left out of every sum, so that
    they cannot be found by subtraction; a sum that leaves something out is marked `partial` (+ in the table).

    JSON: {"site", "by", "since_ms", "group_min", "cells": [...]}, where a cell has "count" and "danger_count" (null:
    too few), "too_few", "partial", and "zone", "hour_ms" (by zone-hour) or "machine" (the device id), "name", "zone",
    "machine_kind" (by machine).

    Example: jikimi report near-misses --by machine --since 2026-11-01 --json
    """
    from jikimi.fleet.store import Store, hour_of  # slow import

    since_ms = hour_of(_now_ms() - _DEFAULT_DAYS * _DAY_MS if since_ms is None else since_ms)
    with Store.open(site.database_url, site.name) as store:
        cells = _by_zone_hour(store, since_ms) if by == "zone-hour" else _by_machine(store, since_ms)
    if as_json:
        click.echo(json.dumps(_document(site.name, by, since_ms, cells), ensure_ascii=False, indent=1))
    elif by == "zone-hour":
        rows = [[local_time(cell["hour_ms"], "minutes"), cell["zone"], *_counts(cell)] for cell in cells]
        print_rows(("hour from", "zone", "near misses", "in danger zone"), rows)
    else:
        rows = [[cell["machine"], cell["name"], cell["zone"], *_counts(cell)] for cell in cells]
        print_rows(("id", "machine", "zone", "near misses", "in danger zone"), rows)


def _document(site: str, by: str, since_ms: int, cells: list[dict[str, Any]]) -> dict[str, Any]:
    from jikimi.fleet.aggregate import GROUP_MIN  # slow import

    return {"site": site, "by": by, "since_ms": since_ms, "group_min": GROUP_MIN, "cells": cells}


def _by_zone_hour(store: Store, since_ms: int) -> list[dict[str, Any]]:
    from jikimi.fleet.aggregate import near_misses_by_zone_hour  # slow import

    return [{**asdict(cell), "too_few": cell.count is None} for cell in near_misses_by_zone_hour(store, since_ms)]


def _by_machine(store: Store, since_ms: int) -> list[dict[str, Any]]:
    from jikimi.fleet.aggregate import near_misses_by_machine  # slow import

    devices = {row.device: row for row in store.device_rows()}
    cells = []
    for cell in near_misses_by_machine(store, since_ms):
        node = devices[cell.machine]
        what = {"name": node.name, "zone": node.zone, "machine_kind": node.machine_kind}
        cells.append({**asdict(cell), **what, "too_few": cell.count is None})
    return cells


def _counts(cell: dict[str, Any]) -> list[str]:
    if cell["too_few"]:
        return [_TOO_FEW, _TOO_FEW]
    more = "+" if cell["partial"] else ""
    return [f"{cell['count']}{more}", f"{cell['danger_count']}{more}"]


def _now_ms() -> int:
    return int(datetime.datetime.now(datetime.UTC).timestamp() * 1000)
