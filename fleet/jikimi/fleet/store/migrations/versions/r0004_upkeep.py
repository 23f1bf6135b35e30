"""What a device said of itself, its boot by the host's clock, and how much retention deleted of a sequence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; of a device that is online that much is known."""
    op.add_column("device_status", sa.Column("status", sa.String(8)))
    op.execute("UPDATE device_status SET status = 'online' WHERE online")
    op.add_column("ack", sa.Column("host_epoch_ms", sa.BigInteger()))
    op.add_column("ack", sa.Column("deleted", sa.BigInteger(), nullable=False, server_default="0"))
