"""The link to the site: connect, say who we are, send what is owed, hear what was received. Never raises.

Alarms and events have a sender each, on one connection, so that an alarm never waits for an event's acknowledgement;
after a reconnection the events wait until the alarms are through.
"""

import asyncio
import errno
import os

from jikimi.edge import memory
from jikimi.wire import WireError, kinds, messages, topics

_BACKOFF_MS = 500
# How often duty is looked at: a call for help from the charger waits for it.
_DUTY_MS = 250
_LONGEST_BACKOFF_MS = 30_000
# Who owes no alarm waits for this at least, with its jitter: of all that lose a broker together a third a second.
_CALM_MS = 4_000
_PAUSE_STEP_MS = 250
# A hall of devices that get their power back together connects over this time.
_POWER_UP_MS = 3_000
# A connection that held for so long was a good one: the next failure starts the back-off anew.
_GOOD_MS = 20_000
# Without memory for a connection this often in a row the device starts anew: something holds what it should not.
_STARVED = 3
# Records nobody acknowledged are sent again after this, then after twice as long, up to the limit: the site may be
# down for hours while the broker keeps every repetition for it.
_RESEND_MS = 5_000
_LONGEST_RESEND_MS = 120_000
_BATCH_RECORDS = 20
# As the journal stores them; on the wire they are shorter, and a message has at most 1,024.
_BATCH_BYTES = 700

_LEAF = {kinds.STREAM_ALARM: topics.ALARM, kinds.STREAM_EVENT: topics.EVENT}


class _Sender:
    """Where one stream has got to within this connection."""

    def __init__(self, ticks):
        self.position = (0, 0)
        self.wake = asyncio.Event()
        self.resend_ms = _RESEND_MS
        self.since = ticks
        self.idle = False

    def again(self, ticks):
        """Start over from the oldest record that is not acknowledged."""
        self.position = (0, 0)
        self.since = ticks
        self.wake.set()


