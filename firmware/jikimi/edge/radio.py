"""Short-range radio: advertising who we are, hearing who is near. One instance owns the chip's BLE."""

from jikimi.edge.port import const

_IRQ_SCAN_RESULT = const(5)
_NON_RESOLVABLE = const(3)
_ADVERT_BYTES = const(31)
_SLOTS = const(24)
_SCAN_INTERVAL_US = const(60_000)
_SCAN_WINDOW_US = const(50_000)  # the rest of the time is for our own adverts and for Wi-Fi

# Where `JK` stands in our adverts (three bytes of flags, length, type, company): anybody else's take no slot. A Linux
# gateway's come without the flags, which BlueZ leaves out of what cannot be connected to.
_MARK_AT = const(7)
_MARK_AT_BARE = const(4)
_J = const(0x4A)
_K = const(0x4B)


class Heard:
    """One advert: when, how strong, and its payload (valid until `Radio.heard` is called again)."""

    def __init__(self):
        self.ticks = 0
        self.rssi_dbm = 0
        self.length = 0
        self.data = bytearray(_ADVERT_BYTES)

    def payload(self):
        return memoryview(self.data)[: self.length]


class Radio:
    """`ble` as bluetooth.BLE(). The interrupt copies into fixed slots; `dropped` counts adverts that found none."""

    def __init__(self, ble, ticks_ms):
        self.dropped = 0
        self._ble = ble
        self._check = getattr(ble, "check", None)  # where the controller cannot say at once that it failed
        self._ticks_ms = ticks_ms
        self._slots = [Heard() for _ in range(_SLOTS)]
        self._write = 0
        self._read = 0
        self._advert = None
        self._interval_us = 0
        self._results = 0  # of scans, anybody's
        self._checked = 0  # results there were at the last check
        self._failed = False

    def start(self):
        """Switch on and listen; OSError when the chip does not."""
        self._ble.active(True)
        self._ble.irq(self._on_irq)
        self._advert = None
        self._failed = False
        self._read = self._write  # an interrupt that came as it was switched off told of then, and not of now
        self._listen()

    def _listen(self):
        self._ble.gap_scan(0, _SCAN_INTERVAL_US, _SCAN_WINDOW_US, False)

    def stop(self):
        """Switch off: nothing is said or heard any more."""
        self._ble.active(False)
        self._advert = None
        self._read = self._write

    async def hears(self, duty, sleep_ms):
        """Whether anything at all is on the air; off duty the chip is switched on for a second to tell."""
        if not duty.on:
            self.start()
        before = self._results
        await sleep_ms(1000)
        if not duty.on:
            self.stop()
        return self._results != before

    def check(self):
        """Listen anew; whether anything has been heard since the last check. OSError when the chip does not take it.

        Then `advertise` raises as well, so that its task starts the chip again.
        """
        heard, self._checked = self._results != self._checked, self._results
        try:
            self._ble.gap_scan(None)  # raises when the stack is off, too
            self._listen()
        except OSError:
            self._failed = True
            raise
        return heard

    async def begin(self):
        """As `start`."""
        self.start()

    async def end(self):
        """As `stop`."""
        self.stop()

    async def tried(self, _beat):
        """For self_test.SelfTest; silence tells nothing, as an empty hall is as silent as a deaf chip."""
        return 0 if self.check() else None

    def new_address(self):
        """Take a new random address: with the old one a change of id would hide nothing."""
        self._ble.gap_advertise(None)  # a stack refuses to change the address it is using
        self._ble.gap_scan(None)
        self._ble.config(addr_mode=_NON_RESOLVABLE)
        self._advert = None
        self._listen()

    def advertise(self, payload, interval_us):
        """Say `payload` (at most 31 bytes) from now on; the same again costs nothing. OSError when the radio failed."""
        if self._failed:
            raise OSError("BLE does not listen any more")
        if self._check is not None:
            self._check()
        if payload != self._advert or interval_us != self._interval_us:
            self._ble.gap_advertise(interval_us, adv_data=payload, connectable=False)
            self._advert = payload
            self._interval_us = interval_us

    def heard(self):
        """The oldest advert not yet taken, or None."""
        if self._read == self._write:
            return None
        slot = self._slots[self._read]
        self._read = (self._read + 1) % _SLOTS
        return slot

    def take(self, on_heard):
        """Call `on_heard(heard)` for every advert that waits.

        At most for as many as can wait: a crowd, or a forger, that talks faster than we listen holds up nothing else.
        """
        for _ in range(_SLOTS):
            heard = self.heard()
            if heard is None:
                return
            on_heard(heard)

    def _on_irq(self, event, data):
        if event != _IRQ_SCAN_RESULT:
            return
        self._results = self._results + 1 & 0x1FFFFFFF
        advert = data[4]
        length = len(advert)
        if not _MARK_AT + 1 < length <= _ADVERT_BYTES:
            return
        if not (_marked(advert, _MARK_AT) or _marked(advert, _MARK_AT_BARE)):
            return
        # One slot stays free: it is the one the reader may still be looking at.
        following = (self._write + 1) % _SLOTS
        if (following + 1) % _SLOTS == self._read:
            self.dropped += 1
            return
        slot = self._slots[self._write]
        slot.ticks = self._ticks_ms()
        slot.rssi_dbm = data[3]
        slot.length = length
        slot.data[:length] = advert
        self._write = following


def _marked(advert, at):
    return advert[at] == _J and advert[at + 1] == _K
