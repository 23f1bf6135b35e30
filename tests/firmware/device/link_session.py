"""The link with a journal on flash and a client that is told what to do; prints the order of what was sent.

Arguments: none. Every connection follows one script; a message is "sent" when the client has taken it.
"""

# ruff: noqa: T201 - stdout is the result.

import asyncio
import json

from fake_time import SetClock

from jikimi.edge import link as link_module
from jikimi.edge.boot_count import next_boot
from jikimi.edge.duty import Always
from jikimi.edge.journal import Journal
from jikimi.edge.link import Link
from jikimi.edge.port import port
from jikimi.edge.recorder import Recorder
from jikimi.wire import kinds, messages
from jikimi.wire.section import Section

here = port()
link_module._BACKOFF_MS = 10
link_module._RESEND_MS = 150
CONFIG = Section({"site": "s", "device": "d", "broker": Section({"host": "h"})})


class Client:
    """Takes everything; `deaf` never acknowledges events; `stop` ends the connection with an OSError."""

    def __init__(self, sent, deaf=False):
        self.sent = sent
        self.deaf = deaf
        self.hear = None
        self.stop = asyncio.Event()

    async def connect(self):
        self.sent.append("connect")

    async def subscribe(self, topic, qos):
        self.sent.append("sub " + topic)

    async def publish(self, topic, payload, qos=0, retain=False):
        leaf = topic.split("/")[3]
        if leaf in ("al", "ev"):
            boot, _stream, _epoch, _quality, records = messages.decode_records(payload)
            self.sent.append([leaf, boot, [record[0] for record in records]])
            if leaf == "ev" and self.deaf:
                await asyncio.sleep(60)
        else:
            self.sent.append(leaf)

    async def run(self, on_message):
        self.hear = on_message
        await self.stop.wait()
        raise OSError(104, "gone")

    async def close(self):
        self.sent.append("close")


async def until(condition):
    for _ in range(400):
        if condition():
            return
        await here.sleep_ms(10)
    raise AssertionError("never came true")


async def main():
    files = here.files("flash")
    clock = SetClock()
    earlier = Journal(files, next_boot(files, files), None, 0)
    earlier.append(kinds.STREAM_EVENT, kinds.WARNING, 1, {})
    earlier.close()
    journal = Journal(files, next_boot(files, files), clock.boot_epoch_ms, clock.quality)
    recorder = Recorder(journal, clock, here)
    for _ in range(3):
        recorder.record(kinds.WARNING, {kinds.LEVEL: 1})
    recorder.record(kinds.SOS, {})
    sent = []
    clients = []

    def make_client(_docked):
        clients.append(Client(sent, deaf=not clients))
        return clients[-1]

    commands = []
    link = Link(here, clock, journal, CONFIG, Always(), make_client, lambda _docked: b"birth", commands.append)
    recorder.on_record = link.wake
    task = asyncio.create_task(link.run(lambda: None))
    await until(lambda: ["ev", 1, [1]] in sent)
    recorder.record(kinds.FALL, {kinds.CONFIDENCE_PERMILLE: 900})
    await until(lambda: ["al", 2, [2]] in sent)
    first = sent[:]
    del sent[:]
    clients[0].stop.set()
    await until(lambda: sent.count(["ev", 2, [1, 2, 3]]) >= 2)  # nobody acknowledges: sent again
    second = sent[:]
    hear = clients[-1].hear
    hear("jk/s/d/ack", b"\xff")
    hear("jk/s/d/ack", messages.encode_ack(1, 1, 1))
    hear("jk/s/d/ack", messages.encode_ack(2, 1, 2))
    hear("jk/s/d/ack", messages.encode_ack(2, 0, 99))
    hear("jk/s/d/cmd", messages.encode_command(messages.CMD_IDENTIFY))
    del sent[:]
    await until(lambda: ["ev", 2, [3]] in sent)
    print(
        json.dumps(
            {
                "first": first,
                "second": second,
                "depth": [journal.depth(0), journal.depth(1)],
                "refused": link.refused,
                "commands": len(commands),
                "after": [message for message in sent if message[0] == "ev"][:1],
                "alarms": [message for message in sent if message[0] == "al"],
            }
        )
    )
    task.cancel()


asyncio.run(main())
