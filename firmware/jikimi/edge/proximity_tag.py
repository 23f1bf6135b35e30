"""A tag: warned by the machines around it, or by its own estimate where no machine measures it."""

from jikimi.edge import identity, payload
from jikimi.wire import kinds, radio

_MOST_MACHINES = 6
# What a machine said holds for so long without being repeated.
_UWB_HOLD_MS = 1500
_BLE_HOLD_MS = 3000
# A machine with UWB measures a tag within this; until then the strength of its adverts is not taken for a distance.
_UWB_PATIENCE_MS = 3000
# More likely than not within two metres: below that the strength of adverts warns of nothing (native/MODEL_CARD.md).
_NEAR_PERMILLE = 500
# A pairing holds so long without being repeated: while the tag's id rotates, the node does not know it for a second.
_PAIRED_HOLD_MS = 10_000
_UNKNOWN_MM = -1
_HOLD_MS = 800
_ADVERT_US = 250_000
_OLDEST_MS = 7 * 86_400_000  # as in proximity_node: the core's times count from the beginning
_LATER_MS = 1 << 60  # later than anything a machine said


class Machine:
    """One machine in reach."""

    def __init__(self, core, short_id, t_ms):
        self.short_id = short_id
        self.since_ms = t_ms
        self.level = 0
        self.until_ms = 0
        self.uwb_until_ms = 0
        self._core = core
        self.paired_until_ms = 0
        self._ble = core.ble_new()
        self._zone = None
        self._margin_mm = self._danger_mm = 0

    def estimate(self, t_ms, rssi_dbm, warn_mm, danger_mm):
        """(level, distance in mm or None) by the strength of the machine's adverts."""
        if self._zone is None or warn_mm - danger_mm != self._margin_mm:
            self._margin_mm, self._danger_mm = warn_mm - danger_mm, danger_mm
            self._zone = self._core.zone_new(warn_mm, danger_mm, warn_mm // 10, _HOLD_MS)
        heard_ms = t_ms - self.since_ms
        distance_mm, near_permille = self._core.ble_push(self._ble, heard_ms, rssi_dbm)
        if near_permille < _NEAR_PERMILLE:
            return self._core.zone_push(self._zone, heard_ms, _UNKNOWN_MM), None
        # Both radii grow alike with the machine's speed: shrinking the distance instead keeps the level's memory.
        shrunk_mm = max(0, distance_mm - (danger_mm - self._danger_mm))
        return self._core.zone_push(self._zone, heard_ms, shrunk_mm), distance_mm


class TagProximity:
    """`uwb` as drivers.ryuw122.Ryuw122 or None, `air` as radio.Radio, `ephemeral` as identity.Ephemeral.

    `on_level(level, source, latency_ms)` hears the highest level of all machines when it changes; `record(kind, data)`
    takes a WARNING for every machine whose level rises; `flags()` gives the radio.FLAG_… bits of the own advert.
    """

    def __init__(self, core, air, uwb, ephemeral, clock, port, duty, on_level, record, flags):
        self._core = core
        self._air = air
        self._uwb = uwb
        self._ephemeral = ephemeral
        self._clock = clock
        self._port = port
        self._duty = duty
        self._on_level = on_level
        self._record = record
        self._flags = flags
        self._level = 0
        self._machines = {}
        self._addressed = None

    async def listen(self, beat):
        """On duty: hear machines, let warnings end that are no longer repeated, advertise the id of the hour."""
        on_heard = self.on_heard  # bound once, not at every look
        while self._duty.on:
            beat()
            if self._ephemeral.rotate():
                self._air.new_address()
            self._air.advertise(self.advert(), _ADVERT_US)
            self._air.take(on_heard)
            self.expire(self._clock.up_ms())
            await self._port.sleep_ms(40)
        self.expire(_LATER_MS)

    async def start_uwb(self, mode, network):
        """Switch the module on, under the address of the hour and no other."""
        self._ephemeral.rotate()
        self._addressed = self._ephemeral.value
        await self._uwb.start(mode, network, identity.uwb_address(self._addressed))

    async def receive(self, beat):
        """On duty: take what nodes send with their measurements; answer them under the address of the hour."""
        polled = self._port.ticks_ms()
        while self._duty.on:
            beat()
            if self._addressed != self._ephemeral.value:
                self._addressed = self._ephemeral.value
                await self._uwb.set_address(identity.uwb_address(self._addressed))
            text = self._uwb.received()
            if text is not None:
                self.on_payload(text, polled)
                await self._port.sleep_ms(0)  # others too, however fast a node sends
                continue
            polled = self._port.ticks_ms()
            await self._port.sleep_ms(10)

    def on_payload(self, text, since_ticks):
        """A node measured us; `since_ticks` is when the line cannot have been there yet."""
        found = payload.decode(text)
        if found is None:
            return
        level, distance_mm, short_id = found
        t_ms = self._clock.up_ms()
        machine = self._machine(short_id, t_ms)
        machine.uwb_until_ms = machine.until_ms = t_ms + _UWB_HOLD_MS
        self._set(machine, level, kinds.SOURCE_UWB, distance_mm, since_ticks)

    def on_heard(self, heard):
        """One advert from the air."""
        found = radio.parse_advert(heard.payload())
        if found is None or found[0] != radio.NODE:
            return
        short_id, _code, warn_dm, danger_dm, _flags, warned = found[1]
        t_ms = self._clock.up_ms()
        machine = self._machine(short_id, t_ms)
        level, distance_mm = machine.estimate(t_ms, heard.rssi_dbm, warn_dm * 100, danger_dm * 100)
        if t_ms < machine.uwb_until_ms:
            return  # that machine measures us: its word is better than the strength of its adverts
        if self._uwb is not None and t_ms - machine.since_ms < _UWB_PATIENCE_MS:
            level, distance_mm = 0, None
        own = self._ephemeral.value[: radio.PREFIX_BYTES]
        for prefix, said in warned:
            if prefix == own and said & radio.PAIRED:
                machine.paired_until_ms = t_ms + _PAIRED_HOLD_MS
            if prefix == own and said & ~radio.PAIRED > level:
                level, distance_mm = said & ~radio.PAIRED, None
        if level == kinds.LEVEL_WARN and t_ms < machine.paired_until_ms:
            level = 0
        machine.until_ms = t_ms + _BLE_HOLD_MS
        self._set(machine, level, kinds.SOURCE_BLE, distance_mm, heard.ticks)

    def advert(self):
        """The id of the hour, and while paired with a machine the answer that says so."""
        t_ms, ephemeral = self._clock.up_ms(), self._ephemeral.value
        for machine in self._machines.values():
            if t_ms < machine.paired_until_ms:
                return radio.tag_advert(ephemeral, self._flags(), identity.pair_answer(machine.short_id, ephemeral))
        return radio.tag_advert(ephemeral, self._flags())

    def expire(self, t_ms):
        """Forget machines that have not been heard for a while."""
        for machine in list(self._machines.values()):
            if machine.until_ms < t_ms:
                del self._machines[machine.short_id]
                self._tell(kinds.SOURCE_BLE, self._port.ticks_ms())

    def _machine(self, short_id, t_ms):
        machine = self._machines.get(short_id)
        if machine is None or t_ms - machine.since_ms > _OLDEST_MS:
            if len(self._machines) >= _MOST_MACHINES:
                quietest = min(self._machines.values(), key=lambda known: (known.level, known.until_ms))
                del self._machines[quietest.short_id]
            machine = self._machines[short_id] = Machine(self._core, short_id, t_ms)
        return machine

    def _set(self, machine, level, source, distance_mm, since_ticks):
        risen = level > machine.level
        machine.level = level
        self._tell(source, since_ticks)  # the person first, the record after
        if risen:
            data = {kinds.LEVEL: level, kinds.SOURCE: source, kinds.MACHINE: machine.short_id}
            data[kinds.DISTANCE_MM] = distance_mm
            self._record(kinds.WARNING, data)

    def _tell(self, source, since_ticks):
        level = max([machine.level for machine in self._machines.values()] or [0])
        if level != self._level:
            self._level = level
            self._on_level(level, source, self._port.ticks_diff(self._port.ticks_ms(), since_ticks))
