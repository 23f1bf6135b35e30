"""The operator's exemption: who works at the machine is not warned of its outer zone.

The operator presses the button at the node, with the tag in reach of it. The node says in its advert that it is paired
with that tag. The tag believes its own short name only, holds back the warning of that machine's outer zone, and says
in its advert that it is paired, in words that change with its id: the first two bytes of SHA-256 over the machine's
short id and the tag's id of now. When the id rotates, the new advert therefore answers for itself, and the node needs
to remember no name, no earlier id and no person. What it knows is in memory and ends with the exemption.
"""

from jikimi.edge import identity

# A tag that is near is heard four times a second: an id silent for so long has rotated, or is gone.
_GONE_MS = 1000
# Until then a new id may answer for it.
_SUCCESSION_MS = 15_000
# Outside for so long: the operator has left, and comes back as anybody else.
_AWAY_MS = 10_000


class Pairing:
    """One exemption at a time: `settings.minutes` long, begun within `settings.contact_mm`."""

    def __init__(self, short_id, settings):
        self.ephemeral = None
        self._short_id = short_id
        self._settings = settings
        self._until_ms = 0
        self._inside_ms = 0
        self._heard_ms = 0

    def begin(self, contacts, t_ms):
        """The button was pressed: exempt the one tag in contact; False when there is none, or more than one.

        An id that has gone silent is not in contact, however near it was: the same tag may be there under its next.
        """
        near = [c for c in contacts if self._in_contact(c, t_ms)]
        if len(near) != 1:
            return False
        self.ephemeral = near[0].ephemeral
        self._until_ms = t_ms + self._settings.minutes * 60_000
        self._inside_ms = self._heard_ms = t_ms
        return True

    def _in_contact(self, contact, t_ms):
        near = contact.distance_mm is not None and contact.distance_mm <= self._settings.contact_mm
        return near and t_ms - contact.heard_ms <= _GONE_MS

    def is_exempt(self, ephemeral):
        """Whether this id is the operator's."""
        return self.ephemeral is not None and ephemeral == self.ephemeral

    def on_advert(self, ephemeral, answered, t_ms):
        """A tag was heard, with the two bytes of its answer or None; a new id takes over from the one that is gone."""
        if self.ephemeral is None:
            return
        if ephemeral == self.ephemeral:
            self._heard_ms = t_ms
        elif t_ms - self._heard_ms > _GONE_MS and answered == identity.pair_answer(self._short_id, ephemeral):
            self.ephemeral = ephemeral
            self._heard_ms = t_ms

    def on_level(self, ephemeral, level, t_ms):
        """Where the zones put a tag, before any exemption."""
        if level and ephemeral == self.ephemeral:
            self._inside_ms = t_ms

    def end_when_over(self, t_ms):
        """Time is up, the operator has left, or nobody answers any more."""
        away = t_ms - self._inside_ms > _AWAY_MS or t_ms - self._heard_ms > _SUCCESSION_MS
        if self.ephemeral is not None and (away or t_ms > self._until_ms):
            self.ephemeral = None
