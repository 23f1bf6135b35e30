"""`jikimi report`: what the events add up to."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from jikimi.fleet.cli.options import Moment, json_option, site_option
from jikimi.fleet.cli.show import local_time, print_json, print_rows

if TYPE_CHECKING:
    from jikimi.fleet.questions import Permit, Questions
    from jikimi.fleet.site import Site
    from jikimi.fleet.store import CompletenessRow, Store

_TOO_FEW = "too few"
_NO_NEAR_MISS = "no near miss in this time"
_DEFAULT_DAYS = 7
_SHIFTS = "06:00,14:00,22:00"
_DAY_MS = 86_400_000


class _Starts(click.ParamType[list[datetime.time]]):
    """Times of day, separated by commas."""

    name = "times"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[datetime.time]:
        if isinstance(value, list):
            return value
        try:
            return sorted({datetime.time.fromisoformat(part.strip()) for part in value.split(",")})
        except ValueError:
            self.fail(f"{value!r} are not times of day such as {_SHIFTS}", param, ctx)


@click.group("report")
def command() -> None:
    """Reports: aggregates by place and machine, never by person.

    Example: jikimi report near-misses --by machine
    """


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
@click.option("--since", "since_ms", type=Moment(), help="From the hour around this time on.  [default: 7 days ago]")
def near_misses(site: Site, as_json: bool, by: str, since_ms: int | None) -> None:
    """Near misses: how often somebody came into the zone of a machine.

    Numbers behind which there may be fewer people than the data-use agreement says, which is never less than 5, are
    withheld (`too few`), and left out of every sum, so that they cannot be found by subtraction; a sum that leaves
    something out is marked `partial` (+ in the table).

    Asked for hazard reduction: without an agreement that covers it, nothing is answered.

    JSON: {"site", "by", "since_ms", "group_min", "agreement", "cells": [...]}, where "agreement" is its number, and a
    cell has "count" and "danger_count" (null: too few), "too_few", "partial", and "zone", "hour_ms" (by zone-hour) or
    "machine" (the device id), "name", "zone", "machine_kind" (by machine).

    Example: jikimi report near-misses --by machine --since 2026-11-01 --json
    """
    from jikimi.fleet.questions import Questions  # slow imports
    from jikimi.fleet.store import Store, hour_of

    since_ms = hour_of(_now_ms() - _DEFAULT_DAYS * _DAY_MS if since_ms is None else since_ms)
    with Store.open(site.database_url, site.name) as store:
        asked = _by_zone_hour if by == "zone-hour" else _by_machine
        cells, permit = asked(store, Questions(store), since_ms)
    if as_json:
        found = {"site": site.name, "by": by, "since_ms": since_ms, "group_min": permit.group_min}
        print_json({**found, "agreement": permit.number, "cells": cells})
    elif by == "zone-hour":
        rows = [[local_time(cell["hour_ms"], "minutes"), cell["zone"], *_counts(cell)] for cell in cells]
        print_rows(("hour from", "zone", "near misses", "in danger zone"), rows, empty=_NO_NEAR_MISS)
    else:
        rows = [[cell["machine"], cell["name"], cell["zone"], *_counts(cell)] for cell in cells]
        print_rows(("id", "machine", "zone", "near misses", "in danger zone"), rows, empty=_NO_NEAR_MISS)


@command.command("completeness")
@site_option
@json_option
@click.option("--since", "since_ms", type=Moment(), help="From this time on.  [default: when the running shift began]")
@click.option("--until", "until_ms", type=Moment(), help="Up to this time.  [default: now]")
@click.option("--shifts", "starts", type=_Starts(), default=_SHIFTS, show_default=True, help="When shifts begin.")
def completeness(
    site: Site, as_json: bool, since_ms: int | None, until_ms: int | None, starts: list[datetime.time]
) -> None:
    """How much arrived of what each device recorded, shift by shift, and why not the rest.

    lost: the device had to overwrite it, and said so. parked: it came, and cannot be read (`jikimi site dead-letters`).
    missing: still to come. on device: what its journals hold by its last vitals. Shifts that are older than the
    shortest rule of retention look emptier than they were.

    JSON: {"site", "shifts": [{"from_ms", "to_ms", "devices": [{"device", "name", "zone", "recorded", "stored",
    "lost", "parked", "missing", "on_device", "arrived_permille"}]}]}; "to_ms" null: the shift is not over.

    Example: jikimi report completeness --since 2026-11-24 --json
    """
    from jikimi.fleet.cli.shifts import spans  # slow imports
    from jikimi.fleet.store import Store

    found: list[dict[str, Any]] = []
    with Store.open(site.database_url, site.name) as store:
        for from_ms, to_ms in spans(starts, since_ms, until_ms, _now_ms()):
            rows = [{**asdict(row), **_shares(row)} for row in store.completeness(from_ms, to_ms)]
            found.append({"from_ms": from_ms, "to_ms": to_ms, "devices": rows})
    if as_json:
        click.echo(json.dumps({"site": site.name, "shifts": found}, ensure_ascii=False, indent=1))
    else:
        cells = [_completeness_cells(shift, row) for shift in found for row in shift["devices"]]
        print_rows(
            ("shift from", "device", "zone", "recorded", "arrived", *_REASONS),
            cells,
            empty="nothing was recorded in this time",
        )


_REASONS = ("lost", "parked", "missing", "on_device")


def _shares(row: CompletenessRow) -> dict[str, Any]:
    return {"missing": row.missing, "arrived_permille": row.arrived_permille}


def _completeness_cells(shift: dict[str, Any], row: dict[str, Any]) -> list[str]:
    share = row["arrived_permille"]
    arrived = "-" if share is None else f"{share / 10:.1f} %"
    reasons = ["-" if row[name] is None else str(row[name]) for name in _REASONS]
    return [local_time(shift["from_ms"], "minutes"), row["name"], row["zone"], str(row["recorded"]), arrived, *reasons]


def _by_zone_hour(_store: Store, questions: Questions, since_ms: int) -> tuple[list[dict[str, Any]], Permit]:
    answer = questions.near_misses_by_zone_hour(since_ms)
    return [{**asdict(cell), "too_few": cell.count is None} for cell in answer.rows], answer.permit


def _by_machine(store: Store, questions: Questions, since_ms: int) -> tuple[list[dict[str, Any]], Permit]:
    answer = questions.near_misses_by_machine(since_ms)
    devices = {row.device: row for row in store.device_rows()}
    cells = []
    for cell in answer.rows:
        node = devices[cell.machine]
        what = {"name": node.name, "zone": node.zone, "machine_kind": node.machine_kind}
        cells.append({**asdict(cell), **what, "too_few": cell.count is None})
    return cells, answer.permit


def _counts(cell: dict[str, Any]) -> list[str]:
    if cell["too_few"]:
        return [_TOO_FEW, _TOO_FEW]
    more = "+" if cell["partial"] else ""
    return [f"{cell['count']}{more}", f"{cell['danger_count']}{more}"]


def _now_ms() -> int:
    return int(datetime.datetime.now(datetime.UTC).timestamp() * 1000)
