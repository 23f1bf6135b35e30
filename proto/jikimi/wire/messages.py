"""The messages: state (birth, last will), vitals, acknowledgements, commands; records come from `records`.

Each message is one CBOR map with unsigned keys; key 0 is the version. Decoders check types and ranges, ignore keys
they do not know, and raise WireError for everything else. The numbers are those of `proto/wire.cddl`.
"""

from jikimi.wire import WireError, cbor, checks
from jikimi.wire.records import decode_records, encode_records, unpack_records

__all__ = (
    "decode_ack",
    "decode_command",
    "decode_records",
    "decode_state",
    "decode_vitals",
    "encode_ack",
    "encode_command",
    "encode_records",
    "encode_state",
    "encode_vitals",
    "unpack_records",
)

STATUSES = ("lost", "online", "docked")  # the position is the number on the wire, here and below
DEVICE_KINDS = ("tag", "node", "host")
MAX_CAPABILITIES = 16

# Commands, and the keys of their arguments.
CMD_TIME = 1  # set the clock to ARG_EPOCH_MS
CMD_RESEND = 2  # send the records of ARG_BOOT and ARG_STREAM again, from ARG_SEQ on
CMD_IDENTIFY = 3  # blink and beep for ARG_SECONDS
CMD_RESTART = 4
CMD_ALARM_SEEN = 5  # a person has taken on the alarm ARG_SEQ of ARG_BOOT: tell the wearer
CMD_DUTY = 6  # begin (ARG_ON 1) or end (0) duty: off duty a tag neither senses, records nor advertises
CMD_RELEASE = 7  # a release is there: its envelope has ARG_DIGEST and ARG_SIZE
CMD_CONFIG = 8  # a configuration is there, likewise
CMD_STOP_RELEASE = 9  # forget a release that is being fetched or waits for its hour
ARG_EPOCH_MS = 1
ARG_BOOT = 2
ARG_STREAM = 3
ARG_SEQ = 4
ARG_SECONDS = 5
ARG_ON = 6
ARG_DIGEST = 7
ARG_SIZE = 8

# Name and check of each field; its wire key is its place + 1, since key 0 is the version. A check is a pair of
# integers (least, greatest), a list of names (the number on the wire is the place), _TEXT or _TEXTS.
_TEXT = "text"
_TEXTS = "texts"
_U32 = (0, checks.MAX_U32)
_BOOT = (1, checks.MAX_U32)
_INT = (0, checks.MAX_INT)
_STATE = (
    ("boot", _BOOT),
    ("status", list(STATUSES)),
    ("kind", list(DEVICE_KINDS)),
    ("reset_reason", _TEXT),
    ("firmware", _TEXT),
    ("config", _TEXT),
    ("core", _TEXT),
    ("epoch_ms", _INT),
    ("clock_quality", (0, 2)),
    ("capabilities", _TEXTS),
    ("crash", _TEXT),  # digest of the last traceback, until the site has heard of it
    ("safe", (0, 1)),  # 1: after failed starts only button, reports and commands work
    ("refused", _TEXT),  # "SEQUENCE REASON" of the last configuration this device did not take
    ("offered_key", _TEXT),  # public half of its next key, compressed (SEC 1), base64
    ("slot", _TEXT),  # where the running application is: a, b
    ("release", _U32),  # its sequence number; absent: it was put there by cable
    ("trial", (0, 1)),  # 1: not confirmed yet
    ("failed_release", _U32),  # the release last refused or rolled back, until another one is confirmed
    ("failed_why", _TEXT),  # reason code of it
)
_DEVICE_NEEDS = ("boot", "kind", "reset_reason", "firmware", "config", "core", "clock_quality", "capabilities")
_VITALS = (
    ("boot", _BOOT),
    ("up_ms", _INT),
    ("battery_pct", (0, 100)),
    ("heap_free", _U32),
    ("journal_alarm", _U32),  # records waiting for their acknowledgement
    ("journal_event", _U32),
    ("rssi_dbm", (-128, 0)),
    ("dropped_samples", _U32),  # since boot, here and below
    ("dropped_adverts", _U32),
    ("dropped_records", _U32),
)
_VITALS_NEEDS = ("boot", "up_ms")


def encode_state(fields: "dict[str, object]") -> bytes:
    """Return a birth (`status` "online"), a last will ("lost") or a farewell ("docked") with the fields of _STATE.

    `boot` and `status` are always needed, `kind` in a birth, and all but `epoch_ms`, the sender's clock, in the birth
    of a tag or node. A field that is None is left out.
    """
    out = _encode(fields, _STATE)
    _need(fields, _state_needs(fields))
    return out


def decode_state(payload: "bytes | bytearray | memoryview") -> "dict[str, object]":
    """Return the fields of a state message by name; those not given are None."""
    return unpack_state(cbor.loads(payload))


def unpack_state(value: object) -> "dict[str, object]":
    """As `decode_state`, from the message's CBOR value."""
    fields = _unpack(value, _STATE)
    _need(fields, _state_needs(fields))
    return fields


