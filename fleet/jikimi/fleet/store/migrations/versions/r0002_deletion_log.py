"""The log of what retention deletes; on PostgreSQL, records can be sharded by site."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the table, and `site` to the primary key of records where the database shards by it."""
    op.create_table(
        "deletion",
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.String(12), nullable=False),
        sa.Column("before_ms", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "at_ms", "category"),
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE record DROP CONSTRAINT record_pkey, ADD PRIMARY KEY (site, id)")
