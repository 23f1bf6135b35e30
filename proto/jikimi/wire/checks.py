"""Checks that turn an untyped value into a typed one or raise WireError: shared by every message."""

from jikimi.wire import WireError, cbor

VERSION = 1
MAX_INT = (1 << 53) - 1  # what every JSON reader and every database behind us holds exactly
MAX_U32 = (1 << 32) - 1
MAX_BYTES = 64  # of one text or byte string


def integer(value: object, low: int, high: int, what: str) -> int:
    """Return `value` if it is an integer from `low` to `high`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise WireError("field", what + " is not an integer")
    if not low <= value <= high:
        raise WireError("value", f"{what} is {value}, not {low} to {high}")
    return value


def optional(value: object, low: int, high: int, what: str) -> "int | None":
    """Return `value` if it is None or an integer from `low` to `high`."""
    return None if value is None else integer(value, low, high, what)


def text(value: object, what: str) -> str:
    """Return `value` if it is a text of at most 64 bytes."""
    if not isinstance(value, str):
        raise WireError("field", what + " is not a text")
    if len(cbor.text_bytes(value)) > MAX_BYTES:
        raise WireError("value", what + " is longer than 64 bytes")
    return value


def scalars(value: object, what: str) -> "dict[int, object]":
    """Return `value` if it is a map from unsigned integers to integers, short texts, short byte strings or None."""
    if not isinstance(value, dict):
        raise WireError("field", what + " is not a map")
    for key in value:  # items() would make a tuple each: garbage on the device
        item = value[key]
        if type(key) is not int or not 0 <= key <= 0xFFFF:
            raise WireError("value", what + " has a key that is not 0 to 65535")
        if type(item) is int:
            if not -MAX_INT <= item <= MAX_INT:
                raise WireError("value", f"{what} has {item}, beyond 53 bits")
        elif type(item) is bytes:
            if len(item) > MAX_BYTES:
                raise WireError("value", what + " has more than 64 bytes")
        elif item is not None:
            text(item, what)
    return value


def message(value: object) -> "dict[int, object]":
    """Return `value` if it is a message of a version this code reads: a map whose key 0 is the version."""
    if not isinstance(value, dict):
        raise WireError("field", "a message is a map")
    if integer(value.get(0), 0, MAX_U32, "version") != VERSION:
        raise WireError("version", f"version {value[0]}, this is {VERSION}")
    return value
