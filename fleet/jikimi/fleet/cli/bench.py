"""`jikimi bench`: how much a machine can take."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jikimi.fleet.cli.options import FiniteRange, Moment, TimeOfDay, json_option, site_option

if TYPE_CHECKING:
    from jikimi.fleet.load import Day
    from jikimi.fleet.site import Site

_DAY_S = 86_400
_DAY_MS = 1000 * _DAY_S


@click.group("bench")
def command() -> None:
    """Measure what this machine can take.

    Example: jikimi bench load --seconds 10 --tags 100
    """


@command.command("load")
@click.option(
    "--seconds",
    type=FiniteRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="How long the tags send.",
)
@click.option("--tags", type=click.IntRange(1, 20_000), default=100, show_default=True, help="Connections.")
@click.option("--batch", type=click.IntRange(1, 50), default=20, show_default=True, help="Events in a message.")
@click.option("--nodes", type=click.IntRange(1, 9), default=1, show_default=True, help="Of the broker: 3, 5, …")
@click.option("--database", metavar="URL", help="Of a PostgreSQL that is there, instead of SQLite.")
@click.option("--site", "directory", type=click.Path(file_okay=False), help="Load this site, which is up, instead.")
@click.option("--profile", metavar="DAY", help="calm, busy, storm, or a file of `jikimi bench record`.")
@click.option(
    "--speed",
    type=FiniteRange(min=0, min_open=True),
    help="Seconds of the day that go by in one; needs --profile.  [default: 1]",
)
@click.option("--start-at", "start_s", type=TimeOfDay(), help="Time of the day to start at.  [default: its beginning]")
@click.option("--seed", type=click.IntRange(0), help="The same seed, the same day; needs --profile.  [default: 1]")
@json_option
def load(
    seconds: float,
    tags: int,
    batch: int,
    nodes: int,
    database: str | None,
    directory: str | None,
    profile: str | None,
    speed: float | None,
    start_s: int | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Load a temporary site with tags over TLS, as fast as it stores what they send.

    The site has a broker, ingest and a database of its own, which go with it. With --site a running one is loaded:
    the tags are added to it and retired at the end, and their records stay there.

    With --profile the tags do what tags do in a day, and as many machines as belong to them: shift starts, near misses
    where aisles cross, falls and calls for help, breaks on the charger, lost connections. Then --seconds is how long
    the run takes, and --speed 600 lets ten hours go by in a minute. calm: nobody works near machines; busy: some 200
    records a shift and tag; storm: everybody among machines all day.

    JSON: {"tags", "batch", "seconds", "messages_per_s", "events_per_s", "lost", "duplicates", "resent", "reconnected",
    "commit_latency_ms": {"p50", "p99"}}; with --profile also "profile", "seed", "speed", "from", "to", "machines",
    "events" (by kind), "offered_events_per_s": {"mean", "peak"} (what the day asks for, in its fullest second),
    "lag_ms" (from the moment something was due until the site had it), "behind_ms" (of that, what this process itself
    was late), and "kept_up": 99 of 100 records were at the site within 5 s, after which a tag sends again, and none was
    lost; null: not so, but this process was late itself. "services": {"broker": {"cores", "mib"}, …} says how many
    processor cores each service of the temporary site kept busy, and its memory at most (with --site: {}).

    Example: jikimi bench load --profile busy --tags 200 --start-at 07:55 --speed 60 --seconds 60
    """
    from jikimi.fleet.load import Plan, load_own_site, load_site, play_own_site, play_site  # slow import
    from jikimi.fleet.site import Site

    if directory is not None and (nodes > 1 or database is not None):
        raise click.UsageError("a site that is up has its own broker and database: leave --nodes and --database out")
    site = None if directory is None else Site.open(directory)
    if profile is None:
        if (speed, start_s, seed) != (None, None, None):
            raise click.UsageError("--speed, --start-at and --seed are about a day: add --profile busy")
        if site is None:
            report = load_own_site(seconds, tags, batch, _say, nodes=nodes, database=database)
        else:
            report = load_site(site, seconds, tags, batch, _say)
        found = report._asdict()
    else:
        day = _day(profile)
        from_s = 0.0 if start_s is None else _from_s(day, start_s)
        plan = Plan(day, tags, batch, from_s, speed or 1.0, seconds, 1 if seed is None else seed)
        if site is None:
            found = play_own_site(plan, _say, nodes=nodes, database=database)
        else:
            found = play_site(site, plan, _say)
    if as_json:
        click.echo(json.dumps(found))
    else:
        _print(found)


