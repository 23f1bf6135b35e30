"""A run of a day: its devices live a part of it, faster than time if that is wanted, and the account at its end."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jikimi.fleet import registry
from jikimi.fleet.load import enrolment
from jikimi.fleet.load.contents import Contents, Crowd
from jikimi.fleet.load.player import Pace, Player
from jikimi.fleet.load.run import connect_all, quantiles_ms, raise_file_limit, temporary_site
from jikimi.fleet.load.tag import BOOT
from jikimi.fleet.load.usage import Watch
from jikimi.fleet.services import Supervisor, standard_services
from jikimi.fleet.store import Store
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jikimi.fleet.load.day import Day, Scripts
    from jikimi.fleet.site import Site

PROMPT_S: Final = 5.0  # after which a device sends again what is not acknowledged
_LATE_S: Final = 0.5  # by which this process may be behind the day and still be believed
_SHORT_ID_BYTES: Final = 4


@dataclass(frozen=True)
class Plan:
    """Which part of `day` is lived by how many tags: `seconds` of real time, each worth `speed` of the day."""

    day: Day
    n_tags: int
    batch: int
    from_s: float
    speed: float
    seconds: float
    seed: int

    @property
    def to_s(self) -> float:
        """Where in the day the part ends."""
        return min(float(self.day.seconds), self.from_s + self.seconds * self.speed)

    def scripts(self) -> Scripts:
        """What each device does in that part."""
        return self.day.scripts(self.n_tags, self.seed, self.from_s, self.to_s)


def play_own_site(
    plan: Plan, say: Callable[[str], None], *, nodes: int = 1, database: str | None = None
) -> dict[str, Any]:
    """Let the devices live at a site of their own, as `load_own_site` has it; the report. ServiceError."""
    scripts = plan.scripts()
    with temporary_site(nodes, database) as site:
        players = _players(site, plan, scripts, say)
        with Supervisor(site, standard_services(site, web=False)) as up:
            pids = {status.name: status.pid for status in up.status() if status.pid is not None}
            return _measure(site, plan, players, scripts, say, pids)


def play_site(site: Site, plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """As `play_own_site`, at a site that is up: the devices are retired at the end, their records stay."""
    raise_file_limit()
    scripts = plan.scripts()
    players = _players(site, plan, scripts, say)
    try:
        return _measure(site, plan, players, scripts, say, {})
    finally:
        registry.retire_all(site, [player.device for player in players])


def _players(site: Site, plan: Plan, scripts: Scripts, say: Callable[[str], None]) -> list[Player]:
    say(f"making keys for {len(scripts.tags)} tags and {len(scripts.machines)} machines")
    rng = random.Random(plan.seed)
    crowd = Crowd([rng.randbytes(_SHORT_ID_BYTES) for _ in scripts.machines], plan.n_tags)
    identities = [
        *enrolment.add(site, "tag", len(scripts.tags)),
        *enrolment.add(site, "node", len(scripts.machines)),
    ]
    return [
        Player(identity, script, Contents(random.Random(rng.random()), crowd), plan.batch)
        for identity, script in zip(identities, [*scripts.tags, *scripts.machines], strict=True)
    ]


def _measure(
    site: Site,
    plan: Plan,
    players: Sequence[Player],
    scripts: Scripts,
    say: Callable[[str], None],
    pids: Mapping[str, int],
) -> dict[str, Any]:
    took_s, services = asyncio.run(_live(players, Pace(plan.from_s, plan.to_s, plan.speed), say, pids))
    with Store.open(site.database_url, site.name) as store:
        stored = {(row.device, row.stream): row.stored for row in store.sequences() if row.boot == BOOT}
    return report(plan, players, scripts, took_s, stored) | {"services": services}


async def _live(
    players: Sequence[Player], pace: Pace, say: Callable[[str], None], pids: Mapping[str, int]
) -> tuple[float, dict[str, dict[str, float]]]:
    """Connect all, then live; seconds from the first moment of the day to the end, and what services took meanwhile."""
    await connect_all([player.connect for player in players])
    say(f"{len(players)} devices are connected, the day goes on")
    watch = Watch(pids)
    pace.start()
    start_s = time.monotonic()
    async with asyncio.TaskGroup() as living:
        for player in players:
            living.create_task(player.live(pace))
    took_s = time.monotonic() - start_s
    return took_s, watch.taken(took_s)


def report(
    plan: Plan, players: Sequence[Player], scripts: Scripts, took_s: float, stored: dict[tuple[str, int], int]
) -> dict[str, Any]:
    """The keys of `run.Report`, and what the day asked for; stored: records by device and stream."""
    over = [stored.get((player.device, stream), 0) - made for player in players for stream, made in player.made.items()]
    lost = sum(-n for n in over if n < 0)
    unanswered = sum(sum(player.made.values()) - player.acked for player in players)
    lag_ms = quantiles_ms([lag for player in players for lag in player.lags_s])
    behind_ms = quantiles_ms([late for player in players for late in player.lates_s])
    return {
        "tags": len(scripts.tags),
        "batch": plan.batch,
        "seconds": round(took_s, 2),
        "messages_per_s": round(sum(player.messages for player in players) / took_s, 1),
        "events_per_s": round(sum(player.acked for player in players) / took_s, 1),
        "lost": lost,
        "duplicates": sum(n for n in over if n > 0),
        "resent": sum(player.resent for player in players),
        "reconnected": sum(player.losses for player in players),
        "commit_latency_ms": quantiles_ms([late for player in players for late in player.latencies_s]),
        "profile": plan.day.name,
        "seed": plan.seed,
        "speed": plan.speed,
        "from": clock(plan.day.begins_s + plan.from_s),
        "to": clock(plan.day.begins_s + plan.to_s),
        "machines": len(scripts.machines),
        "events": _kinds(scripts),
        "offered_events_per_s": _offered(plan, scripts),
        "lag_ms": lag_ms,
        "behind_ms": behind_ms,
        "kept_up": kept_up(lost, unanswered, lag_ms["p99"], behind_ms["p99"]),
    }


def kept_up(lost: int, unanswered: int, lag_p99_ms: float, behind_p99_ms: float) -> bool | None:
    """Whether the site did; None: it did not, but this process was late itself, so that the site might have."""
    if not lost and not unanswered:
        if lag_p99_ms <= 1000 * PROMPT_S:
            return True
        if behind_p99_ms > 1000 * _LATE_S:
            return None
    return False


def _offered(plan: Plan, scripts: Scripts) -> dict[str, float]:
    """Records a second of real time that the day asks for: on average, and in the second in which it asks for most."""
    seconds = Counter(int((t_s - plan.from_s) / plan.speed) for t_s, _ in _records(scripts))
    length_s = (plan.to_s - plan.from_s) / plan.speed
    return {"mean": round(seconds.total() / length_s, 1), "peak": float(max(seconds.values(), default=0))}


def _kinds(scripts: Scripts) -> dict[str, int]:
    return dict(Counter(kinds.name(kind) for _, kind in _records(scripts)).most_common())


def _records(scripts: Scripts) -> list[tuple[float, int]]:
    return [(act.t_s, act.what) for part in scripts for script in part for act in script.acts if act.what > 0]


def clock(seconds: float) -> str:
    """A time of day as HH:MM, from seconds after midnight."""
    minutes = int(seconds // 60) % (24 * 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"
