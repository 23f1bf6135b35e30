"""Near misses of the last hours are found without a look at all hours there ever were."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("near_miss_hour_time", "near_miss_hour", ["site", "hour_ms"])
    op.create_index("near_miss_group_time", "near_miss_group", ["site", "hour_ms"])
