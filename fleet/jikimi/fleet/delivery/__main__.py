"""The service: `python -m jikimi.fleet.delivery --site DIR`."""

from __future__ import annotations

import logging
import secrets
import signal
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from jikimi.fleet import broker, content
from jikimi.fleet.delivery import offers
from jikimi.fleet.delivery.server import Server
from jikimi.fleet.errors import StoreError
from jikimi.fleet.mqtt import Greeting, Session
from jikimi.fleet.rollout.engine import Engine
from jikimi.fleet.services import mark_ready
from jikimi.fleet.services.entry import run
from jikimi.fleet.site import Site
from jikimi.wire import topics

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from jikimi.fleet.mqtt import Incoming

NAME = "delivery"
_IDLE_S = 1.0

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; the exit code is 0 then, and 1 when the service cannot work."""
    return run(NAME, "Give devices what they fetch.", serve, arguments)


def serve(site: Site) -> None:
    """Answer requests until SIGTERM."""
    session = Session(*_connection(site), clean=True, greeting=_greeting(site.name))
    births = offers.Offers(site)
    server = Server(partial(content.piece, site), time.monotonic, alone=site.cluster is None)
    engine = Engine(site, partial(session.publish, qos=1))
    stopping: list[int] = []

    def stop(number: int, _frame: object) -> None:
        stopping.append(number)
        session.wake()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    ready = False
    try:
        while not stopping:
            for message in session.receive(_IDLE_S):
                if message.topic.endswith("/" + topics.STATE):
                    _offer(births, session, message)
                    continue
                answer = server.answer(message)
                if answer is not None:
                    session.publish(*answer)
            if session.ready:
                _look_after(engine)
            if session.ready and not ready:
                ready = True
                mark_ready(site, NAME)
    finally:
        session.close()
        births.close()
    _log.info("stopped: %d bytes served, %d times busy, %d refused", server.served_bytes, server.busy, server.refused)


def _offer(births: offers.Offers, session: Session, message: Incoming) -> None:
    try:
        offer = births.answer(message)
    except StoreError as error:
        _log.warning("a configuration is not offered: %s", error)  # the next birth of the device tries again
        return
    if offer is not None:
        session.publish(*offer, qos=1)


def _look_after(engine: Engine) -> None:
    try:
        engine.step()
    except StoreError as error:
        _log.warning("rollouts wait: %s", error)  # content is served without a database, and the next step tries again


def _connection(site: Site) -> tuple[list[tuple[str, int]], ssl.SSLContext, str]:
    return broker.addresses(site), broker.host_context(site), _client_id(site)


def _client_id(site: Site) -> str:
    """Nobody can guess it, as ingest's; and each process has its own, because one runs on each machine of a cluster.

    Two under one id would push each other off the broker for ever.
    """
    return f"{NAME}-{site.client_id('ingest').partition('-')[2]}-{secrets.token_hex(4)}"


def _greeting(site: str) -> Greeting:
    # QoS 0 for both: who asks asks again, a birth that is missed is said again, and nothing here is acknowledged.
    return Greeting(tuple((f"{topics.PREFIX}/{site}/+/{leaf}", 0) for leaf in (topics.GET, topics.STATE)))


if __name__ == "__main__":
    sys.exit(main())
