"""The service: `python -m jikimi.fleet.ingest --site DIR [--worker N]`.

Where the site has one broker, it listens there by MQTT. Where the broker is a cluster, each of several workers reads
its share of the devices through JetStream. What happens to a message is the same.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import signal
import socket
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from jikimi.fleet import broker
from jikimi.fleet.ingest.worker import Connection, Worker
from jikimi.fleet.mqtt import Greeting, Session
from jikimi.fleet.services import mark_ready
from jikimi.fleet.services.entry import run_with
from jikimi.fleet.services.patience import patiently
from jikimi.fleet.site import Site
from jikimi.fleet.site.names import broker_name
from jikimi.fleet.store import Store
from jikimi.wire import messages as wire
from jikimi.wire import topics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAME = "ingest"
_STUCK_S = 60.0  # a turn takes five seconds when nothing comes, and does not wait for the database

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; the exit code is 0 then, and 1 when the service cannot work."""
    parser = argparse.ArgumentParser(prog="jikimi.fleet.ingest", description="Store what devices send.")
    parser.add_argument("--worker", type=int, default=0, help="number of this worker, where there are several")
    return run_with(parser, lambda site, chosen: serve(site, chosen.worker), arguments)


def serve(site: Site, number: int = 0) -> None:
    """Ingest for `site` until SIGTERM. StoreError when the database stays broken."""
    name = NAME if site.cluster is None else f"{NAME}-{number}"
    with (
        _connection(site, name) as session,
        patiently(site, name, lambda: Store.open(site.database_url, site.name)) as store,
        closing(Worker(site.name, session, store)) as worker,
    ):
        signal.signal(signal.SIGTERM, lambda _number, _frame: worker.stop())
        signal.signal(signal.SIGINT, lambda _number, _frame: worker.stop())
        if worker.wait_ready():
            mark_ready(site, name)
            _log.info("storing for site %s in %s", site.name, site.path)
            worker.run(Watchdog())
        _log.info("stopped: %s", worker.totals)


@contextmanager
def _connection(site: Site, name: str) -> Iterator[Connection]:
    """To the site's broker, by MQTT, or to the cluster's streams."""
    tls = broker.host_context(site)
    if site.cluster is None:
        session = Session(broker.addresses(site), tls, site.client_id(NAME), clean=False, greeting=greeting(site.name))
        try:
            yield session
        finally:
            session.close(last_words=_state("docked"))
        return
    from jikimi.fleet import jetstream  # only a cluster needs its library

    worker = f"{socket.gethostname().replace('.', '-')}-{name}"
    shared = jetstream.Session(
        broker.servers(site), tls, broker_name(site.name), site.name, worker, site.cluster.partitions
    )
    with closing(shared):
        yield shared


class Watchdog:
    """Ends this process, with the stacks of all threads in its log, unless it is called again within `silence_s`.

    So a loop that hangs, for whatever reason, is started again by the supervisor like one that died. Winding starts a
    thread, so that it is wound when a tenth of its time is over, however often it is called.
    """

    def __init__(self, silence_s: float = _STUCK_S) -> None:
        self._silence_s = silence_s
        self._due_s = 0.0

    def __call__(self) -> None:
        """All is well now."""
        now_s = time.monotonic()
        if now_s >= self._due_s:
            self._due_s = now_s + self._silence_s / 10
            faulthandler.dump_traceback_later(self._silence_s, exit=True)


def greeting(site: str) -> Greeting:
    """What ingest tells the broker: what it wants to hear, and its own state."""
    # One subscription for each leaf: the broker queues them apart, so alarms do not wait behind events.
    leaves = [(f"{topics.PREFIX}/{site}/+/{leaf}", topics.QOS[leaf]) for leaf in topics.UP]
    topic = topics.topic(site, topics.HOST, topics.STATE)
    return Greeting(tuple(leaves), topic, birth=_state("online"), will=_state("lost"))


def _state(status: str) -> bytes:
    # The boot number rises with each start, as the counter of a device does.
    return wire.encode_state({"boot": int(time.time()), "status": status, "kind": topics.HOST})


if __name__ == "__main__":
    sys.exit(main())