@command.command("record")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@site_option
@click.option("--since", "since_ms", type=Moment(), help="From this time on.  [default: 24 hours before the end]")
@click.option("--until", "until_ms", type=Moment(), help="Up to this time.  [default: now]")
def record(file: Path, site: Site, since_ms: int | None, until_ms: int | None) -> None:
    """Make a profile for `jikimi bench load --profile FILE` from what the site stored in a day, or a part of one.

    The file says when records of which kind and size came, in whole seconds since its beginning, and nothing else: no
    date, no device, no zone, no content. Hours in which fewer than 5 tags recorded anything are left out. It is text,
    one line a record, so that everybody can see what is in it before it goes anywhere. Asked for capacity planning:
    without a data-use agreement that covers it, nothing is answered.

    Example: jikimi bench record tuesday.jsonl --since 2026-11-24T06:00 --until 2026-11-24T16:00
    """
    from jikimi.fleet.load import recorded  # slow imports
    from jikimi.fleet.questions import Questions
    from jikimi.fleet.store import Store

    if file.exists():
        raise click.UsageError(f"{file} is there already: choose another name")
    to_ms = int(time.time() * 1000) if until_ms is None else until_ms
    from_ms = to_ms - _DAY_MS if since_ms is None else since_ms
    if not 0 < to_ms - from_ms <= _DAY_MS:
        raise click.UsageError("a profile is of one day at most: --since has to be up to 24 hours before --until")
    with Store.open(site.database_url, site.name) as store:
        answer = Questions(store).activity(from_ms, to_ms)
    (activity,) = answer.rows
    recorded.write(file, activity, from_ms, to_ms)
    _say(f"{len(activity.records)} records of {activity.tags} tags and {activity.machines} machines are in {file}")
    if activity.withheld:
        _say(f"{activity.withheld} records of hours with fewer than {answer.permit.group_min} tags were left out")


def _day(profile: str) -> Day:
    from jikimi.fleet.load import MODELS, recorded  # slow import

    if profile in MODELS:
        return MODELS[profile]
    if not Path(profile).is_file():
        built_in = ", ".join(MODELS)
        raise click.UsageError(
            f"there is no day {profile}: choose {built_in}, or a file that `jikimi bench record` made at a site"
        )
    return recorded.read(Path(profile))


def _from_s(day: Day, start_s: int) -> float:
    """Where in the day that time is, in seconds."""
    from jikimi.fleet.load import clock  # slow import

    from_s = (start_s - day.begins_s) % _DAY_S
    if from_s >= day.seconds:
        span = f"{clock(day.begins_s)} to {clock(day.begins_s + day.seconds)}"
        raise click.UsageError(f"the day {day.name} goes from {span}: choose --start-at within it")
    return float(from_s)


def _print(found: dict[str, Any]) -> None:
    latency = found["commit_latency_ms"]
    click.echo(f"{found['events_per_s']} events/s in {found['messages_per_s']} messages/s from {found['tags']} tags")
    click.echo(f"publish to committed and acknowledged: p50 {latency['p50']} ms, p99 {latency['p99']} ms")
    click.echo(f"lost {found['lost']}, doubled {found['duplicates']}, sent again {found['resent']}")
    if "profile" in found:
        _print_day(found)


def _print_day(found: dict[str, Any]) -> None:
    offered, lag, behind = found["offered_events_per_s"], found["lag_ms"], found["behind_ms"]
    day = f"{found['profile']}, {found['from']} to {found['to']}, {found['speed']:g} times as fast"
    click.echo(f"{day}: offered {offered['mean']} events/s on average, {offered['peak']:g} in the fullest second")
    click.echo(f"due to committed and acknowledged: p50 {lag['p50']} ms, p99 {lag['p99']} ms")
    click.echo(f"of that, this process itself was late: p50 {behind['p50']} ms, p99 {behind['p99']} ms")
    for name, taken in found["services"].items():
        click.echo(f"{name}: {taken['cores']} cores busy, at most {taken['mib']} MiB")
    click.echo({
        True: "The site kept up.",
        False: "The site did not keep up: it needs a faster machine, or fewer tags.",
        None: "It cannot be told whether the site kept up: this process did not. Take fewer tags or a lower --speed.",
    }[found["kept_up"]])  # fmt: skip


def _say(line: str) -> None:
    click.echo(f"jikimi bench: {line}", err=True)
