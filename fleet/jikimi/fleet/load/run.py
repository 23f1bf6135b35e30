"""A run of the load, against a site of its own or one that is up, and the account at its end."""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jikimi.fleet import broker, registry
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.load import enrolment
from jikimi.fleet.load.tag import BOOT, Tag
from jikimi.fleet.services import Supervisor, standard_services
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site import cluster as clusters
from jikimi.fleet.site.settings import BrokerSettings, DatabaseSettings, WebSettings
from jikimi.fleet.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

_CONNECTING = 50  # at a time


class Report(NamedTuple):
    """What a run found; latency from publish to the acknowledgement that follows the commit."""

    tags: int
    batch: int
    seconds: float
    messages_per_s: float
    events_per_s: float
    lost: int
    duplicates: int
    resent: int
    reconnected: int
    commit_latency_ms: dict[str, float]


def load_own_site(
    seconds: float, n_tags: int, batch: int, say: Callable[[str], None], *, nodes: int = 1, database: str | None = None
) -> Report:
    """Load a site of its own, in a temporary directory, for `seconds`. ServiceError when it does not come up.

    `nodes` more than one: its broker is a cluster; `database`: the URL of one that is there, instead of SQLite.
    """
    with temporary_site(nodes, database) as site:
        say(f"making keys for {n_tags} tags")
        tags = enrol(site, n_tags, batch)
        with Supervisor(site, standard_services(site, web=False)):
            return _measure(site, tags, batch, seconds, say)


def load_site(site: Site, seconds: float, n_tags: int, batch: int, say: Callable[[str], None]) -> Report:
    """Load a site that is up with tags that are added for this and retired at the end; their records stay."""
    raise_file_limit()
    tags = enrol(site, n_tags, batch)
    try:
        return _measure(site, tags, batch, seconds, say)
    finally:
        registry.retire_all(site, [tag.device for tag in tags])


def enrol(site: Site, n_tags: int, batch: int) -> list[Tag]:
    """New tags of the site, which know all nodes of its broker, each another one first."""
    return [Tag(one.site, one.device, batch, one.addresses, one.tls) for one in enrolment.add(site, "tag", n_tags)]


async def drive(tags: Sequence[Tag], going_on: Callable[[], bool], say: Callable[[str], None]) -> float:
    """Connect all, then send from all while `going_on`; seconds from the first message to the last acknowledgement."""
    await connect_all([tag.connect_somewhere for tag in tags])
    say(f"{len(tags)} tags are connected and send")
    start_s = time.monotonic()
    async with asyncio.TaskGroup() as sending:
        for tag in tags:
            sending.create_task(tag.send_while(going_on))
    took_s = time.monotonic() - start_s
    for tag in tags:
        tag.close()
    return took_s


async def connect_all(connects: Sequence[Callable[[], Coroutine[None, None, None]]]) -> None:
    """Call all of these, not too many at a time. ServiceError when one of them cannot connect."""
    gate = asyncio.Semaphore(_CONNECTING)

    async def connect(one: Callable[[], Coroutine[None, None, None]]) -> None:
        async with gate:
            await one()

    try:
        await asyncio.gather(*(connect(one) for one in connects))
    except (OSError, EOFError) as error:
        raise ServiceError(f"the broker does not take every connection ({error!r}): read its log") from error


def account(tags: Sequence[Tag], batch: int, took_s: float, stored: dict[str, int]) -> Report:
    """The tags' ledger against what the database holds of each."""
    events = sum(tag.acked for tag in tags)
    over = [stored.get(tag.device, 0) - tag.sent for tag in tags]
    return Report(
        tags=len(tags),
        batch=batch,
        seconds=round(took_s, 2),
        messages_per_s=round(events / batch / took_s),
        events_per_s=round(events / took_s),
        lost=sum(-n for n in over if n < 0),
        duplicates=sum(n for n in over if n > 0),
        resent=sum(tag.resent for tag in tags),
        reconnected=sum(tag.losses for tag in tags),
        commit_latency_ms=quantiles_ms([latency for tag in tags for latency in tag.latencies_s]),
    )


def quantiles_ms(values_s: list[float]) -> dict[str, float]:
    """Median and 99th percentile of seconds, in ms; of none 0."""
    ordered = sorted(values_s) or [0.0]
    shares = {"p50": 0.5, "p99": 0.99}
    return {name: round(1000 * ordered[int(share * (len(ordered) - 1))], 1) for name, share in shares.items()}


@contextmanager
def temporary_site(nodes: int, database: str | None) -> Iterator[Site]:
    """A site that goes when the context ends; its services are not started. See `load_own_site`."""
    raise_file_limit()
    settings = Settings(
        broker=BrokerSettings(mqtt_port=0),
        web=WebSettings(port=0),
        database=DatabaseSettings() if database is None else DatabaseSettings(database),
    )
    with tempfile.TemporaryDirectory(prefix="jikimi-load-") as directory:
        site = Site.init(Path(directory) / "load", settings=settings)
        if nodes > 1:
            clusters.save(site.path, clusters.on_this_machine(nodes))
            site = Site.open(site.path)
            broker.issue_certificate(site)
        yield site


def raise_file_limit() -> None:
    """Each tag is an open file here and one in the broker, which inherits the limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _for(seconds: float) -> Callable[[], bool]:
    """True for so long from the first time it is asked."""
    began_s: list[float] = []

    def going_on() -> bool:
        if not began_s:
            began_s.append(time.monotonic())
        return time.monotonic() - began_s[0] < seconds

    return going_on


def _measure(site: Site, tags: Sequence[Tag], batch: int, seconds: float, say: Callable[[str], None]) -> Report:
    took_s = asyncio.run(drive(tags, _for(seconds), say))
    with Store.open(site.database_url, site.name) as store:
        stored = {row.device: row.stored for row in store.sequences() if row.boot == BOOT}
    return account(tags, batch, took_s, stored)
