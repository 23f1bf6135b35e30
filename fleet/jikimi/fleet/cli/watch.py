"""`jikimi watch`: live events in the terminal."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from jikimi.fleet.cli.options import json_option, site_option
from jikimi.fleet.cli.show import local_time, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jikimi.fleet.site import Site
    from jikimi.fleet.store import RecordRow

_STYLES = {"emergency": "bold red", "proximity": "yellow", "device": "dim"}


@click.command("watch")
@site_option
@json_option
@click.option("--from-start", is_flag=True, help="Everything stored so far first.")
def command(site: Site, as_json: bool, from_start: bool) -> None:
    """Show events as they are stored, until Ctrl-C.

    Alarms name their device, and a near miss its machine once at least 5 people are behind the hour's number;
    everything else is shown without device and zone (—), because it would tell who.

    What is neither an alarm of the last day nor said by a device of itself is shown as far as the data-use agreement
    covers it; the view is noted in the audit log.

    Times are those of the event, by the device's clock; `~` marks a clock that may have drifted, `?` a device without
    one (the time is then that of receipt). With --json each line is one object: id, t_ms, clock (none, rtc, set),
    recv_ms, kind, category, device, name, zone, boot, stream, seq, data.

    Example: jikimi watch --site busan-1
    """
    from jikimi.fleet.questions import HOST, LiveView, sentence  # slow imports
    from jikimi.fleet.store import Store

    with Store.open(site.database_url, site.name) as store:
        try:
            view, begin = LiveView(store), 0 if from_start else store.last_id()
            view.note(HOST, "events as they are stored" + (", all so far first" if from_start else ""), None)
            if view.refusal:
                click.echo(f"jikimi watch: {sentence(view.refusal)}", err=True)
            _print_all(view.follow(begin), _printer(as_json))
        except KeyboardInterrupt:
            return


def _print_all(rows: Iterable[RecordRow], show: Callable[[RecordRow], None]) -> None:
    for row in rows:
        show(row)
        sys.stdout.flush()


def _printer(as_json: bool) -> Callable[[RecordRow], None]:
    if as_json:
        return lambda row: click.echo(json.dumps(asdict(row), ensure_ascii=False))
    if not sys.stdout.isatty():
        return lambda row: click.echo("\t".join(cells(row)))
    from rich.console import Console  # slow imports, only for people
    from rich.text import Text

    console = Console(highlight=False)

    def show(row: RecordRow) -> None:
        moment, kind, name, zone, details = cells(row)
        line = f"{moment:<24}  {kind:<12} {name:<16} {zone:<14} {details}".rstrip()
        console.print(Text(line, style=_STYLES.get(row.category, "")), soft_wrap=True)

    return show


def cells(row: RecordRow) -> list[str]:
    """The columns for people: time, kind, device, zone, details."""
    mark = {"none": "?", "rtc": "~"}.get(row.clock, "")
    details = ", ".join(f"{name} {value}" for name, value in row.data.items() if value is not None)
    shown = [row.kind.replace("_", " "), row.name, row.zone, details]
    return [local_time(row.t_ms, "milliseconds") + mark, *map(printable, shown)]
