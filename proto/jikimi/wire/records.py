"""A batch of records of one boot and stream, delta coded (SPEC.md, "Batch of records").

A record is (seq, kind, t_ms, data): number within (device, boot, stream), kind, ms since boot, map of data.
"""

from jikimi.wire import WireError, cbor, checks

MAX_RECORDS = cbor.MAX_ITEMS
MAX_KIND = 0xFFFF

# Keys of the message.
_BOOT = 1
_STREAM = 2
_BOOT_EPOCH = 3
_QUALITY = 4
_FIRST_SEQ = 5
_RECORDS = 6
_SHAPE = "a record is [t, kind, data], [t, kind, data, skipped] or [t, changed]"


def encode_records(
    boot: int,
    stream: int,
    records: "list[tuple[int, int, int, dict[int, object]]]",
    boot_epoch_ms: "int | None" = None,
    clock_quality: int = 0,
) -> bytes:
    """Return one message with `records` of one boot and stream, seq ascending.

    `boot_epoch_ms` is the UTC time of this boot's t_ms = 0, None while unknown. Raises WireError: `items` for none or
    more than 64 records, `size` when they need more than one message can hold (send fewer), else by what is wrong.
    """
    if not 0 < len(records) <= MAX_RECORDS:
        raise WireError("items", "a message has 1 to 64 records")
    _check_envelope(boot, stream, boot_epoch_ms, clock_quality)
    out = bytearray()
    cbor.put_head(out, cbor.MAP, _RECORDS + 1)
    for key, value in enumerate((checks.VERSION, boot, stream, boot_epoch_ms, clock_quality, records[0][0])):
        cbor.put_head(out, cbor.UINT, key)
        cbor.dump_into(out, value)
    cbor.put_head(out, cbor.UINT, _RECORDS)
    cbor.put_head(out, cbor.ARRAY, len(records))
    before = None
    for record in records:
        seq, kind, t_ms, data = record
        _record(seq, kind, t_ms, checks.scalars(data, "data"))
        cbor.dump_into(out, _row(record, before))
        before = record
    return bytes(out)


def _row(
    record: "tuple[int, int, int, dict[int, object]]",
    before: "tuple[int, int, int, dict[int, object]] | None",
) -> "list[object]":
    seq, kind, t_ms, data = record
    if before is None:
        return [t_ms, kind, data]
    if seq <= before[0]:
        raise WireError("value", f"record {seq} after {before[0]}")
    if seq != before[0] + 1:
        return [t_ms - before[2], kind, data, seq - before[0] - 1]
    if kind != before[1] or not _same_keys(data, before[3]):
        return [t_ms - before[2], kind, data]
    return [t_ms - before[2], {key: data[key] for key in data if data[key] != before[3][key]}]


def _same_keys(one: "dict[int, object]", other: "dict[int, object]") -> bool:
    if len(one) != len(other):
        return False
    for key in one:  # noqa: SIM110, the device has no memory to give away for all() or sets
        if key not in other:
            return False
    return True


def decode_records(
    payload: "bytes | bytearray | memoryview",
) -> "tuple[int, int, int | None, int, list[tuple[int, int, int, dict[int, object]]]]":
    """Return (boot, stream, boot_epoch_ms, clock_quality, records) of a batch of records."""
    return unpack_records(cbor.loads(payload))


def unpack_records(
    value: object,
) -> "tuple[int, int, int | None, int, list[tuple[int, int, int, dict[int, object]]]]":
    """As `decode_records`, from the message's CBOR value (which the host decodes with another library)."""
    found = checks.message(value)
    # null says that there was no clock; a key that is not there says nothing, and is needed.
    boot, stream, boot_epoch_ms, quality = _check_envelope(
        found.get(_BOOT), found.get(_STREAM), found.get(_BOOT_EPOCH, False), found.get(_QUALITY)
    )
    first_seq = checks.integer(found.get(_FIRST_SEQ), 1, checks.MAX_U32, "first seq")
    rows = found.get(_RECORDS)
    if not isinstance(rows, list) or not rows:
        raise WireError("field", "a batch has a list of at least one record")
    return boot, stream, boot_epoch_ms, quality, _unpack_rows(rows, first_seq)


def _unpack_rows(rows: "list[object]", seq: int) -> "list[tuple[int, int, int, dict[int, object]]]":
    records: list[tuple[int, int, int, dict[int, object]]] = []
    for row in rows:
        if not isinstance(row, list) or not 2 <= len(row) <= 4:
            raise WireError("field", _SHAPE)
        if records:
            record = _next(row, records[-1])
        elif len(row) == 3:
            record = _whole(row, seq, 0)
        else:
            raise WireError("field", "the first record is [t, kind, data]")
        records.append(record)
    return records


def _next(
    row: "list[object]", before: "tuple[int, int, int, dict[int, object]]"
) -> "tuple[int, int, int, dict[int, object]]":
    seq, kind, t_ms, data = before
    if len(row) == 4:
        return _whole(row, seq + 1 + checks.integer(row[3], 1, checks.MAX_U32, "skipped"), t_ms)
    if len(row) == 3:
        return _whole(row, seq + 1, t_ms)
    return _record(seq + 1, kind, _time(row, t_ms), _merge(data, row[1]))


def _whole(row: "list[object]", seq: int, t_before: int) -> "tuple[int, int, int, dict[int, object]]":
    return _record(seq, row[1], _time(row, t_before), checks.scalars(row[2], "data"))


def _time(row: "list[object]", t_before: int) -> int:
    return t_before + checks.integer(row[0], -checks.MAX_INT, checks.MAX_INT, "t")


def _merge(before: "dict[int, object]", changed: object) -> "dict[int, object]":
    data = before.copy()
    for key, value in checks.scalars(changed, "changed data").items():
        if key not in data:
            raise WireError("value", "a changed key that the record before does not have")
        data[key] = value
    return data


def _check_envelope(
    boot: object, stream: object, boot_epoch_ms: object, clock_quality: object
) -> "tuple[int, int, int | None, int]":
    return (
        checks.integer(boot, 1, checks.MAX_U32, "boot"),
        checks.integer(stream, 0, 1, "stream"),
        checks.optional(boot_epoch_ms, 0, checks.MAX_INT, "boot epoch"),
        checks.integer(clock_quality, 0, 2, "clock quality"),
    )


def _record(
    seq: object, kind: object, t_ms: object, data: "dict[int, object]"
) -> "tuple[int, int, int, dict[int, object]]":
    return (
        checks.integer(seq, 1, checks.MAX_U32, "seq"),
        checks.integer(kind, 0, MAX_KIND, "kind"),
        checks.integer(t_ms, 0, checks.MAX_INT, "t"),
        data,
    )
