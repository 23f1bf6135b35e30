"""One session of the MQTT client with the (scripted) broker at the port on the command line; prints how it went.

The session: connect, subscribe, publish with QoS 1, then read until the end.
"""

# ruff: noqa: T201 - stdout is the result.

import asyncio
import json
import sys

from jikimi.edge.mqtt import Client, Will
from jikimi.edge.port import port

here = port()
outcome = {"connected": False, "subscribed": False, "published": 0, "heard": [], "end": None}


async def session():
    client = Client(
        here,
        lambda: here.open_stream("127.0.0.1", int(sys.argv[1]), None, "127.0.0.1"),
        "d1",
        keepalive_s=1,
        will=Will("jk/s/d1/st", b"bye"),
        timeout_ms=400,
    )
    client._pid = 65534  # so that the identifiers of this session cross their limit
    try:
        await client.connect()
        outcome["connected"] = True
        reader = asyncio.create_task(reading(client))
        await client.subscribe("jk/s/d1/ack")
        outcome["subscribed"] = True
        for _ in range(2):
            await client.publish("jk/s/d1/al", b"fall", 1)
            outcome["published"] += 1
        await client.publish("jk/s/d1/vt", b"", 0)
        await reader
    except OSError as error:
        outcome["end"] = outcome["end"] or str(error)
    await client.close()


async def reading(client):
    try:
        await client.run(lambda topic, payload: outcome["heard"].append([topic, payload.decode()]))
    except OSError as error:
        outcome["end"] = outcome["end"] or str(error)


asyncio.run(session())
print(json.dumps(outcome))
