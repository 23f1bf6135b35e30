"""From a message's bytes to what the store takes, or to a dead letter with the reason."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from jikimi.fleet.store import DeadLetter, RecordMessage, Source, StatusReport, StreamKey
from jikimi.wire import WireError, host, topics

if TYPE_CHECKING:
    from jikimi.fleet.mqtt import Incoming

FOREIGN = "foreign-topic"  # of another site, or of no device

Sorted = RecordMessage | StatusReport | DeadLetter | None


def sort(site: str, message: Incoming) -> Sorted:
    """What `message` is for `site`; None: nothing to store (the host's own state, a device's retained absence)."""
    try:
        topic_site, device, leaf = _levels(message.topic)
        if device == topics.HOST and leaf == topics.STATE:
            return None
        if topic_site != site or device == topics.HOST or leaf not in topics.UP:
            return _refuse(message, FOREIGN)
        if leaf == topics.STATE and not message.payload:
            return None  # how MQTT deletes a retained message
    except WireError as error:
        return _refuse(message, error.reason)
    try:
        content = host.decode(leaf, message.payload)
    except WireError as error:
        return _park(device, leaf, message, error.reason)
    if isinstance(content, host.RecordBatch):
        return _records(device, message, content)
    assert isinstance(content, host.Birth | host.Vitals)  # what the leaves that go up carry
    return _status(device, message, content)


@functools.lru_cache(maxsize=1 << 15)
def _levels(topic: str) -> tuple[str, str, str]:
    """The levels of a topic: the few that there are come again and again. WireError."""
    return topics.split_topic(topic)


def _refuse(message: Incoming, reason: str) -> DeadLetter:
    return DeadLetter(_source(message), reason)


def _park(device: str, leaf: str, message: Incoming, reason: str) -> DeadLetter:
    """Refuse the message of a device; what still says which record comes first lets the device be acknowledged."""
    first = host.first_record(message.payload) if leaf in (topics.ALARM, topics.EVENT) else None
    if first is None:
        return _refuse(message, reason)
    return DeadLetter(_source(message), reason, StreamKey(device, first.boot, first.stream), first.seq)


def _source(message: Incoming) -> Source:
    return Source(message.topic, message.payload, message.recv_ms)


def _records(device: str, message: Incoming, batch: host.RecordBatch) -> RecordMessage:
    return RecordMessage(
        source=_source(message),
        key=StreamKey(device, batch.boot, batch.stream),
        boot_epoch_ms=batch.boot_epoch_ms,
        clock_quality=batch.clock_quality,
        records=batch.records,
    )


def _status(device: str, message: Incoming, content: host.Birth | host.Vitals) -> StatusReport:
    if isinstance(content, host.Vitals):
        return StatusReport(
            source=_source(message),
            device=device,
            boot=content.boot,
            online=True,
            heard=True,
            battery_pct=content.battery_pct,
            heap_free_bytes=content.heap_free,
            journal_depth=_depth(content),
        )
    # The broker speaks a last will, and repeats a retained birth: neither says that the device was heard just now.
    return StatusReport(
        source=_source(message),
        device=device,
        boot=content.boot,
        online=content.online,
        heard=content.status != "lost" and not message.retain,
        status=content.status,
        clock_quality=content.clock_quality,
        epoch_ms=content.epoch_ms,
        reset_reason=content.reset_reason,
        firmware=content.firmware,
        config=content.config,
        slot=content.slot,
        release=content.release,
        trial=bool(content.trial),
        failed_release=content.failed_release,
        failed_why=content.failed_why,
    )


def _depth(vitals: host.Vitals) -> int | None:
    depths = [depth for depth in (vitals.journal_alarm, vitals.journal_event) if depth is not None]
    return sum(depths) if depths else None
