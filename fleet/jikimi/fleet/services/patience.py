"""Waiting for a database server that is away, instead of ending: five quick ends would stop the whole site."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, TypeVar

from jikimi.fleet.errors import StoreAwayError
from jikimi.fleet.services.ready import mark_waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from jikimi.fleet.site import Site

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
_PAUSE_S: Final = 0.25  # doubles
PAUSE_MAX_S: Final = 5.0


class Pause:
    """Growing pauses between attempts."""

    def __init__(self) -> None:
        self._next_s = _PAUSE_S

    def next_s(self) -> float:
        """How long to wait now, in seconds."""
        now_s, self._next_s = self._next_s, min(PAUSE_MAX_S, 2 * self._next_s)
        return now_s


def patiently(site: Site, name: str, work: Callable[[], _Result]) -> _Result:
    """What `work` returns, once the database server answers; meanwhile the supervisor knows that `name` waits.

    Any other StoreError comes out: waiting does not heal it.
    """
    pause = Pause()
    while True:
        try:
            return work()
        except StoreAwayError as error:
            mark_waiting(site, name, str(error))
            wait_s = pause.next_s()
            _log.warning("waiting for the database, looking again in %.1f s: %s", wait_s, error)
        time.sleep(wait_s)
