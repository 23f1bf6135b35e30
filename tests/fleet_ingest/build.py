"""Short ways to write devices, records and messages in tests."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from jikimi.fleet.store import NewRecord, RecordMessage, Source, StatusReport, Store, StreamKey, schema
from jikimi.fleet.store.engine import make_engine, writer
from jikimi.wire import kinds

SITE = "works"
# The middle of a rotation period of ephemeral ids, and the start of an hour: 2026-11-24 03:00 UTC.
HOUR_MS = 1_795_489_200_000
PERIOD = HOUR_MS // 900_000
BOOT_MS = HOUR_MS + 300_000


def add_devices(url: str, **devices: tuple[str, str]) -> None:
    """Put devices into the table as the registry would: name=(kind, zone)."""
    engine = make_engine(url)
    with writer(engine).begin() as connection:
        for order, (name, (kind, zone)) in enumerate(devices.items()):
            row = {"site": SITE, "device": name, "kind": kind, "zone": zone, "name": name.upper(), "state": "active"}
            made = {"cert_serial": "1", "cert_not_after_ms": 0, "created_ms": order}
            connection.execute(schema.device.insert().values({**row, **made}))
    engine.dispose()


def set_state(url: str, device: str, state: str) -> None:
    """Change a device's state as the registry would."""
    engine = make_engine(url)
    with writer(engine).begin() as connection:
        connection.execute(schema.device.update().where(schema.device.c.device == device).values(state=state))
    engine.dispose()


def message(
    device: str, stream: int, *records: tuple[int, int, dict[int, Any]], boot: int = 1, **changes: Any
) -> RecordMessage:
    """A message with records (seq, kind, data), each a second after the one before."""
    source = Source(f"jk/{SITE}/{device}/{('al', 'ev')[stream]}", repr(records).encode(), changes.pop("recv_ms", 9))
    items = tuple(NewRecord(seq, kind, seq * 1000, data) for seq, kind, data in records)
    fields = {"boot_epoch_ms": BOOT_MS, "clock_quality": kinds.CLOCK_SET, **changes}
    return RecordMessage(source, StreamKey(device, boot, stream), records=items, **fields)


def events(device: str, *seqs: int, boot: int = 1) -> RecordMessage:
    """A message of the event stream with plain records."""
    return message(device, kinds.STREAM_EVENT, *((seq, kinds.WARNING, {}) for seq in seqs), boot=boot)


def near_miss(seq: int, ephemeral: bytes, period: int = PERIOD, level: int = kinds.LEVEL_WARN) -> Any:
    """A near miss record of a machine node."""
    return seq, kinds.NEAR_MISS, {kinds.LEVEL: level, kinds.EPHEMERAL: ephemeral, kinds.PERIOD: period}


def person(number: int) -> bytes:
    """The ephemeral id of one of many tags."""
    return number.to_bytes(8, "big")


def report(device: str, boot: int, *, online: bool, heard: bool = True, recv_ms: int = 9, **said: Any) -> StatusReport:
    """What a birth, last will or vitals message becomes."""
    return StatusReport(Source(f"jk/{SITE}/{device}/st", b"st", recv_ms), device, boot, online, heard, **said)


def tables(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every table's rows in an order of their own, without the ids that tell the order of arrival."""
    engine = make_engine(url)
    found = {}
    with engine.connect() as connection:
        for table in schema.metadata.sorted_tables:
            columns = [column for column in table.c if column.name != "id"]
            found[table.name] = sorted(map(tuple, connection.execute(sa.select(*columns))), key=repr)
    engine.dispose()
    return found


def open_store(url: str) -> Store:
    """The store of the test site."""
    return Store.open(url, SITE)
