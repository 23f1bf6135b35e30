"""Fetching and checking a configuration at a start, before the application is built: then there is memory for it."""

import asyncio

from jikimi.edge import mqtt
from jikimi.edge.adoption import Adoption
from jikimi.edge.fetch import Fetcher
from jikimi.edge.trust import Roots
from jikimi.wire import topics

_LONGEST_MS = 30_000  # in which nobody is watched over; the site offers it again at the next birth
_PURPOSE = "config"


def take(here, root, config, tls, client_id, wifi, trial, offer):
    """Fetch `offer` (digest, size) and put it in force, or note why not; says on the console what became of it."""
    try:
        document = asyncio.run(here.wait_for_ms(_fetched(here, config, tls, client_id, wifi, offer), _LONGEST_MS))
        reason = Adoption(trial, Roots(here.files(root + "/trust"), _PURPOSE).load).offer(document)
    except (OSError, asyncio.TimeoutError) as error:
        here.say("jk log configuration not taken: " + here.describe(error))
        return
    here.say("jk log configuration " + ("taken, on trial" if reason is None else "refused: " + reason))


async def _fetched(here, config, tls, client_id, wifi, offer):
    if wifi is not None:
        await wifi.bring_up()
    broker = config.broker

    def open_stream():
        return here.open_stream(broker.host, broker.port, tls, broker.server_name or broker.host)

    line = _Line(config, mqtt.Client(here, open_stream, client_id))
    try:
        await line.open()
        return await Fetcher(line, here, lambda: None).content(*offer)
    finally:
        await line.close()


class _Line:
    """As much of a Link as a Fetcher needs."""

    def __init__(self, config, client):
        self.on_piece = None
        self._config = config
        self._client = client
        self._reader = None

    async def open(self):
        await self._client.connect()
        self._reader = asyncio.create_task(self._client.run(self._heard))
        await self._client.subscribe(self._topic(topics.PUT), topics.QOS[topics.PUT])

    async def ask(self, payload):
        await self._client.publish(self._topic(topics.GET), payload)

    async def close(self):
        if self._reader is not None:
            self._reader.cancel()
            try:
                await self._reader
            except (asyncio.CancelledError, OSError):
                pass  # asked for, or the connection had ended by itself
        await self._client.close()

    def _heard(self, _topic, payload):
        if self.on_piece is not None:
            self.on_piece(payload)

    def _topic(self, leaf):
        return topics.topic(self._config.site, self._config.device, leaf)
