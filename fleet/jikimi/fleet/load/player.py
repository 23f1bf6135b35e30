"""One device of the load that lives a day: its records, its vitals, its connections, and what it has heard of them.

It sends as the firmware does: a record at once, alarms before events, what waits in batches; what nobody acknowledges
again; all of that from the oldest on after each reconnection. Its birth comes first on every connection, and its last
will is with the broker.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jikimi.fleet.errors import ServiceError
from jikimi.fleet.load.connection import Connection
from jikimi.fleet.load.day import GONE, OFF, ON, VITALS_S
from jikimi.fleet.load.packets import publish_packet, unconfirmed_packet
from jikimi.fleet.load.tag import BOOT, GIVE_UP_S
from jikimi.wire import cbor, kinds, messages, topics

if TYPE_CHECKING:
    from jikimi.fleet.load.contents import Contents
    from jikimi.fleet.load.day import Act, Script
    from jikimi.fleet.load.enrolment import Identity

_RESEND_S: Final = 5.0
_CONNECT_S: Final = 30.0
_HANG_UP_S: Final = 1.0
_BATCH_BYTES: Final = 700  # of the data of a message's records, which has at most 1,024
_ROW_BYTES: Final = 8  # time, kind and heads of a record beside its data
# From the end of a connection to the next one, give or take a half: when duty begins or ends, else.
_MEANT_S, _CALM_S = 0.5, 4.0
_SHORTEST_PAUSE_S: Final = 0.2  # however fast the day goes by
_HEAP_BYTES: Final = 33_000
_LEAVES: Final = {kinds.STREAM_ALARM: topics.ALARM, kinds.STREAM_EVENT: topics.EVENT}


class Pace:
    """When a moment of the day comes, on the monotonic clock: `speed` seconds of the day in one, `from_s` to `to_s`."""

    def __init__(self, from_s: float, to_s: float, speed: float) -> None:
        self.speed = speed
        self._from_s, self._to_s = from_s, to_s
        self._started_s = 0.0

    def start(self) -> None:
        """Now is `from_s`."""
        self._started_s = time.monotonic()

    def due_s(self, t_s: float) -> float:
        """Of the moment `t_s` of the day; only after `start`."""
        return self._started_s + (t_s - self._from_s) / self.speed

    @property
    def end_s(self) -> float:
        """When the part of the day is over; only after `start`."""
        return self.due_s(self._to_s)


@dataclass(slots=True)
class _Open:
    """A record that the site has not acknowledged."""

    record: tuple[int, int, int, dict[int, object]]  # seq, kind, ms since boot, data
    size: int
    due_s: float
    sent_s: float | None = None


class _Stream:
    """The records of one stream: how many were made, acknowledged, and sent on this connection."""

    def __init__(self, number: int, topic: str) -> None:
        self.number = number
        self.topic = topic
        self.made = self.acked = self.sent = 0
        self.open: list[_Open] = []  # seq acked + 1 to made

    def batch(self, most: int) -> list[_Open]:
        """What goes into the next message; empty when all is sent."""
        start, size = self.sent - self.acked, 0
        chosen: list[_Open] = []
        for entry in self.open[start : start + most]:
            size += entry.size + _ROW_BYTES
            if chosen and size > _BATCH_BYTES:
                break
            chosen.append(entry)
        return chosen

    def acknowledge(self, upto: int) -> list[_Open]:
        """Forget the records up to `upto`, and return them."""
        n = max(0, min(upto, self.made) - self.acked)
        done, self.open = self.open[:n], self.open[n:]
        self.acked += n
        self.sent = max(self.sent, self.acked)
        return done


class Player:
    """Acts `script` out as the device `identity`; `batch` is the most records of a message."""

    def __init__(self, identity: Identity, script: Script, contents: Contents, batch: int) -> None:
        self.device = identity.device
        self.resent = 0  # messages
        self.losses = 0  # connections
        self.messages = 0
        self.latencies_s: list[float] = []  # from sending
        self.lags_s: list[float] = []  # from the moment a record was due
        self.lates_s: list[float] = []  # of this process, from that moment until the record was there
        self._identity = identity
        self._addresses = list(identity.addresses)
        self._script = script
        self._contents = contents
        self._batch = batch
        self._rng = random.Random(identity.device)
        self._streams = {number: _Stream(number, self._topic(leaf)) for number, leaf in _LEAVES.items()}  # alarms first
        self._ack_topic = self._topic(topics.ACK)
        self._boot_s, self._boot_ms = time.monotonic(), time.time_ns() // 1_000_000
        self._on = self._said_on = script.on
        self._meant = False
        self._connection: Connection | None = None
        self._heard_s = 0.0
        self._drained = asyncio.Event()
        self._mid = 0

    @property
    def made(self) -> dict[int, int]:
        """Records by stream."""
        return {stream.number: stream.made for stream in self._streams.values()}

    @property
    def acked(self) -> int:
        """Records that are on the site's disk."""
        return sum(stream.acked for stream in self._streams.values())

    async def connect(self) -> None:
        """Connect, say who this is, send what is owed. OSError, EOFError, TimeoutError, ServiceError."""
        state = self._topic(topics.STATE)
        will = messages.encode_state({"boot": BOOT, "status": "lost" if self._on else "docked"})
        async with asyncio.timeout(_CONNECT_S):
            self._connection = await Connection.connect(
                self._addresses[0], self._identity.tls, self.device, self._ack_topic, self._on_publish, (state, will)
            )
        self._said_on = self._on
        self._publish(state, self._state(), retain=True)
        for stream in self._streams.values():
            stream.sent = stream.acked
        self._flush()

    async def live(self, pace: Pace) -> None:
        """Act the script out to the end, then until everything is acknowledged or nothing is for a minute; hang up."""
        self.messages = 0  # the birth before it is not the day's
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(self._stay_connected(pace)), group.create_task(self._report(pace))]
            for act in self._script.acts:
                due_s = pace.due_s(act.t_s)
                await asyncio.sleep(due_s - time.monotonic())
                self._do(act, due_s)
            await asyncio.sleep(pace.end_s - time.monotonic())
            await self._until_drained()
            for helper in helpers:
                helper.cancel()
        if self._connection is not None:
            self._connection.disconnect()
            await asyncio.wait([self._connection.ended], timeout=_HANG_UP_S)
        self._close()

    # ---- what happens ----

    def _do(self, act: Act, due_s: float) -> None:
        if act.what == GONE:
            if self._connection is not None:
                self._connection.abort()
        elif act.what in (ON, OFF):
            self._on = act.what == ON
            self._settle_duty()
        else:
            self._record(act, due_s)

    def _record(self, act: Act, due_s: float) -> None:
        now_s = time.monotonic()
        self.lates_s.append(now_s - due_s)
        stream = self._streams[kinds.stream_of(act.what)]
        if not any(one.open for one in self._streams.values()):
            self._heard_s = now_s  # nothing was owed until now
        self._drained.clear()
        stream.made += 1
        t_ms = max(0, int(1000 * (due_s - self._boot_s)))
        data = self._contents.make(act.what, stream.made, t_ms, self._boot_ms + t_ms, act.size)
        stream.open.append(_Open((stream.made, act.what, t_ms, data), len(cbor.dumps(data)), due_s))
        self._flush()

    async def _report(self, pace: Pace) -> None:
        """Send vitals, for ever."""
        period_s = VITALS_S / pace.speed
        next_s = time.monotonic() + period_s * self._rng.random()
        while True:
            await asyncio.sleep(next_s - time.monotonic())
            next_s = max(next_s + period_s, time.monotonic())
            if self._on and self._said_on and self._is_connected():
                self._write(unconfirmed_packet(self._topic(topics.VITALS), self._vitals()))

    # ---- connections ----

    async def _stay_connected(self, pace: Pace) -> None:
        """Keep a connection, for ever."""
        while True:
            try:
                if self._connection is None:
                    await self.connect()
                await self._serve()
            except (OSError, EOFError, TimeoutError, ServiceError):
                # ServiceError: a node that lost the others refuses; another one, or the same one later, does not.
                self.losses += not self._meant
            self._close()
            meant, self._meant = self._meant, False
            if not meant:
                self._addresses = self._addresses[1:] + self._addresses[:1]
            pause_s = (_MEANT_S if meant else _CALM_S) / pace.speed
            await asyncio.sleep(max(_SHORTEST_PAUSE_S, pause_s) * (0.5 + self._rng.random()))

    async def _serve(self) -> None:
        """Send again what stays unacknowledged, until the connection ends, which raises why."""
        assert self._connection is not None
        while True:
            ended, _ = await asyncio.wait([self._connection.ended], timeout=_RESEND_S)
            if ended:
                self._connection.ended.result()
            if self._is_owed() and time.monotonic() - self._heard_s >= _RESEND_S:
                self._send_again()

    def _send_again(self) -> None:
        before = self.messages
        for stream in self._streams.values():
            stream.sent = stream.acked
        self._flush()
        self.resent += self.messages - before

    def _settle_duty(self) -> None:
        """Say on a new connection that duty has begun, or that it has ended, once nothing is owed from it."""
        if self._on != self._said_on and (self._on or not self._is_owed()) and self._is_connected():
            assert self._connection is not None
            self._meant = True
            self._connection.disconnect()

    async def _until_drained(self) -> None:
        while self._is_owed():
            left_s = self._heard_s + GIVE_UP_S - time.monotonic()
            try:
                await asyncio.wait_for(self._drained.wait(), left_s)
            except TimeoutError:
                if time.monotonic() - self._heard_s >= GIVE_UP_S:
                    return

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.abort()
            self._connection = None

    # ---- messages ----

    def _flush(self) -> None:
        """Send what was not sent on this connection, if there is one."""
        if not self._is_connected():
            return
        for stream in self._streams.values():
            while chosen := stream.batch(self._batch):
                records = [entry.record for entry in chosen]
                payload = messages.encode_records(BOOT, stream.number, records, self._boot_ms, kinds.CLOCK_SET)
                self._publish(stream.topic, payload)
                stream.sent += len(chosen)
                now_s = time.monotonic()
                for entry in chosen:
                    entry.sent_s = now_s if entry.sent_s is None else entry.sent_s

    def _publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._mid = self._mid % 0xFFFF + 1
        self._write(publish_packet(topic, self._mid, payload, retain=retain))

    def _write(self, packet: bytes) -> None:
        assert self._connection is not None
        self.messages += 1
        self._connection.write(packet)

    def _on_publish(self, body: bytes) -> None:
        boot, number, upto = messages.decode_ack(body[2 + len(self._ack_topic) :])
        if boot != BOOT:
            return
        now_s = self._heard_s = time.monotonic()
        for entry in self._streams[number].acknowledge(upto):
            assert entry.sent_s is not None
            self.latencies_s.append(now_s - entry.sent_s)
            self.lags_s.append(now_s - entry.due_s)
        if not self._is_owed():
            self._drained.set()
            self._settle_duty()

    def _is_connected(self) -> bool:
        return self._connection is not None and not self._connection.ended.done()

    def _is_owed(self) -> bool:
        return any(stream.open for stream in self._streams.values())

    def _topic(self, leaf: str) -> str:
        return topics.topic(self._identity.site, self._identity.device, leaf)

    def _state(self) -> bytes:
        return messages.encode_state(
            {
                "boot": BOOT,
                "status": "online" if self._on else "docked",
                "kind": self._identity.kind,
                "reset_reason": "power-on",
                "firmware": "0" * 16,
                "config": "0" * 16,
                "core": "load",
                "epoch_ms": time.time_ns() // 1_000_000,
                "clock_quality": kinds.CLOCK_SET,
                "capabilities": ["imu", "uwb"],
            }
        )

    def _vitals(self) -> bytes:
        depths = {number: len(stream.open) for number, stream in self._streams.items()}
        return messages.encode_vitals(
            {
                "boot": BOOT,
                "up_ms": int(1000 * (time.monotonic() - self._boot_s)),
                "battery_pct": 80,
                "heap_free": _HEAP_BYTES,
                "journal_alarm": depths[kinds.STREAM_ALARM],
                "journal_event": depths[kinds.STREAM_EVENT],
                "rssi_dbm": -60,
                "dropped_samples": 0,
                "dropped_adverts": 0,
                "dropped_records": 0,
            }
        )