class Link:
    """`make_client(docked)` gives an unconnected mqtt.Client; `state(docked)` the state message to say on connection.

    `on_command(name_and_arguments)` gets decoded commands, `on_network()` is a coroutine function that brings up what
    is below (Wi-Fi) and may raise OSError. `up` is True while connected.

    Off `duty` what is owed from the shift is sent first. When the site has all of it, the device says that it is
    docked, as the first word of a connection of its own, on which it sends nothing more and still hears commands.
    """

    def __init__(self, port, clock, journal, config, duty, make_client, state, on_command, on_network=None):
        self.up = False
        self.docked = False  # as what this connection was made
        self.powered_up = False  # to be set before `run`: the power has come back, perhaps that of a whole hall
        self.refused = 0
        self.on_piece = None  # gets the answers to `ask`; may raise WireError
        self._port = port
        self._clock = clock
        self._journal = journal
        self._config = config
        self._make_client = make_client
        self._duty = duty
        self._state = state
        self._on_command = on_command
        self._on_network = on_network
        self._client = None
        self._host_boot = None
        self._meant = False  # to end the connection, for duty has begun or ended
        self._hurry = False  # an alarm was raised since there is no connection
        self._senders = self._new_senders()
        self.on_state = None  # told when the broker has our state
        self.on_failed = None  # told when a connection ended before that

    async def run(self, beat):
        """For ever: a connection, and a growing pause before the next one, which an alarm cuts short.

        For want of memory a connection ends as for any other reason, which frees what it held: the warning on the spot
        does not need it. MemoryError when that does not help.
        """
        backoff_ms = _BACKOFF_MS
        starved = 0
        left_ms = _POWER_UP_MS * os.urandom(1)[0] // 256 if self.powered_up else 0
        while left_ms > 0 and not self._journal.depth(kinds.STREAM_ALARM):
            await self._port.sleep_ms(min(_PAUSE_STEP_MS, left_ms))
            left_ms -= _PAUSE_STEP_MS
        while True:
            beat()
            started = self._port.ticks_ms()
            reason = await self._connection(beat)
            self._port.say("jk link down " + self._port.describe(reason).replace("\n", " "))
            if self._meant or self._port.ticks_diff(self._port.ticks_ms(), started) > _GOOD_MS:
                backoff_ms = _BACKOFF_MS
                starved = 0
            starved = starved + 1 if isinstance(reason, MemoryError) else 0
            if starved == _STARVED:
                raise reason
            await self._pause(backoff_ms, beat)
            backoff_ms = min(2 * backoff_ms, _LONGEST_BACKOFF_MS)

    def wake(self, stream):
        """A record of this stream is in the journal."""
        self._senders[stream].wake.set()
        self._hurry = self._hurry or (stream == kinds.STREAM_ALARM and not self.up)

    def resend(self):
        """Send everything that is not acknowledged again."""
        for sender in self._senders.values():
            sender.again(self._port.ticks_ms())

    async def rebirth(self):
        """Say who we are again, if connected."""
        await self._offer(topics.STATE, self._state(self.docked), 1, True)

    async def ask(self, payload):
        """Ask for a piece of content if connected; the answer, if any, comes to `on_piece`."""
        await self._offer(topics.GET, payload, 0, False)

    async def vitals(self, payload):
        """Send vitals if connected; lost otherwise, the next ones say more."""
        await self._offer(topics.VITALS, payload, 0, False)

    # ---- one connection ----

    async def _connection(self, beat):
        """From connecting to the end; why it ended."""
        self._senders = self._new_senders()
        self._meant = False
        self.docked = self._may_dock()
        self._client = self._make_client(self.docked)
        ended = _Ended()
        tasks = []
        try:
            if self._on_network is not None:
                await self._on_network()
            await self._client.connect()
            works = (self._client.run(self._on_message), self._alarms(), self._events(), self._alive(beat))
            tasks.extend(asyncio.create_task(ended.after(work)) for work in works)  # each known as soon as it runs
            await ended.event.wait()
        except (OSError, MemoryError) as error:
            ended.reason = error
        finally:
            if isinstance(ended.reason, MemoryError):
                memory.release()  # even to end it takes some
            was_up, self.up = self.up, False
            await _cancelled(tasks)
            await self._client.close()
        if not was_up and self.on_failed is not None:
            self.on_failed()
        return ended.reason

    async def _alive(self, beat):
        while self._may_dock() == self.docked:
            beat()
            await self._port.sleep_ms(_DUTY_MS)
        self._meant = True
        raise OSError(errno.ECONNABORTED, "duty begins" if self.docked else "docked")

    def _may_dock(self):
        return not (self._duty.on or any([self._journal.depth(stream) for stream in _LEAF]))

    async def _alarms(self):
        for leaf in topics.DOWN:
            await self._client.subscribe(self._topic(leaf), topics.QOS[leaf])
        await self._client.subscribe(topics.topic(self._config.site, topics.HOST, topics.STATE), 1)
        await self._client.publish(self._topic(topics.STATE), self._state(self.docked), 1, True)
        if self.on_state is not None and not self.docked:
            self.on_state()
        self.up = True
        self._hurry = False
        self._port.say("jk link up " + self._config.broker.host)
        if self.docked:
            await asyncio.Event().wait()  # whatever is written from here on goes out on a connection of its own
        await self._send(kinds.STREAM_ALARM)

    async def _events(self):
        alarms = self._senders[kinds.STREAM_ALARM]
        while not (self.up and alarms.idle):
            await self._port.sleep_ms(20)
        await self._send(kinds.STREAM_EVENT)

    async def _send(self, stream):
        """Everything after the sender's position, then what comes; from the start when no acknowledgement comes."""
        sender = self._senders[stream]
        topic = self._topic(_LEAF[stream])
        while True:
            batch = self._journal.batch(stream, sender.position, _BATCH_RECORDS, _BATCH_BYTES)
            if batch is None:
                sender.idle = True
                await self._wait(sender, stream)
                continue
            sender.idle = False
            sender.position = (batch.boot, batch.records[-1][0])
            payload = self._encoded(batch)
            if payload is not None:
                await self._client.publish(topic, payload, 1)

    def _encoded(self, batch):
        try:
            return messages.encode_records(batch.boot, batch.stream, batch.records, batch.boot_epoch_ms, batch.quality)
        except WireError as error:
            # Written by another version of this application; to restart over it would be to restart for ever.
            self.refused += 1
            self._port.say(f"jk log records from {batch.boot}/{batch.records[0][0]} on cannot be sent: {error}")
            return None

    async def _wait(self, sender, stream):
        """Until there is a new record, or the time to send the old ones again."""
        left_ms = sender.resend_ms - self._port.ticks_diff(self._port.ticks_ms(), sender.since)
        try:
            await self._port.wait_for_ms(sender.wake.wait(), max(left_ms, 1))
            sender.wake.clear()
        except asyncio.TimeoutError:
            if self._journal.depth(stream):
                sender.resend_ms = min(2 * sender.resend_ms, _LONGEST_RESEND_MS)
            sender.again(self._port.ticks_ms())

    # ---- what comes down ----

    def _on_message(self, topic, payload):
        try:
            _site, device, leaf = topics.split_topic(topic)
            if device == topics.HOST:
                self._on_host(messages.decode_state(payload))
            elif leaf == topics.ACK:
                self._on_ack(*messages.decode_ack(payload))
            elif leaf == topics.PUT:
                if self.on_piece is not None:
                    self.on_piece(payload)
            else:
                self._on_command(messages.decode_command(payload))
        except WireError as error:
            self.refused += 1
            self._port.say(f"jk log message on {topic} refused: {error}")
        except OSError as error:
            # The flash, while freeing acknowledged records: they will be acknowledged again. Not a fault of the link.
            self._port.say("jk log journal: " + self._port.describe(error))

    def _on_ack(self, boot, stream, upto):
        freed = self._journal.acknowledge(boot, stream, upto)
        self._port.say(f"jk ack {boot} {stream} {upto} {self._clock.epoch_ms() or 0}")
        sender = self._senders.get(stream)
        if freed and sender:
            sender.resend_ms = _RESEND_MS
            sender.since = self._port.ticks_ms()

    def _on_host(self, state):
        """A site that has started anew may have lost what it was about to acknowledge."""
        if state["status"] == "online" and state["boot"] != self._host_boot:
            if self._host_boot is not None:
                self.resend()
            self._host_boot = state["boot"]

    # ---- helpers ----

    def _new_senders(self):
        now = self._port.ticks_ms()
        return {stream: _Sender(now) for stream in _LEAF}

    def _topic(self, leaf):
        return topics.topic(self._config.site, self._config.device, leaf)

    async def _offer(self, leaf, payload, qos, retain):
        if not self.up:
            return
        try:
            await self._client.publish(self._topic(leaf), payload, qos, retain)
        except OSError:
            pass  # the connection's own tasks notice, end it and say why

    async def _pause(self, backoff_ms, beat):
        urgent = self._meant or self._journal.depth(kinds.STREAM_ALARM)
        now = self._clock.up_ms()
        end = now + _jittered(backoff_ms if urgent else max(backoff_ms, _CALM_MS))
        while now < end:
            beat()
            if self._hurry:
                self._hurry = False
                end = min(end, now + _jittered(_BACKOFF_MS))
            await self._port.sleep_ms(max(1, min(_PAUSE_STEP_MS, end - now)))
            now = self._clock.up_ms()


class _Ended:
    """The first of several tasks to end, and why."""

    def __init__(self):
        self.event = asyncio.Event()
        self.reason = None

    async def after(self, work):
        try:
            await work
        except (OSError, MemoryError) as error:
            self.reason = self.reason or error
        finally:
            self.event.set()


async def _cancelled(tasks):
    for task in tasks:
        task.cancel()
    for task in tasks:
        try:
            await task
        except asyncio.CancelledError:
            pass  # that is what we asked for


def _jittered(ms):
    """Half to one and a half of `ms`: a hall of devices must not come back in step."""
    return ms // 2 + ms * os.urandom(1)[0] // 256
