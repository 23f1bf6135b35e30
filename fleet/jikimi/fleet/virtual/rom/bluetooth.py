# mypy: ignore-errors
"""`bluetooth` of MicroPython: adverts and scans. No connections, no GATT: Jikimi uses none."""

import errno
import struct

import _world

_IRQ_SCAN_RESULT = 5
_IRQ_SCAN_DONE = 6

_ADV_IND = 0
_ADV_NONCONN_IND = 3
_ADV_DATA_MAX = 31


class BLE:
    """A singleton, as on the chip."""

    _instance = None

    def __new__(cls):
        if cls._instance is None:
            cls._instance = object.__new__(cls)
            cls._instance._active = False
            cls._instance._handler = None
        return cls._instance

    def active(self, active=None):
        if active is None:
            return self._active
        if bool(active) != self._active:
            self._active = bool(active)
            _world.call(_world.BLE_ACTIVE, 1 if active else 0)
        return self._active

    def config(self, *names, **values):
        """Query "mac"; set addr_mode (2 and 3 take a new random address). Buffer and name settings are accepted."""
        if names:
            if names[0] != "mac":
                raise ValueError("unknown config param")
            answer = _world.call(_world.BLE_MAC)
            return (answer[0], answer[1:])
        for name, value in values.items():
            if name == "addr_mode":
                if value in (2, 3):
                    _world.call(_world.BLE_NEW_MAC, value)
            elif name not in ("gap_name", "rxbuf", "mtu", "bond", "mitm", "io", "le_secure"):
                raise ValueError("unknown config param")

    def irq(self, handler):
        """`handler(event, data)` for scan results and the end of a scan; address and data are memoryviews that are
        valid only during the call."""
        self._handler = handler
        _world.events.on(_world.EVENT_SCAN_RESULT, self._scan_result)
        _world.events.on(_world.EVENT_SCAN_DONE, self._scan_done)

    def _scan_result(self, payload):
        if self._handler is not None:
            rssi = payload[8] - 256 if payload[8] > 127 else payload[8]
            self._handler(_IRQ_SCAN_RESULT, (payload[0], payload[1:7], payload[7], rssi, payload[9:]))

    def _scan_done(self, payload):
        if self._handler is not None:
            self._handler(_IRQ_SCAN_DONE, ())

    def _require_active(self):
        if not self._active:
            raise _world.error(errno.ENODEV)

    def gap_advertise(self, interval_us, adv_data=None, *, resp_data=None, connectable=True):
        """Advertise every `interval_us`; None or 0 stops. Without `adv_data` the last data go on."""
        self._require_active()
        if not interval_us:
            _world.call(_world.BLE_ADVERTISE, 0, struct.pack("<IB", 0, 0))
            return
        if adv_data is not None:
            if len(adv_data) > _ADV_DATA_MAX:
                raise _world.error(errno.EINVAL)
            self._adv_data = bytes(adv_data)
        kind = _ADV_IND if connectable else _ADV_NONCONN_IND
        _world.call(_world.BLE_ADVERTISE, 0, struct.pack("<IB", interval_us, kind) + self._adv_data)

    def gap_scan(self, duration_ms, interval_us=1_280_000, window_us=11_250, active=False):
        """Scan for `duration_ms`, 0 for ever; None stops."""
        self._require_active()
        duration_ms = -1 if duration_ms is None else duration_ms
        _world.call(_world.BLE_SCAN, 0, struct.pack("<iII", duration_ms, interval_us, window_us))

    _adv_data = b""
