"""The streams and consumers in the broker, and who reads which partition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nats.js import api
from nats.js.errors import BadRequestError

from jikimi.fleet.broker.config import ACK_WAIT_S
from jikimi.wire import topics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.js import JetStreamContext

# Alarms are a stream of their own, so that they never wait behind telemetry.
ALARMS, EVENTS = "JK_ALARMS", "JK_EVENTS"
LEAVES: Final = {ALARMS: (topics.ALARM, topics.STATE), EVENTS: (topics.EVENT, topics.VITALS)}
WORKERS: Final = "JK_WORKERS"
WORKER_FADES_S: Final = 3.0
# Messages of one partition that one worker may hold without having acknowledged them.
MAX_ACK_PENDING: Final = 4_000


async def ensure(jetstream: JetStreamContext, site: str, partitions: int, replicas: int) -> None:
    """Make what is not there yet; the same for all workers, so that any of them may come first."""
    for stream, leaves in LEAVES.items():
        await _ensure_stream(jetstream, _stream(stream, site, leaves, partitions, replicas))
        for partition in range(partitions):
            await jetstream.add_consumer(stream, _consumer(site, partition))
    bucket = api.KeyValueConfig(WORKERS, ttl=WORKER_FADES_S, replicas=replicas, storage=api.StorageType.MEMORY)
    await jetstream.create_key_value(bucket)


def consumer_name(partition: int) -> str:
    """Of the consumer that delivers `partition`, in either stream."""
    return f"p{partition}"


def share(worker: str, workers: Sequence[str], partitions: int) -> set[int]:
    """The partitions that `worker` reads while `workers` (in any order) are there."""
    present = sorted({*workers, worker})
    return {number for number in range(partitions) if present[number % len(present)] == worker}


async def _ensure_stream(jetstream: JetStreamContext, config: api.StreamConfig) -> None:
    try:
        await jetstream.add_stream(config)
    except BadRequestError:  # there already, with other settings
        await jetstream.update_stream(config)


def _stream(name: str, site: str, leaves: Sequence[str], partitions: int, replicas: int) -> api.StreamConfig:
    place = f"{{{{partition({partitions},1)}}}}"
    return api.StreamConfig(
        name=name,
        subjects=[f"jk.{site}.*.{leaf}" for leaf in leaves],
        subject_transform=api.SubjectTransform(
            src=f"jk.{site}.*.*", dest=f"jk.{site}.{place}.{{{{wildcard(1)}}}}.{{{{wildcard(2)}}}}"
        ),
        retention=api.RetentionPolicy.WORK_QUEUE,
        storage=api.StorageType.FILE,
        num_replicas=replicas,
    )


def _consumer(site: str, partition: int) -> api.ConsumerConfig:
    return api.ConsumerConfig(
        durable_name=consumer_name(partition),
        filter_subject=f"jk.{site}.{partition}.>",
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_S,
        max_ack_pending=MAX_ACK_PENDING,
    )