def _state_needs(fields: "dict[str, object]") -> "tuple[str, ...]":
    if fields.get("status") != "online":
        return ("boot", "status")
    if fields.get("kind") == "host":
        return ("boot",)
    return _DEVICE_NEEDS


def encode_vitals(fields: "dict[str, object]") -> bytes:
    """Return vitals with the fields of _VITALS; `boot` and `up_ms` are needed, the rest is None where not measured."""
    out = _encode(fields, _VITALS)
    _need(fields, _VITALS_NEEDS)
    return out


def decode_vitals(payload: "bytes | bytearray | memoryview") -> "dict[str, object]":
    """Return the fields of vitals by name; those not given are None."""
    return unpack_vitals(cbor.loads(payload))


def unpack_vitals(value: object) -> "dict[str, object]":
    """As `decode_vitals`, from the message's CBOR value."""
    fields = _unpack(value, _VITALS)
    _need(fields, _VITALS_NEEDS)
    return fields


def encode_ack(boot: int, stream: int, upto_seq: int) -> bytes:
    """Return the host's word that each record of this boot and stream up to `upto_seq` is stored for good."""
    return _numbered(_check_ack(boot, stream, upto_seq))


def decode_ack(payload: "bytes | bytearray | memoryview") -> "tuple[int, int, int]":
    """Return (boot, stream, upto_seq) of an acknowledgement."""
    return unpack_ack(cbor.loads(payload))


def unpack_ack(value: object) -> "tuple[int, int, int]":
    """As `decode_ack`, from the message's CBOR value."""
    found = checks.message(value)
    return _check_ack(found.get(1), found.get(2), found.get(3))


def _check_ack(boot: object, stream: object, upto_seq: object) -> "tuple[int, int, int]":
    return (
        checks.integer(boot, 1, checks.MAX_U32, "boot"),
        checks.integer(stream, 0, 1, "stream"),
        checks.integer(upto_seq, 0, checks.MAX_U32, "upto seq"),
    )


def encode_command(
    op: int, args: "dict[int, object] | None" = None, ident: int = 0, expires_ms: "int | None" = None
) -> bytes:
    """Return a command: `op` is CMD_…, `args` has ARG_… keys; not to be obeyed after `expires_ms` (UTC)."""
    return _numbered(_check_command(op, args or {}, ident, expires_ms))


def decode_command(payload: "bytes | bytearray | memoryview") -> "tuple[int, dict[int, object], int, int | None]":
    """Return (op, args, ident, expires_ms) of a command."""
    return unpack_command(cbor.loads(payload))


def unpack_command(value: object) -> "tuple[int, dict[int, object], int, int | None]":
    """As `decode_command`, from the message's CBOR value."""
    found = checks.message(value)
    return _check_command(found.get(1), found.get(2), found.get(3), found.get(4, False))


def _check_command(
    op: object, args: object, ident: object, expires_ms: object
) -> "tuple[int, dict[int, object], int, int | None]":
    return (
        checks.integer(op, 0, 0xFFFF, "command"),
        checks.scalars(args, "arguments"),
        checks.integer(ident, 0, checks.MAX_U32, "command id"),
        checks.optional(expires_ms, 0, checks.MAX_INT, "expiry"),
    )


def _numbered(values: "tuple[object, ...]") -> bytes:
    message: dict[int, object] = {0: checks.VERSION}
    for place, value in enumerate(values):
        message[place + 1] = value
    return cbor.dumps(message)


def _encode(fields: "dict[str, object]", table: "tuple[tuple[str, object], ...]") -> bytes:
    message: dict[int, object] = {0: checks.VERSION}
    names = []
    for place, (name, check) in enumerate(table):
        names.append(name)
        value = fields.get(name)
        if value is not None:
            if isinstance(check, list):
                if value not in check:
                    raise WireError("value", name + " is not one of " + ", ".join(check))
                value = check.index(value)
            _checked(value, check, name)
            message[place + 1] = value
    for name in fields:
        if name not in names:
            raise WireError("field", "there is no field " + name)
    return cbor.dumps(message)


def _unpack(value: object, table: "tuple[tuple[str, object], ...]") -> "dict[str, object]":
    found = checks.message(value)
    fields: dict[str, object] = {}
    for place, (name, check) in enumerate(table):
        # What is not known is left out: null is a type that no field has.
        fields[name] = _checked(found[place + 1], check, name) if place + 1 in found else None
    return fields


def _checked(value: object, check: object, name: str) -> object:
    """Return the value of a field as the caller sees it, from its value on the wire."""
    if isinstance(check, list):
        return check[checks.integer(value, 0, len(check) - 1, name)]
    if isinstance(check, tuple):
        return checks.integer(value, check[0], check[1], name)
    if check == _TEXT:
        return checks.text(value, name)
    if not isinstance(value, (list, tuple)):
        raise WireError("field", name + " is not a list")
    if len(value) > MAX_CAPABILITIES:
        raise WireError("items", name + " has more than 16 items")
    return [checks.text(item, name) for item in value]


def _need(fields: "dict[str, object]", names: "tuple[str, ...]") -> None:
    for name in names:
        if fields.get(name) is None:
            raise WireError("field", name + " is missing")
