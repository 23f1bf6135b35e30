"""Who gives a board its identity: the site itself, or a technician's bundle far away from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from jikimi.fleet import configuration, registry, signing
from jikimi.fleet.configuration import Subject, applied
from jikimi.wire import cbor

if TYPE_CHECKING:
    from jikimi.fleet.registry import Description, Enrolment, Known
    from jikimi.fleet.site import Site


_LONGEST_TRUST = 256  # two keys of 52 or 60 bytes


class Enroller(Protocol):
    """Used from several threads at once."""

    @property
    def site(self) -> str:
        """Name of the site devices are enrolled at."""

    def on_board(self, board: str) -> Known | None:
        """The device that lives on a board."""

    def known(self, device: str) -> Known | None:
        """The device of that id, if it was enrolled on a board."""

    def name_is_free(self, name: str) -> bool:
        """Whether no device in use has this name."""

    def settings_for(self, description: Description) -> configuration.Table:
        """What a device so described would be set to: a check before anything is made."""

    def enrol(self, board: str, description: Description, public_key: bytes | None) -> Enrolment:
        """An identity for the board; `public_key` None: it cannot make its own key, and is given one."""

    def settings_of(self, device: str, description: Description) -> configuration.Table:
        """What the device shall be set to."""

    def trust(self) -> dict[str, bytes]:
        """Files with the public keys that devices of the site trust for releases and configurations."""

    def passed(self, device: str) -> None:
        """Its bench test is passed: it may be used."""


def trust_files(site: Site) -> dict[str, bytes]:
    """What a device of this site is given to trust; makes the signing keys when there are none yet."""
    return {
        f"/trust/{purpose}": cbor.dumps(list(signing.roots(site, purpose)), _LONGEST_TRUST)
        for purpose in (signing.CONFIG, signing.RELEASE)
    }


class SiteEnroller:
    """On the site's own computer."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.site = site.name
        self._trust = trust_files(site)

    def on_board(self, board: str) -> Known | None:
        """See `Enroller`."""
        return registry.on_board(self._site, board)

    def known(self, device: str) -> Known | None:
        """See `Enroller`."""
        return registry.known(self._site, device)

    def name_is_free(self, name: str) -> bool:
        """See `Enroller`."""
        return registry.name_is_free(self._site, name)

    def settings_for(self, description: Description) -> configuration.Table:
        """See `Enroller`."""
        return self.settings_of("dnew", description)

    def enrol(self, board: str, description: Description, public_key: bytes | None) -> Enrolment:
        """See `Enroller`."""
        assert public_key is not None, "the site gives no keys away"
        return registry.enrol(self._site, board, description, public_key)

    def settings_of(self, device: str, description: Description) -> configuration.Table:
        """See `Enroller`."""
        subject = Subject(device, description.kind, description.name, description.zone, description.machine_kind)
        return configuration.settings_of(self._site, subject)

    def trust(self) -> dict[str, bytes]:
        """See `Enroller`."""
        return self._trust

    def passed(self, device: str) -> None:
        """See `Enroller`."""
        known = registry.known(self._site, device)
        assert known is not None, "it was enrolled before"
        applied.note_by_cable(self._site, device, self.settings_of(device, known.description))
        registry.activate(self._site, device)
