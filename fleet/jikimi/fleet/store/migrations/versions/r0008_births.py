"""When devices connected, and when they were offered a release: who comes back is offered it at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns; of what was before, nothing is known."""
    op.add_column("device_status", sa.Column("birth_ms", sa.BigInteger()))
    op.add_column("rollout_device", sa.Column("last_offer_ms", sa.BigInteger()))
