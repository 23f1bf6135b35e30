"""The host's connections to the site's broker: MQTT 3.1.1 over mutual TLS."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from jikimi.fleet import broker
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.mqtt.session import Greeting, Session
from jikimi.fleet.mqtt.stream import Incoming

if TYPE_CHECKING:
    from jikimi.fleet.site import Site

__all__ = ["Greeting", "Incoming", "Session", "publish_once"]

_ONCE_S = 5.0


def publish_once(site: Site, topic: str, payload: bytes) -> None:
    """Hand one message to the broker at QoS 1, over a connection of its own; ServiceError when it does not take it."""
    # An id of its own, so that it does not replace the connection of ingest.
    session = Session(broker.addresses(site), broker.host_context(site), f"once-{secrets.token_hex(12)}", clean=True)
    try:
        deadline = time.monotonic() + _ONCE_S
        mid = session.publish(topic, payload, qos=1)
        while mid not in session.published:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise ServiceError(f"the broker of {site.path} does not answer: start the site with `jikimi up`")
            session.receive(left_s)
    finally:
        session.close()
