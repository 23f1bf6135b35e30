"""A machine node: who is near, how near, and what came of it.

It hears tags by their adverts, measures those by UWB in turn, warns them through the measurement itself and through its
own advert, and writes one NEAR_MISS record at the end of each incursion.
"""

from jikimi.edge import identity, payload
from jikimi.wire import kinds, radio

# More people than this around one machine share its attention unfairly; the ones heard longest ago give way.
_MOST_CONTACTS = 12
_LOST_MS = 3000
# What the strength of adverts says is weak evidence (native/MODEL_CARD.md): with UWB fitted it counts only where a tag
# has not answered for so long, and only when a distance within two metres is more likely than not.
_UWB_PATIENCE_MS = 4000
# A module that nobody was near for so long is asked whether it lives: a dead one is not found out by the first person.
_UWB_IDLE_MS = 60_000
_NEAR_PERMILLE = 500
# The core takes times of less than 2^31 ms, and a chip keeps less than 2^30 without taking heap: both count from the
# beginning of a contact, which no honest tag makes last longer.
_OLDEST_MS = 7 * 86_400_000
_UNKNOWN_MM = -1
_NEAR_PERIOD_MS = 100
_FAR_PERIOD_MS = 500
_MISSED_PERIOD_MS = 300
# The approach speed is taken over the way of the last second and a half: a pace is shorter, a turn is longer.
_TRACK_MS = 1500
_HOLD_MS = 800
_ADVERT_US = 200_000


class Incursion:
    """One stay inside the zones."""

    def __init__(self, t_ms, closing_mm_s):
        self.since_ms = t_ms
        self.last_ms = t_ms
        self.closing_mm_s = closing_mm_s
        self.level = 0
        self.min_mm = None

    def note(self, t_ms, level, distance_mm):
        self.last_ms = t_ms
        self.level = max(self.level, level)
        self.min_mm = distance_mm if self.min_mm is None else min(self.min_mm, distance_mm)


