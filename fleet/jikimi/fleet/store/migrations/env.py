"""What alembic runs: the versions, in the transaction of whoever asked (`jikimi.fleet.store.migrations`)."""

from __future__ import annotations

from alembic import context

from jikimi.fleet.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
