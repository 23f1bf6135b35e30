"""A device that says who it is hears of the configuration it does not run yet."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from jikimi.fleet.configuration import applied
from jikimi.fleet.configuration.offer import for_birth
from jikimi.wire import WireError, host, topics

if TYPE_CHECKING:
    from jikimi.fleet.mqtt import Incoming
    from jikimi.fleet.site import Site

_log = logging.getLogger(__name__)


class Offers:
    """Answers births from a database that stays open: after an outage all devices come at once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._reader = applied.Reader(site)

    def answer(self, message: Incoming) -> tuple[str, bytes] | None:
        """(topic, payload) for a device's birth; None when there is nothing to offer. Ingest judges bad messages."""
        try:
            _site, device, leaf = topics.split_topic(message.topic)
            if leaf != topics.STATE or device == topics.HOST:
                return None
            birth = host.decode(leaf, message.payload)
        except WireError:
            return None
        assert isinstance(birth, host.Birth)
        # A last will does not say what runs. A docked device is there, and has time.
        offer = for_birth(self._site, self._reader, device, birth) if birth.config is not None else None
        if offer is not None:
            _log.info("%s is offered its configuration", device)
        return offer

    def close(self) -> None:
        """Close the database."""
        self._reader.close()
