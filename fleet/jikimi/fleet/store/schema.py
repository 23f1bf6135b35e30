"""Tables of a site's database.

Every table starts with `site`, so that a distributed PostgreSQL can shard by it. No table is keyed by a person:
records are keyed by the device that sent them, near misses carry only the rotating ephemeral id of a tag. Each
record carries the data category under which the data-use agreement rules on it (`jikimi.wire.kinds`).
All times are milliseconds since 1970 UTC unless the name says otherwise (`t_up_ms`: since the device's boot).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    event,
    false,
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
    Column("state", String(12), nullable=False),  # `jikimi.fleet.registry.states`
    Column("cert_serial", String(48), nullable=False),
    Column("cert_not_after_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

device_status = Table(
    "device_status",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("boot", BigInteger, nullable=False),  # the latest it reported; 0: only records were heard
    Column("online", Boolean, nullable=False),  # what device and broker said last, of the latest boot
    Column("status", String(8)),  # the last it, or the broker for it, said: online | docked | lost; NULL: nothing yet
    Column("last_seen_ms", BigInteger),  # receive time of the last message it sent; NULL: none yet
    Column("reset_reason", String(64)),
    Column("firmware", String(64)),
    Column("config", String(64)),  # digest of the configuration it runs
    Column("battery_pct", Integer),
    Column("heap_free_bytes", BigInteger),
    Column("journal_depth", Integer),
    Column("slot", String(8)),  # where the application runs that it said to run
    Column("release", BigInteger),  # its sequence number; NULL: it came by cable
    Column("trial", Boolean),  # not confirmed yet
    Column("failed_release", BigInteger),  # the release it refused or rolled back last
    Column("failed_why", String(64)),
    Column("birth_ms", BigInteger),  # receive time of its last birth: when it connected; NULL: none was heard
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


@event.listens_for(record, "after_create")
def _let_records_be_sharded(_table: Table, connection: Connection, **_: object) -> None:
    # PostgreSQL shards a table by a column of its primary key; SQLite counts only in a primary key of one column.
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE record DROP CONSTRAINT record_pkey, ADD PRIMARY KEY (site, id)")


ack = Table(
    "ack",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("stream", Integer, primary_key=True),
    Column("upto_seq", BigInteger, nullable=False),  # every seq up to and including this one is stored or declared lost
    # Highest seq stored or declared lost; above upto_seq: there is a gap.
    Column("max_seq", BigInteger, nullable=False),
    # When that boot began by the host's clock, at the latest: the lowest receive time less time since boot. It stands
    # beside what the device said (`record.boot_epoch_ms`), never in its place.
    Column("host_epoch_ms", BigInteger),
    Column("deleted", BigInteger, nullable=False, server_default="0"),  # records that retention has deleted
    # From a backup, and not heard of since: its device may have forgotten what was stored after the backup.
    Column("restored", Boolean, nullable=False, server_default=false()),
)

# Ranges of records the device had to overwrite before they could be sent (its own LOST records say so): they count as
# accounted for in `ack`, and completeness is an honest number.
lost = Table(
    "lost",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("stream", Integer, primary_key=True),
    Column("first_seq", BigInteger, primary_key=True),
    Column("last_seq", BigInteger, primary_key=True),
)

# Records which the store has only as bytes of a dead letter: each was the one its sequence waited for, and the first
# of a message that is refused. They count as accounted for in `ack`, or their device would send them for ever.
parked = Table(
    "parked",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("stream", Integer, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),  # of the dead letter
)

# One row per alarm, from whichever of its records came first. Open: `kind` known, no `acknowledged_ms`, no
# `resolved_ms`; the latter wins over the former. No state column, so that the order of arrival cannot matter.
alarm = Table(
    "alarm",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("boot", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),  # of the record that raised it
    Column("kind", Integer),  # NULL: the record that ends it came first
    Column("zone", String(32)),
    Column("t_ms", BigInteger),
    Column("acknowledged_ms", BigInteger),
    Column("acknowledged_by", String(32)),  # a role, never a person
    Column("resolved_ms", BigInteger),
    Column("resolved_boot", BigInteger),  # of the record that ended it; the first one counts
    Column("resolved_seq", BigInteger),
    Column("resolved_why", String(16)),
    Index("alarm_unresolved", "site", "resolved_ms", "t_ms"),
)

near_miss_hour = Table(
    "near_miss_hour",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("zone", String(32), primary_key=True),
    Column("machine", String(32), primary_key=True),  # device id of the machine node
    Column("hour_ms", BigInteger, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("danger_count", Integer, nullable=False),  # those that reached the danger zone, not only the warning zone
    Index("near_miss_hour_time", "site", "hour_ms"),
)

# Who took part, for the minimum group size only: distinct ephemeral ids within one rotation period are distinct
# tags, so the largest such number over the periods of a cell is a lower bound of the group behind the cell. Sightings
# near the edges of a period are left out (`jikimi.fleet.store.derive`).
near_miss_group = Table(
    "near_miss_group",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("zone", String(32), primary_key=True),
    Column("machine", String(32), primary_key=True),
    Column("hour_ms", BigInteger, primary_key=True),
    Column("period", BigInteger, primary_key=True),  # rotation period of the ephemeral id
    Column("ephemeral", LargeBinary(8), primary_key=True),
    Index("near_miss_group_time", "site", "hour_ms"),
)

# Messages that could not be stored, with their bytes. A device repeats what is not acknowledged, so equal ones are
# counted instead of kept again.
dead_letter = Table(
    "dead_letter",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("digest", LargeBinary(32), primary_key=True),  # SHA-256 of topic, a zero byte and payload
    Column("topic", String(256), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_recv_ms", BigInteger, nullable=False),
    Column("recv_ms", BigInteger, nullable=False),  # of the last one
)

# What retention has deleted; kept for ever, because it is the answer to "where has that gone".
deletion = Table(
    "deletion",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("category", String(12), primary_key=True),
    Column("before_ms", BigInteger, nullable=False),  # what was received earlier had to go
    Column("days", Integer, nullable=False),  # the rule at that time
    Column("count", BigInteger, nullable=False),  # records deleted
)

# The board a device lives on, and which of its keys the broker admits. A device added by hand has no row.
device_board = Table(
    "device_board",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("board", String(64), nullable=False),  # what the chip calls itself, hexadecimal; never on the air
    Column("generation", Integer, nullable=False),  # of its key: 1, and one more with each rotation
    Column("old_generation", Integer),  # admitted as well while a rotation is under way
    Column("enrolled_by", String(64), nullable=False),  # "site", or a technician's bundle
    Column("enrolled_ms", BigInteger, nullable=False),
    UniqueConstraint("site", "board", name="device_board_once"),
)

# Who may take alarms on at the page.
responder = Table(
    "responder",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("role", String(32), primary_key=True),  # never a person
    Column("code_hash", String(64), nullable=False),  # SHA-256, hexadecimal
    Column("created_ms", BigInteger, nullable=False),
)

# The data-use agreements in the order of their numbers, each with the digest of the one before in its document
# (`jikimi.fleet.agreement`). What is in force is decided by the signatures and never by the times here.
agreement = Table(
    "agreement",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("document", LargeBinary, nullable=False),  # deterministic CBOR: what is signed
    Column("employer_signature", LargeBinary),  # COSE_Sign1 without the payload; NULL: not signed
    Column("workers_signature", LargeBinary),
    Column("proposed_ms", BigInteger, nullable=False),
    Column("in_force_ms", BigInteger),  # NULL: not signed by all who must
)

# Who asked what about people's work, and what became of it; only ever added to, each entry with the digest of all
# before it (`jikimi.fleet.store.audit`).
audit = Table(
    "audit",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", String(32), nullable=False),  # a role, or where it was asked; never a person
    Column("purpose", String(32), nullable=False),
    Column("question", String(160), nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("n_rows", BigInteger),  # NULL: rows were not counted
    Column("digest", LargeBinary(32), nullable=False),
)

# Technicians' credentials: each is a number of device ids made beforehand, usable until a date.
technician = Table(
    "technician",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),  # a role or a company, never a person
    Column("created_ms", BigInteger, nullable=False),
    Column("not_after_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
)

voucher = Table(
    "voucher",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("technician", String(64), nullable=False),
    Column("cert_serial", String(48), nullable=False),
    Column("cert_not_after_ms", BigInteger, nullable=False),
    Column("merged_ms", BigInteger),
)

# What each device was told to be, and what it said about it.
device_config = Table(
    "device_config",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),  # as the device reports it in its birth once it runs it
    Column("document", LargeBinary, nullable=False),  # the signed envelope
    Column("applied_ms", BigInteger, nullable=False),
    Column("refused", String(64)),  # reason of the device
)

# When this database was restored from a backup.
restoration = Table(
    "restoration",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
)

# Releases that devices may be told of.
release = Table(
    "release",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("arch", String(16), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("version", String(64), nullable=False),
    Column("envelope", String(64), nullable=False),  # SHA-256 of the signed envelope, hexadecimal
    Column("envelope_bytes", Integer, nullable=False),
    Column("stored_bytes", Integer, nullable=False),  # what a device fetches that has none of its files
    Column("firmware", String(64), nullable=False),  # hash that a device reports which runs it
    Column("key_id", String(16), nullable=False),
    Column("leaf", BigInteger, nullable=False),
    Column("published_ms", BigInteger, nullable=False),
    Column("support_until_ms", BigInteger),
    UniqueConstraint("site", "key_id", "leaf", name="release_leaf_once"),  # of the key: twice would be forgery
)

# A release on its way to devices. What is decided lies in `rollout_device`; a row here is the plan and where it stands.
rollout = Table(
    "rollout",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("rollout", Integer, primary_key=True),
    Column("arch", String(16), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("state", String(12), nullable=False),
    Column("why", String(64), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("plan", String(512), nullable=False),  # JSON
    Column("asked_by", String(64), nullable=False),  # a role
    Column("approved_by", String(64)),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

rollout_device = Table(
    "rollout_device",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("rollout", Integer, primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("stage", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("offers", Integer, nullable=False),
    Column("first_offer_ms", BigInteger),
    Column("next_offer_ms", BigInteger),
    Column("why", String(64), nullable=False),
    Column("last_offer_ms", BigInteger),
)
