"""Messages as the host reads them: decoded by cbor2, checked, and given as frozen dataclasses. CPython only."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import cbor2

from jikimi.wire import WireError, cbor, checks, kinds, messages, records, topics, transfer


class Record(NamedTuple):
    """One record; `data` has the keys of `kinds`, `t_ms` counts from the device's boot."""

    seq: int
    kind: int
    t_ms: int
    data: dict[int, Any]

    @property
    def category(self) -> str:
        """The data category under which the data-use agreement rules on it."""
        return kinds.category(self.kind)

    @property
    def body(self) -> bytes:
        """`data` in its one encoding, as the store keeps it."""
        return cbor2.dumps(self.data, canonical=True)


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Records of one boot and stream; `boot_epoch_ms` is the device's estimate of UTC at its t_ms = 0, or None."""

    boot: int
    stream: int
    boot_epoch_ms: int | None
    clock_quality: int
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Birth:
    """State of a device or of the host: birth, last will and farewell; the last two carry only `boot` and `status`."""

    boot: int
    status: str
    kind: str | None
    reset_reason: str | None
    firmware: str | None
    config: str | None
    core: str | None
    epoch_ms: int | None
    clock_quality: int | None
    capabilities: tuple[str, ...]
    crash: str | None = None
    safe: int | None = None
    refused: str | None = None
    offered_key: str | None = None
    slot: str | None = None
    release: int | None = None
    trial: int | None = None
    failed_release: int | None = None
    failed_why: str | None = None

    @property
    def online(self) -> bool:
        """Whether the sender can be reached."""
        return self.status == "online"


@dataclass(frozen=True, slots=True)
class Vitals:
    """Health of a device; None where it cannot measure. The dropped counters count from boot."""

    boot: int
    up_ms: int
    battery_pct: int | None
    heap_free: int | None
    journal_alarm: int | None
    journal_event: int | None
    rssi_dbm: int | None
    dropped_samples: int | None
    dropped_adverts: int | None
    dropped_records: int | None


@dataclass(frozen=True, slots=True)
class Ack:
    """Each record of (boot, stream) up to `upto_seq` is stored."""

    boot: int
    stream: int
    upto_seq: int


@dataclass(frozen=True, slots=True)
class Command:
    """What the host wants of a device, not to be obeyed after `expires_ms` (UTC)."""

    op: int
    args: dict[int, Any]
    ident: int
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class ChunkRequest:
    """A device asks for up to `count` bytes from `offset` of the content with this SHA-256."""

    ident: int
    digest: bytes
    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class ChunkAnswer:
    """What the site answered; fields its status has no use for are None."""

    ident: int
    status: int
    offset: int | None
    total: int | None
    data: bytes | None
    retry_ms: int | None


class FirstRecord(NamedTuple):
    """Of which sequence the records of a message are, and the number of the first one."""

    boot: int
    stream: int
    seq: int


Message = RecordBatch | Birth | Vitals | Ack | Command | ChunkRequest | ChunkAnswer


def decode(leaf: str, payload: bytes) -> Message:
    """Return the message that came on a topic with this leaf; raises WireError, never anything else."""
    if leaf in (topics.ALARM, topics.EVENT):
        return _plain_batch(leaf, payload) or _batch(leaf, loads(payload))
    value = loads(payload)
    if leaf == topics.STATE:
        state = cast("dict[str, Any]", messages.unpack_state(value))
        return Birth(**{**state, "capabilities": tuple(state["capabilities"] or ())})
    if leaf == topics.VITALS:
        return Vitals(**cast("dict[str, Any]", messages.unpack_vitals(value)))
    if leaf == topics.ACK:
        return Ack(*messages.unpack_ack(value))
    if leaf == topics.COMMAND:
        return Command(*messages.unpack_command(value))
    if leaf == topics.GET:
        return ChunkRequest(*transfer.unpack_request(value))
    if leaf == topics.PUT:
        return ChunkAnswer(*transfer.unpack_answer(value))
    raise WireError("topic", f"unknown leaf {leaf!r}")


def first_record(payload: bytes) -> FirstRecord | None:
    """What the front of a refused batch says its first record is; None when even that cannot be read.

    Whatever comes behind the first seq may be broken. Never raises.
    """
    if not payload or payload[0] >> 5 != cbor.MAP:
        return None
    decoder = cbor2.CBORDecoder(io.BytesIO(payload[1 : cbor.MAX_SIZE]))
    try:
        pairs = [(decoder.decode(), decoder.decode()) for _ in range(_FRONT)]
        if [key for key, _ in pairs] != list(range(_FRONT)):
            return None
        version, boot, stream, _, _, seq = (value for _, value in pairs)
        checks.integer(version, checks.VERSION, checks.VERSION, "version")
        return FirstRecord(
            checks.integer(boot, 1, checks.MAX_U32, "boot"),
            checks.integer(stream, 0, 1, "stream"),
            checks.integer(seq, 1, checks.MAX_U32, "first seq"),
        )
    except (cbor2.CBORError, WireError, ValueError, TypeError, OverflowError, RecursionError):
        return None


def event_time_ms(record: Record, batch: RecordBatch) -> int | None:
    """Return the UTC time of a record in ms by the device's own clock; None when it had none."""
    return None if batch.boot_epoch_ms is None else batch.boot_epoch_ms + record.t_ms