class Contact:
    """One tag, as long as its ephemeral id lasts."""

    def __init__(self, core, ephemeral, machine, zones, t_ms, has_uwb):
        self.ephemeral = ephemeral
        self.address = identity.uwb_address(ephemeral)
        self.period = None  # not known before the node's clock is set
        self.level = 0
        self.reached = 0  # the zone it is in, whoever it is
        self.distance_mm = None
        self.since_ms = t_ms
        self.heard_ms = t_ms
        self.next_ms = t_ms
        self.incursion = None
        self.exempt = False  # the operator: not warned of the outer zone
        self._zones = zones
        self._trusted_until_ms = t_ms + _UWB_PATIENCE_MS if has_uwb else t_ms
        self._core = core
        self._ble = core.ble_new()
        self._uwb = core.uwb_new()
        self._zone = core.zone_new(machine.warn_mm, machine.danger_mm, machine.warn_mm // 10, _HOLD_MS)
        self._track = []

    def on_advert(self, t_ms, rssi_dbm):
        """The tag was heard; True when that changed its level."""
        self.heard_ms = t_ms
        estimate_mm, near_permille = self._core.ble_push(self._ble, t_ms - self.since_ms, rssi_dbm)
        if t_ms < self._trusted_until_ms:
            return False
        return self._on_distance(t_ms, estimate_mm if near_permille >= _NEAR_PERMILLE else _UNKNOWN_MM)

    def on_range(self, t_ms, range_mm):
        """The outcome of an exchange, None when it failed; True when that changed the level."""
        if range_mm is None:
            self.next_ms = t_ms + _MISSED_PERIOD_MS
            return False
        self.heard_ms = t_ms
        self._trusted_until_ms = t_ms + _UWB_PATIENCE_MS
        changed = self._on_distance(t_ms, self._core.uwb_push(self._uwb, range_mm, None)[0])
        near = self.level or self.distance_mm < 2 * self._zones.warn_mm
        # A tag must learn of its new level now, and it learns it from the next exchange.
        self.next_ms = t_ms if changed else t_ms + (_NEAR_PERIOD_MS if near else _FAR_PERIOD_MS)
        return changed

    def _on_distance(self, t_ms, distance_mm):
        shrunk_mm = distance_mm if distance_mm == _UNKNOWN_MM else max(0, distance_mm - self._zones.growth_mm)
        self.reached = level = self._core.zone_push(self._zone, t_ms - self.since_ms, shrunk_mm)
        if self.exempt and level == kinds.LEVEL_WARN:
            level = 0
        if distance_mm != _UNKNOWN_MM:
            closing = self._closing_mm_s(t_ms, distance_mm)
            self.distance_mm = distance_mm
            if level and self.incursion is None:
                self.incursion = Incursion(t_ms, closing)
            if level:
                self.incursion.note(t_ms, level, distance_mm)
        changed, self.level = level != self.level, level
        return changed

    def _closing_mm_s(self, t_ms, distance_mm):
        track = [point for point in self._track if t_ms - point[0] <= _TRACK_MS]
        track.append((t_ms, distance_mm))
        self._track = track
        span_ms = t_ms - track[0][0]
        return (track[0][1] - distance_mm) * 1000 // span_ms if span_ms else 0

    def near_miss(self):
        """Data of the NEAR_MISS record of the incursion that is over."""
        incursion, self.incursion = self.incursion, None
        return {
            kinds.LEVEL: incursion.level,
            kinds.DISTANCE_MM: incursion.min_mm,
            kinds.CLOSING_MM_S: incursion.closing_mm_s,
            kinds.DWELL_MS: incursion.last_ms - incursion.since_ms,
            kinds.EPHEMERAL: self.ephemeral,
            kinds.PERIOD: self.period,
        }


class NodeProximity:
    """`uwb` as drivers.ryuw122.Ryuw122 or None, `air` as radio.Radio, `zones` as zones.Zones.

    `pairing` as pairing.Pairing, or None when this machine exempts nobody.
    `on_level(level, source, latency_ms)` hears the highest level of all tags when it changes; `record(kind, data)`
    takes what happened.
    """

    def __init__(self, core, config, air, uwb, clock, port, on_level, record, zones, pairing=None):
        self._core = core
        self._machine = config.machine
        self._zones = zones
        self._pairing = pairing
        self._short_id = identity.short_id(config.device)
        self._machine_code = radio.MACHINES.index(config.machine.kind)
        self._air = air
        self._uwb = uwb
        self._clock = clock
        self._port = port
        self._on_level = on_level
        self._record = record
        self._level = 0
        self.contacts = {}

    async def listen(self, beat):
        """Hear tags, let go of those that have left, keep the advert up to date."""
        on_heard = self.on_heard  # bound once, not at every look
        while True:
            beat()
            self._air.take(on_heard)
            self._zones.update()
            self.let_go(self._clock.up_ms())
            self._air.advertise(self.advert(), _ADVERT_US)
            await self._port.sleep_ms(40)

    async def measure(self, beat):
        """Measure the tags in turn, the most overdue first."""
        spoke_ms = self._clock.up_ms()
        while True:
            beat()
            now_ms = self._clock.up_ms()
            contact = self.most_overdue(now_ms)
            if contact is None:
                if now_ms - spoke_ms >= _UWB_IDLE_MS:
                    await self._uwb.alive()
                    spoke_ms = now_ms
                await self._port.sleep_ms(15)
                continue
            spoke_ms = now_ms
            text = payload.encode(contact.level, contact.distance_mm, self._short_id)
            started = self._port.ticks_ms()
            range_mm = await self._uwb.exchange(contact.address, text)
            if contact.on_range(self._clock.up_ms(), range_mm):
                self._tell(kinds.SOURCE_UWB, started)

    def on_heard(self, heard):
        """One advert from the air."""
        found = radio.parse_advert(heard.payload())
        if found is None or found[0] != radio.TAG:
            return
        ephemeral, _flags, answered = found[1]
        contact = self._contact(ephemeral, self._clock.up_ms())
        if self._pairing is not None:
            self._pairing.on_advert(ephemeral, answered, self._clock.up_ms())
            contact.exempt = self._pairing.is_exempt(ephemeral)
        if contact.period is None:
            contact.period = self._period()
        if contact.on_advert(self._clock.up_ms(), heard.rssi_dbm):
            self._tell(kinds.SOURCE_BLE, heard.ticks)

    def _contact(self, ephemeral, t_ms):
        contact = self.contacts.get(ephemeral)
        if contact is not None and t_ms - contact.since_ms > _OLDEST_MS:
            self._forget(contact)
            contact = None
        if contact is None:
            if len(self.contacts) >= _MOST_CONTACTS:
                self._forget(min(self.contacts.values(), key=lambda known: (known.level, known.heard_ms)))
            contact = self.contacts[ephemeral] = Contact(
                self._core, ephemeral, self._machine, self._zones, t_ms, self._uwb is not None
            )
        return contact

    def _period(self):
        epoch_ms = self._clock.epoch_ms()
        return None if epoch_ms is None else identity.period_at(epoch_ms)

    def most_overdue(self, t_ms):
        """The contact to be measured now, or None."""
        due = None
        for contact in self.contacts.values():
            if contact.next_ms <= t_ms and (due is None or contact.next_ms < due.next_ms):
                due = contact
        return due

    def let_go(self, t_ms):
        """Write down the incursions that are over and forget the tags that are gone."""
        self._watch_pairing(t_ms)
        for contact in list(self.contacts.values()):
            if t_ms - contact.heard_ms > _LOST_MS:
                self._forget(contact)
            elif contact.incursion is not None and contact.level == 0:
                self._record(kinds.NEAR_MISS, contact.near_miss())

    def pair(self):
        """The button at the machine was pressed; whether the one tag in contact is exempt from now on."""
        if self._pairing is None:
            return False
        begun = self._pairing.begin(self.contacts.values(), self._clock.up_ms())
        self._watch_pairing(self._clock.up_ms())
        return begun

    def _watch_pairing(self, t_ms):
        if self._pairing is None:
            return
        for contact in self.contacts.values():
            self._pairing.on_level(contact.ephemeral, contact.reached, t_ms)
        self._pairing.end_when_over(t_ms)
        for contact in self.contacts.values():
            contact.exempt = self._pairing.is_exempt(contact.ephemeral)

    def _forget(self, contact):
        del self.contacts[contact.ephemeral]
        if contact.incursion is not None:
            self._record(kinds.NEAR_MISS, contact.near_miss())
        if contact.level:
            self._tell(kinds.SOURCE_BLE, self._port.ticks_ms())

    def _tell(self, source, since_ticks):
        level = max([contact.level for contact in self.contacts.values()] or [0])
        if level != self._level:
            self._level = level
            self._on_level(level, source, self._port.ticks_diff(self._port.ticks_ms(), since_ticks))

    def advert(self):
        """What this node says of itself and of the tags inside its zones, the most endangered first."""
        inside = [contact for contact in self.contacts.values() if contact.level or contact.exempt]
        inside.sort(key=lambda contact: (-contact.level, contact.distance_mm or 0))
        warned = [(contact.ephemeral[: radio.PREFIX_BYTES], _said(contact)) for contact in inside[: radio.MAX_WARNED]]
        flags = radio.FLAG_MOVING if self._zones.moving else 0
        warn_dm, danger_dm = -(-self._zones.warn_mm // 100), -(-self._zones.danger_mm // 100)
        return radio.node_advert(self._short_id, self._machine_code, warn_dm, danger_dm, flags, warned)


def _said(contact):
    return contact.level | (radio.PAIRED if contact.exempt else 0)
