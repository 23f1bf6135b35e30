"""A site under load while parts of it fail at random, held against the ledger of its tags.

    python -m tools.chaos [--faults 200] [--seed N] [--nodes 1|3] [--postgresql]

Tags send all the time. Each fault is drawn from the seed, and the next one comes when every tag has got on. At the end
nothing may be lost or doubled by what the tags know. Whatever fails prints the seed, with which the same faults come
again (the moments at which they meet the traffic do not).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jikimi.fleet import broker
from jikimi.fleet.load import Report, Tag, account, drive, enrol
from jikimi.fleet.services import Supervisor, standard_services
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site import cluster as clusters
from jikimi.fleet.site.settings import BrokerSettings, DatabaseSettings, WebSettings
from jikimi.fleet.store import Store
from jikimi.wire import topics
from tools import chaos_network, postgres
from tools.links import Links
from tools.slow_disk import Disk

_TAGS, _BATCH = 10, 5
_PATIENCE_S = 120.0  # for all tags to get on after a fault
_FREEZE_S = (0.5, 6.0)
_SYNC_MS = (100, 2_000)
_HOSTILE_LEAVES = (topics.EVENT, topics.ALARM, topics.STATE, topics.VITALS)


class StuckError(Exception):
    """The site did not get over a fault; the text says which, and how to have it again."""


@dataclass(frozen=True)
class Parts:
    """What a site stands on and can fail; `server` None: SQLite, `links` None: one broker."""

    disk: Disk
    server: postgres.Server | None
    links: Links | None


class Run:
    """A site, its tags sending in a thread, and the faults."""

    def __init__(self, site: Site, up: Supervisor, rng: random.Random, parts: Parts) -> None:
        self._disk, self._server, links = parts.disk, parts.server, parts.links
        self.site, self.up, self._rng = site, up, rng
        self.tags: list[Tag] = enrol(site, _TAGS, _BATCH)
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._took_s = 0.0
        self._thread = threading.Thread(target=asyncio.run, args=(self._drive(),))
        self.faults: dict[str, Callable[[], None]] = {
            "kill -9 of a broker": lambda: self._kill(self._one("broker")),
            "kill -9 of ingest": lambda: self._kill(self._one("ingest")),
            "broker asked to end": lambda: os.kill(self._pid(self._one("broker")), signal.SIGTERM),
            "broker frozen": lambda: self._freeze(self._one("broker")),
            "ingest frozen": lambda: self._freeze(self._one("ingest")),
            "corrupted and hostile messages": self._hostile,
            "a tag's clock jumps": self._jump,
            "connections cut": self._cut,
            "slow disk": self._slow_disk,
        }
        if links is not None:
            self.faults |= chaos_network.faults(links, rng)
        if self._server is None:
            self.faults["disk busy: another program holds the database"] = self._lock_database
            self.faults["disk full"] = self._fill_disk
        else:
            self.faults["kill -9 of the database"] = self._crash_database

    def start(self) -> None:
        """Begin to send, and wait until every tag has got on."""
        self._thread.start()
        self.gets_on("the start")

    def finish(self) -> Report:
        """Stop sending; the account."""
        self._stopping.set()
        self._thread.join()
        with Store.open(self.site.database_url, self.site.name) as store:
            stored = {row.device: row.stored for row in store.sequences() if row.stream == 1}
        return account(self.tags, _BATCH, self._took_s, stored)

    def gets_on(self, what: str) -> None:
        """Wait until every tag has something acknowledged that was not; StuckError."""
        before = {tag.device: tag.acked for tag in self.tags}
        until_s = time.monotonic() + _PATIENCE_S
        while any(tag.acked <= before[tag.device] for tag in self.tags):
            if time.monotonic() > until_s or not self._thread.is_alive():
                raise StuckError(f"after {what} the site did not get on; its logs are in {self.site.log_dir}")
            time.sleep(0.02)

    async def _drive(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._took_s = await drive(self.tags, lambda: not self._stopping.is_set(), lambda _line: None)

    def _one(self, kind: str) -> str:
        return self._rng.choice([one.name for one in self.up.status() if one.name.split("-")[0] == kind])

    def _pid(self, name: str) -> int:
        while True:  # it may just be starting again
            for one in self.up.status():
                if one.name == name and one.ready and one.pid is not None:
                    return one.pid
            time.sleep(0.02)

    def _kill(self, name: str) -> None:
        os.kill(self._pid(name), signal.SIGKILL)

    def _freeze(self, name: str) -> None:
        pid = self._pid(name)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self._rng.uniform(*_FREEZE_S))  # what a fault is, not what is waited for
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def _on_loop(self, work: Callable[[], None]) -> None:
        assert self._loop is not None
        done = threading.Event()

        def call() -> None:
            work()
            done.set()

        self._loop.call_soon_threadsafe(call)
        done.wait(_PATIENCE_S)

    def _hostile(self) -> None:
        rng, tag = self._rng, self._rng.choice(self.tags)
        for _ in range(20):
            device = rng.choice([tag.device, rng.choice(self.tags).device, "host", "+"])
            topic = f"{topics.PREFIX}/{self.site.name}/{device}/{rng.choice(_HOSTILE_LEAVES)}"
            payload = bytearray(rng.choice([tag.last_payload, rng.randbytes(rng.randrange(1, 1024)), b""]))
            for _ in range(rng.randrange(4) if payload else 0):
                payload[rng.randrange(len(payload))] ^= 1 << rng.randrange(8)
            if device != "+" and payload != tag.last_payload:
                self._on_loop(partial(tag.say, topic, bytes(payload)))

    def _jump(self) -> None:
        self._rng.choice(self.tags).shift_clock(self._rng.choice([-1, 1]) * self._rng.randrange(1, 10**11))

    def _cut(self) -> None:
        for tag in self._rng.sample(self.tags, 5):
            self._on_loop(tag.cut)

    def _lock_database(self) -> None:
        path = self.site.database_url.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(self._rng.uniform(*_FREEZE_S))
            connection.execute("ROLLBACK")

    def _slow_disk(self) -> None:
        """Under the database alone: the broker makes its system calls itself."""
        self._disk.sync_ms = self._rng.randrange(*_SYNC_MS)
        time.sleep(self._rng.uniform(*_FREEZE_S))
        self._disk.heal()

    def _fill_disk(self) -> None:
        self._disk.full = True
        time.sleep(self._rng.uniform(*_FREEZE_S))
        self._disk.heal()

    def _crash_database(self) -> None:
        assert self._server is not None
        self._server.stop(crash=True)
        time.sleep(self._rng.uniform(*_FREEZE_S))
        self._server.start()


@contextlib.contextmanager
def chaotic_site(directory: Path, seed: int, nodes: int, *, with_postgres: bool) -> Iterator[Run]:
    """A site that is up, with its tags enrolled."""
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(_disk())
        server = stack.enter_context(postgres.Server(durable=True)) if with_postgres else None
        settings = Settings(
            broker=BrokerSettings(mqtt_port=0),
            web=WebSettings(port=0),
            database=DatabaseSettings() if server is None else DatabaseSettings(server.url()),
        )
        site = Site.init(directory / "chaos", settings=settings)
        links = None
        if nodes > 1:
            links = stack.enter_context(Links(clusters.on_this_machine(nodes)))
            clusters.save(site.path, links.cluster)
            site = Site.open(site.path)
            broker.issue_certificate(site)
        up = stack.enter_context(Supervisor(site, standard_services(site, web=False)))
        yield Run(site, up, random.Random(seed), Parts(disk, server, links))


@contextlib.contextmanager
def _disk() -> Iterator[Disk]:
    with tempfile.TemporaryDirectory(prefix="jk-disk-") as directory:
        Path(directory).chmod(0o755)  # PostgreSQL runs as a user of its own
        with Disk(Path(directory)) as disk:
            yield disk


def chaos(
    directory: Path, seed: int, faults: int, nodes: int, *, with_postgres: bool, say: Callable[[str], None]
) -> tuple[Report, Counter[str]]:
    """Let `faults` happen; the account, and how often each kind of fault came. StuckError names the seed."""
    came: Counter[str] = Counter()
    with chaotic_site(directory, seed, nodes, with_postgres=with_postgres) as run:
        run.start()
        rng = random.Random(seed)
        # Every kind comes before any comes again, so that a short run has them all.
        names: list[str] = []
        try:
            for number in range(1, faults + 1):
                names = names or rng.sample(sorted(run.faults), len(run.faults))
                name = names.pop()
                say(f"{number}: {name}")
                run.faults[name]()
                came[name] += 1
                run.gets_on(f"fault {number} of seed {seed} ({name})")
        except BaseException:
            run.finish()
            raise
        return run.finish(), came


def main() -> int:
    """Print the account as JSON; exit code 1 when something was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="default: a new one")
    parser.add_argument("--nodes", type=int, default=1, help="of the broker")
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    options = parser.parse_args()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    print(f"seed {seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="jk-chaos-") as directory:
        report, came = chaos(
            Path(directory), seed, options.faults, options.nodes, with_postgres=options.postgresql,
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )  # fmt: skip
    print(json.dumps({"seed": seed, "faults": dict(came), **report._asdict()}))
    return 0 if (report.lost, report.duplicates) == (0, 0) else 1


if __name__ == "__main__":
    sys.exit(main())
