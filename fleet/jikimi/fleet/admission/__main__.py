"""The service: `python -m jikimi.fleet.admission --site DIR`."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from typing import TYPE_CHECKING

from jikimi.fleet import registry
from jikimi.fleet.errors import ServiceError, StoreError
from jikimi.fleet.services import mark_ready
from jikimi.fleet.services.entry import run
from jikimi.fleet.services.patience import patiently
from jikimi.fleet.site import Site

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "admission"
_EVERY_S = 1.0  # a revoked device is cut off within two seconds

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; the exit code is 0 then, and 1 when the service cannot work."""
    return run(NAME, "Keep the nodes here up to date.", serve, arguments)


def serve(site: Site) -> None:
    """Follow the registry until SIGTERM; a database or a node that is away is logged, and tried again."""
    in_force = patiently(site, NAME, lambda: _applied(site))
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    mark_ready(site, NAME)
    while not stopping.wait(_EVERY_S):
        try:
            wanted = registry.admitted(site)
            if wanted != in_force:
                registry.apply(site)
                in_force = wanted
                _log.info("the nodes of this machine admit %d devices", len(wanted))
        except (StoreError, ServiceError) as error:
            _log.warning("%s", error)


def _applied(site: Site) -> dict[str, tuple[int, ...]]:
    admitted = registry.admitted(site)
    registry.apply(site)
    return admitted


if __name__ == "__main__":
    sys.exit(main())
