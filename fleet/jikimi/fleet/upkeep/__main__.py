"""The service: `python -m jikimi.fleet.upkeep --site DIR`."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from jikimi.fleet.errors import ConfigurationError, StoreError
from jikimi.fleet.services import mark_ready
from jikimi.fleet.services.entry import run
from jikimi.fleet.services.patience import patiently
from jikimi.fleet.site import Site
from jikimi.fleet.store import Store
from jikimi.fleet.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "upkeep"

_log = logging.getLogger(__name__)

_EVERY_S = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; the exit code is 0 then, and 1 when the service cannot work."""
    return run(NAME, "Watch for silence, delete what is old.", serve, arguments)


def serve(site: Site) -> None:
    """Keep `site` until SIGTERM. A database that does not work, or a wrong fleet.toml, is logged, and tried again."""
    with patiently(site, NAME, lambda: Store.open(site.database_url, site.name)) as store:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        upkeep = Upkeep(site, store, _now_ms())
        mark_ready(site, NAME)
        while not stopping.wait(_EVERY_S):
            try:
                upkeep.step(_now_ms())
            except (StoreError, ConfigurationError) as error:
                _log.warning("%s", error)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    sys.exit(main())
