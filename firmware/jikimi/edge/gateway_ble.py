"""BLE of a Linux gateway with the interface of MicroPython's `bluetooth.BLE`, as far as radio.Radio uses it.

Scanning is bleak's; adverts go to BlueZ's LEAdvertisingManager1 over D-Bus. Both are asynchronous, and the interface is
not: one task brings BlueZ to what was last asked for, and `check` raises what went wrong there. CPython only.
"""

import asyncio

from bleak import BleakScanner
from bleak.exc import BleakError
from dbus_fast.errors import AuthError, DBusError, InvalidAddressError

from jikimi.edge.gateway_advert import Advert

_IRQ_SCAN_RESULT = 5
_NON_CONNECTABLE = 3
_RANDOM_ADDRESS = 1
_COMPANY = 0xFFFF
_FLAGS = b"\x02\x01\x06"
_MANUFACTURER = 0xFF
_PATIENCE_S = 10
# What BlueZ, its daemon and the bus between us raise.
_FAILURES = (BleakError, DBusError, AuthError, InvalidAddressError, OSError, EOFError, asyncio.TimeoutError)


class Ble:
    """The one controller of this computer, `hci0` unless BlueZ has another default."""

    def __init__(self):
        self._handler = None
        self._scanning = False
        self._wanted = None  # (interval in µs, payload)
        self._changed = asyncio.Event()
        self._task = None
        self._failure = None

    def active(self, active=None):
        """Switch on (True) or off; what it is without an argument."""
        if active is not None and bool(active) != (self._task is not None):
            if active:
                self._failure = None
                self._task = asyncio.get_running_loop().create_task(self._serve())
                self._task.add_done_callback(self._ended)
            else:
                self._task.cancel()
                self._task = None
                self._wanted, self._scanning = None, False
        return self._task is not None

    def irq(self, handler):
        """`handler(event, data)` for scan results, as on the chip."""
        self._handler = handler

    def config(self, **_values):
        """Nothing: addresses are BlueZ's business, and a machine need not hide who it is."""

    def gap_scan(self, duration_ms, _interval_us=0, _window_us=0, _active=False):
        """Listen (0: for ever) or stop (None); times of the receiver are BlueZ's business."""
        self._scanning = duration_ms is not None
        self._changed.set()

    def gap_advertise(self, interval_us, adv_data=None, connectable=True):  # noqa: ARG002 - the chip's signature
        """Say `adv_data`, or nothing (None)."""
        self._wanted = (interval_us, bytes(adv_data)) if interval_us else None
        self._changed.set()

    def check(self):
        """OSError when BlueZ has failed since it was switched on; it is off then."""
        if self._failure is not None:
            failure = self._failure
            self.active(False)
            raise OSError(failure)

    async def _serve(self):
        advert = Advert(self._fail)
        scanner = BleakScanner(self._on_advert, bluez={"filters": {"DuplicateData": True}})
        scanning, said = False, None
        try:
            await asyncio.wait_for(advert.connect(), _PATIENCE_S)
            while True:
                if self._scanning != scanning:
                    await asyncio.wait_for(scanner.stop() if scanning else scanner.start(), _PATIENCE_S)
                    scanning = not scanning
                elif self._wanted != said:
                    wanted = self._wanted
                    await asyncio.wait_for(advert.say(wanted), _PATIENCE_S)
                    said = wanted
                else:
                    self._changed.clear()
                    await self._changed.wait()
        finally:
            await _quietly(scanner.stop() if scanning else None)
            advert.close()

    def _ended(self, task):
        # Whatever it is (bleak stumbles with a KeyError over an adapter without properties): start again.
        if not task.cancelled() and task.exception() is not None:
            self._fail(f"BlueZ: {type(task.exception()).__name__} {task.exception()}")

    def _fail(self, text):
        if self._failure is None:
            self._failure = text

    def _on_advert(self, _device, advert):
        data = advert.manufacturer_data.get(_COMPANY)
        if data is None or self._handler is None:
            return
        head = bytes((3 + len(data), _MANUFACTURER, _COMPANY & 0xFF, _COMPANY >> 8))
        payload = _FLAGS + head + bytes(data)  # as a chip hands it over
        self._handler(_IRQ_SCAN_RESULT, (_RANDOM_ADDRESS, b"", _NON_CONNECTABLE, advert.rssi, payload))


async def _quietly(stopping):
    """Stop a scan that may have ended with the daemon."""
    if stopping is not None:
        try:
            await asyncio.wait_for(stopping, _PATIENCE_S)
        except _FAILURES:
            return  # then it is stopped
