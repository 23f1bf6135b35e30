"""When a database was restored from a backup, and which sequences may go on behind a gap because of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table and the column."""
    op.create_table(
        "restoration",
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "at_ms"),
    )
    op.add_column("ack", sa.Column("restored", sa.Boolean(), nullable=False, server_default=sa.false()))
