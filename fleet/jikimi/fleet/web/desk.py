"""Where people take alarms on at the page: who may, and what becomes of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol

from jikimi.fleet.alarms import acknowledge, responders
from jikimi.fleet.errors import ServiceError, StoreError

if TYPE_CHECKING:
    from jikimi.fleet.site import Site
    from jikimi.fleet.store import Store
    from jikimi.fleet.web.live import Live

# Keys of `texts`.
DONE: Final = ""
NOT_TOLD: Final = "not_told"  # noted, and the tag does not know
NOT_NOTED: Final = "not_noted"
ENDED: Final = "code_ended"

_log = logging.getLogger(__name__)


class Desk(Protocol):
    """What the page needs of it; both methods wait for the database, so they are called in a thread."""

    def role_of(self, code: str) -> str | None:
        """Whose code this is; None: nobody's, or the database does not say."""

    def take_on(self, alarm_id: str, code: str) -> str:
        """Take an alarm on in the role of `code`: DONE, or which of the above keys it is not."""


class SiteDesk:
    """A `Desk` of a site; the code is looked up anew each time, so that one that is removed ends at once."""

    def __init__(self, site: Site, store: Store, live: Live) -> None:
        self._site = site
        self._store = store
        self._live = live

    def role_of(self, code: str) -> str | None:
        """See `Desk`."""
        try:
            return responders.role_of(self._site, code)
        except StoreError as error:
            _log.warning("nobody is signed in: %s", error)  # the page shows what is wrong with the database
            return None

    def take_on(self, alarm_id: str, code: str) -> str:
        """See `Desk`."""
        try:
            role = responders.role_of(self._site, code)
            if role is None:
                return ENDED
            acknowledge(self._site, self._store, alarm_id, role)
        except StoreError as error:
            _log.warning("%s is not taken on: %s", alarm_id, error)
            return NOT_NOTED
        except ServiceError as error:
            _log.warning("%s: %s", alarm_id, error)
            return NOT_TOLD
        finally:
            self._live.look_soon()
        _log.info("%s is taken on as %s", alarm_id, role)
        return DONE
