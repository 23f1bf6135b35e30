"""Boards of devices, technicians and their ids, configurations sent and reported."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables and what a birth says about the configuration."""
    op.add_column("device_status", sa.Column("config", sa.String(length=64)))
    op.create_table(
        "device_board",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("board", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("old_generation", sa.Integer(), nullable=True),
        sa.Column("enrolled_by", sa.String(length=64), nullable=False),
        sa.Column("enrolled_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "device"),
        sa.UniqueConstraint("site", "board", name="device_board_once"),
    )
    op.create_table(
        "technician",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("not_after_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("site", "name"),
    )
    op.create_table(
        "voucher",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("technician", sa.String(length=64), nullable=False),
        sa.Column("cert_serial", sa.String(length=48), nullable=False),
        sa.Column("cert_not_after_ms", sa.BigInteger(), nullable=False),
        sa.Column("merged_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("site", "device"),
    )
    op.create_table(
        "device_config",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("applied_ms", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("site", "device"),
    )
