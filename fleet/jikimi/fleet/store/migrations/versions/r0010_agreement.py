"""The data-use agreement, and the log of what was asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "agreement",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("employer_signature", sa.LargeBinary()),
        sa.Column("workers_signature", sa.LargeBinary()),
        sa.Column("proposed_ms", sa.BigInteger(), nullable=False),
        sa.Column("in_force_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("site", "number"),
    )
    op.create_table(
        "audit",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("question", sa.String(length=160), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("n_rows", sa.BigInteger()),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("site", "number"),
    )
