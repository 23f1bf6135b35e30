"""Releases, rollouts, and what devices say about the release they run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables and the columns of the birth."""
    op.add_column("device_status", sa.Column("slot", sa.String(length=8)))
    op.add_column("device_status", sa.Column("release", sa.BigInteger()))
    op.add_column("device_status", sa.Column("trial", sa.Boolean()))
    op.add_column("device_status", sa.Column("failed_release", sa.BigInteger()))
    op.add_column("device_status", sa.Column("failed_why", sa.String(length=64)))
    op.create_table(
        "release",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("arch", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("envelope", sa.String(length=64), nullable=False),
        sa.Column("envelope_bytes", sa.Integer(), nullable=False),
        sa.Column("stored_bytes", sa.Integer(), nullable=False),
        sa.Column("firmware", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("published_ms", sa.BigInteger(), nullable=False),
        sa.Column("support_until_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("site", "arch", "sequence"),
        sa.UniqueConstraint("site", "key_id", "leaf", name="release_leaf_once"),
    )
    op.create_table(
        "rollout",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("rollout", sa.Integer(), nullable=False),
        sa.Column("arch", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("why", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("plan", sa.String(length=512), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "rollout"),
    )
    op.create_table(
        "rollout_device",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("rollout", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("offers", sa.Integer(), nullable=False),
        sa.Column("first_offer_ms", sa.BigInteger(), nullable=True),
        sa.Column("next_offer_ms", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("site", "rollout", "device"),
    )
