"""Tables of a site's database.

Every table starts with `site`, so that a distributed PostgreSQL can shard by it. No table is keyed by a person:
records are keyed by the device that sent them, near misses carry only the rotating ephemeral id of a tag. Each
record carries the data category under which the data-use agreement will rule on it (`jikimi.wire.kinds`).
All times are milliseconds since 1970 UTC unless the name says otherwise (`t_up_ms`: since the device's boot).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData()

# SQLite only autoincrements a column that is exactly INTEGER.
_Id = BigInteger().with_variant(Integer, "sqlite")

device = Table(
    "device",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("device", String(32), primary_key=True),  # random, printed on the label
    Column("kind", String(8), nullable=False),  # tag | node
    Column("name", String(64), nullable=False),  # what the label or the machine plate says; never a person
    Column("zone", String(32), nullable=False),
    Column("machine_kind", String(16)),  # nodes: forklift | press | cobot | …
    Column("state", String(12), nullable=False),  # active | revoked | retired
    Column("cert_serial", String(48), nullable=False),
    Column("cert_not_after_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

device_status = Table(
    "device_status",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("boot", BigInteger, nullable=False),
    Column("online", Boolean, nullable=False),
    Column("last_seen_ms", BigInteger, nullable=False),
    Column("reset_reason", String(16)),
    Column("firmware", String(32)),
    Column("battery_pct", Integer),
    Column("heap_free_bytes", BigInteger),
    Column("journal_depth", Integer),
)

record = Table(
    "record",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),  # order of storage: the cursor of live views
    Column("site", String(32), nullable=False),
    Column("device", String(32), nullable=False),
    Column("boot", BigInteger, nullable=False),
    Column("stream", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("category", String(12), nullable=False),
    Column("t_up_ms", BigInteger, nullable=False),
    Column("boot_epoch_ms", BigInteger),  # as the device said; NULL: it had no clock
    Column("clock_quality", Integer, nullable=False),
    Column("recv_ms", BigInteger, nullable=False),
    Column("zone", String(32), nullable=False),  # of the sending device when the record was stored
    Column("body", LargeBinary, nullable=False),  # CBOR map, as received
    UniqueConstraint("site", "device", "boot", "stream", "seq", name="record_key"),
)

ack = Table(
    "ack",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("stream", Integer, primary_key=True),
    Column("upto_seq", BigInteger, nullable=False),  # every seq up to and including this one is stored or declared lost
)

alarm = Table(
    "alarm",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("kind", Integer, nullable=False),
    Column("zone", String(32), nullable=False),
    Column("t_ms", BigInteger, nullable=False),
    Column("state", String(12), nullable=False),  # open | acknowledged | resolved
    Column("changed_ms", BigInteger, nullable=False),
    Index("alarm_by_state", "site", "state"),
)

near_miss_hour = Table(
    "near_miss_hour",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("zone", String(32), primary_key=True),
    Column("machine", String(32), primary_key=True),  # device id of the machine node
    Column("hour_ms", BigInteger, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("min_distance_mm", Integer, nullable=False),
)

# Who took part, for the minimum group size only: distinct ephemeral ids within one rotation period are distinct
# tags, so the largest such number over the periods of a cell is a lower bound of the group behind the cell.
near_miss_group = Table(
    "near_miss_group",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("zone", String(32), primary_key=True),
    Column("machine", String(32), primary_key=True),
    Column("hour_ms", BigInteger, primary_key=True),
    Column("period", BigInteger, primary_key=True),  # rotation period of the ephemeral id
    Column("ephemeral", LargeBinary(8), primary_key=True),
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("site", String(32), nullable=False),
    Column("topic", String(256), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("recv_ms", BigInteger, nullable=False),
)
