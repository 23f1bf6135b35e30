"""Short transactions on the site's database for commands that come and go."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from jikimi.fleet.store.engine import failure, make_engine, writer
from jikimi.fleet.store.migrations import bring_up_to_date

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jikimi.fleet.site import Site


@contextmanager
def transaction(site: Site) -> Iterator[sa.Connection]:
    """One writing transaction on the newest schema, committed at the end. StoreError: nothing was written."""
    engine = make_engine(site.database_url)
    try:
        bring_up_to_date(engine)
        with writer(engine).begin() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        raise failure(engine, error) from error
    finally:
        engine.dispose()
