"""Chunked transfer: a device asks for a piece of content by its digest, the site answers. SPEC.md, "Transfer".

The device pulls, so it decides when, how fast and from where it goes on after an interruption; the site keeps no state.
"""

from jikimi.wire import WireError, cbor, checks

MAX_CHUNK = 896  # bytes, so that an answer fits into one message
DIGEST_BYTES = 32

DATA = 0  # status of an answer
BUSY = 1  # ask again after `retry_ms`: not a failure
UNKNOWN = 2  # there is no such content here, or not so much of it
MAX_RETRY_MS = 3_600_000


def encode_request(ident: int, digest: "bytes | memoryview", offset: int, count: int = MAX_CHUNK) -> bytes:
    """Ask for up to `count` bytes from `offset` of the content with this SHA-256."""
    return cbor.dumps(_keyed(_check_request(ident, bytes(digest), offset, count)))


def decode_request(payload: "bytes | bytearray | memoryview") -> "tuple[int, bytes, int, int]":
    """Return (ident, digest, offset, count) of a request."""
    return unpack_request(cbor.loads(payload))


def unpack_request(value: object) -> "tuple[int, bytes, int, int]":
    """As `decode_request`, from the message's CBOR value."""
    found = checks.message(value)
    return _check_request(found.get(1), found.get(2), found.get(3), found.get(4))


def encode_chunk(ident: int, offset: int, total: int, data: "bytes | memoryview") -> bytes:
    """The answer with content: `data` begins at `offset` of `total` bytes."""
    return cbor.dumps(_keyed(_check_answer(ident, DATA, offset, total, data, None)))


def encode_busy(ident: int, retry_ms: int) -> bytes:
    """The answer "not now": ask again after `retry_ms`."""
    return cbor.dumps(_keyed(_check_answer(ident, BUSY, None, None, None, retry_ms)))


def encode_unknown(ident: int) -> bytes:
    """The answer "there is no such content here"."""
    return cbor.dumps(_keyed(_check_answer(ident, UNKNOWN, None, None, None, None)))


def decode_answer(
    payload: "bytes | bytearray | memoryview",
) -> "tuple[int, int, int | None, int | None, bytes | None, int | None]":
    """Return (ident, status, offset, total, data, retry_ms) of an answer; what its status has no use for is None."""
    return unpack_answer(cbor.loads(payload))


def unpack_answer(value: object) -> "tuple[int, int, int | None, int | None, bytes | None, int | None]":
    """As `decode_answer`, from the message's CBOR value."""
    found = checks.message(value)
    return _check_answer(found.get(1), found.get(2), found.get(3), found.get(4), found.get(5), found.get(6))


def _check_request(ident: object, digest: object, offset: object, count: object) -> "tuple[int, bytes, int, int]":
    if not isinstance(digest, bytes):
        raise WireError("field", "digest is not a byte string")
    if len(digest) != DIGEST_BYTES:
        raise WireError("value", "digest is not 32 bytes")
    return (
        checks.integer(ident, 0, checks.MAX_U32, "request id"),
        digest,
        checks.integer(offset, 0, checks.MAX_U32, "offset"),
        checks.integer(count, 1, MAX_CHUNK, "count"),
    )


def _check_answer(
    ident: object, status: object, offset: object, total: object, data: object, retry_ms: object
) -> "tuple[int, int, int | None, int | None, bytes | None, int | None]":
    ident = checks.integer(ident, 0, checks.MAX_U32, "request id")
    status = checks.integer(status, DATA, UNKNOWN, "status")
    if status == BUSY:
        return ident, status, None, None, None, checks.integer(retry_ms, 1, MAX_RETRY_MS, "retry time")
    if status == UNKNOWN:
        return ident, status, None, None, None, None
    offset = checks.integer(offset, 0, checks.MAX_U32, "offset")
    total = checks.integer(total, 0, checks.MAX_U32, "total")
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise WireError("field", "data is not a byte string")
    if len(data) > MAX_CHUNK or offset + len(data) > total:
        raise WireError("value", "more data than there can be")
    # A device reads answers as views of the message, since it has no room for the data twice.
    return ident, status, offset, total, data, None  # type: ignore[return-value]


def _keyed(values: "tuple[object, ...]") -> "dict[int, object]":
    message: dict[int, object] = {0: checks.VERSION}
    for place, value in enumerate(values):
        if value is not None:
            message[place + 1] = value
    return message
