"""Short transactions on the site's database for commands that come and go."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from jikimi.fleet.errors import SiteError
from jikimi.fleet.store.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jikimi.fleet.site import Site

_BUSY_S = 30  # ingest commits thousands of rows at a time; SQLite lets one writer in


@contextmanager
def transaction(site: Site) -> Iterator[sa.Connection]:
    """One transaction, committed at the end; tables are made when they are not there yet."""
    url = site.database_url
    arguments = {"timeout": _BUSY_S} if url.startswith("sqlite") else {}
    engine = sa.create_engine(url, connect_args=arguments, poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            metadata.create_all(connection)
            yield connection
    except sa.exc.OperationalError as error:
        raise SiteError(f"the database {engine.url} does not work ({error.orig}): check [database] url") from error
    finally:
        engine.dispose()