def _batch(leaf: str, value: object) -> RecordBatch:
    boot, stream, boot_epoch_ms, clock_quality, rows = messages.unpack_records(value)
    if (stream == kinds.STREAM_ALARM) != (leaf == topics.ALARM):
        raise WireError("value", f"stream {stream} does not travel on {leaf!r}")
    return RecordBatch(boot, stream, boot_epoch_ms, clock_quality, tuple(Record(*row) for row in rows))


def _plain_batch(leaf: str, payload: bytes) -> RecordBatch | None:
    """What `_batch` makes of the payload, in half the time, if it is as plain as devices write it.

    None: it is not; the careful way decides, and names the fault.
    """
    if len(payload) > cbor.MAX_SIZE:
        return None
    try:
        value = cbor2.loads(payload)
        plain = _plain_envelope(leaf, value) and cbor2.dumps(value) == payload
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError):
        return None
    if not plain:
        return None
    _, boot, stream, boot_epoch_ms, quality, first_seq, rows = value.values()
    found = _plain_records(rows, first_seq)
    return None if found is None else RecordBatch(boot, stream, boot_epoch_ms, quality, found)


def _plain_envelope(leaf: str, value: object) -> bool:
    if type(value) is not dict or [*map(type, value)] != [int] * _KEYS or [*value] != [*range(_KEYS)]:
        return False
    version, boot, stream, boot_epoch_ms, quality, seq, rows = value.values()
    return (
        {type(version), type(boot), type(stream), type(quality), type(seq)} == {int}
        and version == checks.VERSION
        and 1 <= boot <= checks.MAX_U32
        and stream == (kinds.STREAM_ALARM if leaf == topics.ALARM else kinds.STREAM_EVENT)
        and (boot_epoch_ms is None or (type(boot_epoch_ms) is int and 0 <= boot_epoch_ms <= checks.MAX_INT))
        and 0 <= quality <= kinds.CLOCK_SET
        and seq >= 1
        and type(rows) is list
        and 0 < len(rows) <= records.MAX_RECORDS
    )


def _plain_records(rows: list[Any], seq: int) -> tuple[Record, ...] | None:
    found: list[Record] = []
    kind, t_ms, data = 0, 0, None
    for row in rows:
        if type(row) is not list:
            return None
        if len(row) == 2 and data is not None:
            step_ms, changed = row
            if changed or type(changed) is not dict:
                if not _plain_data(changed) or not changed.keys() <= data.keys():
                    return None
                data = {**data, **changed}
        elif len(row) == 3:
            step_ms, kind, data = row
            if type(kind) is not int or not 0 <= kind <= records.MAX_KIND or not _plain_data(data):
                return None
        else:
            return None
        if type(step_ms) is not int or not 0 <= t_ms + step_ms <= checks.MAX_INT:
            return None
        t_ms += step_ms
        # What Record(…) does, in half the time.
        found.append(tuple.__new__(Record, (seq, kind, t_ms, data)))
        seq += 1
    return tuple(found) if seq - 1 <= checks.MAX_U32 else None


def _plain_data(data: object) -> bool:
    if type(data) is not dict or len(data) > cbor.MAX_ITEMS:
        return False
    last = -1
    for key, item in data.items():
        if type(key) is not int or not last < key <= 0xFFFF:
            return False
        if type(item) is int:
            if not _LOW <= item <= _HIGH:
                return False
        elif not (item is None or (type(item) is bytes and len(item) <= checks.MAX_BYTES)):
            return False
        last = key
    return True


def loads(payload: bytes) -> object:
    """Return the CBOR value of one message, decoded by cbor2 and held to the same rules as `cbor.loads`."""
    if len(payload) > cbor.MAX_SIZE:
        raise WireError("size", f"{len(payload)} bytes, limit {cbor.MAX_SIZE}")
    try:
        value = cbor2.loads(payload)
        # With its maps in order, what is deterministic encodes to itself; longer forms and duplicates do not.
        if _allowed(value, cbor.MAX_DEPTH) and cbor2.dumps(value) == payload:
            return value
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError):
        pass  # our own decoder names the reason
    return cbor.loads(payload)


_LOW, _HIGH = -checks.MAX_INT, checks.MAX_INT
_FRONT = 6  # keys of a batch in front of its records: version, boot, stream, UTC, clock quality, first seq
_KEYS = 7  # of a batch
_INT_END = 1 << 64


def _allowed(value: object, depth: int) -> bool:
    """Whether `value` keeps the limits, holds only the types of the wire, and all its maps are in order."""
    kind = type(value)
    if kind is int:
        return -_INT_END <= cast("int", value) < _INT_END
    if kind is dict:
        found = cast("dict[int, object]", value)
        return depth > 0 and len(found) <= cbor.MAX_ITEMS and _in_order(found, depth)
    if kind is list:
        items = cast("list[object]", value)
        return depth > 0 and len(items) <= cbor.MAX_ITEMS and _all_allowed(items, depth)
    return value is None or kind in (bytes, str, bool)


def _in_order(found: dict[int, object], depth: int) -> bool:
    last = -1
    for key, item in found.items():
        if type(key) is not int or key <= last or not _allowed(item, depth - 1):
            return False
        last = key
    return True


def _all_allowed(items: list[object], depth: int) -> bool:
    for item in items:  # noqa: SIM110, all() over a generator takes twice as long and this is ingest's inner loop
        if not _allowed(item, depth - 1):
            return False
    return True
