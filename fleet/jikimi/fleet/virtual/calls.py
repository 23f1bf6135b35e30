"""What a board may ask of the world: one method an op, payloads as link.py says."""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING

from jikimi.fleet.virtual import link

if TYPE_CHECKING:
    from collections.abc import Callable

    from jikimi.fleet.virtual.hardware import Hardware
    from jikimi.fleet.virtual.radio import Station
    from jikimi.fleet.virtual.world import World

_RTC_MEMORY_BYTES = 2048
_ADDR_MODE_RESOLVABLE = 2
_RESOLVABLE, _NON_RESOLVABLE = 0x40, 0x00  # top two bits of a random address


class Calls:
    """The ops of one board. OSError becomes the error number of the reply."""

    def __init__(self, world: World, name: str, board: Hardware) -> None:
        self._world = world
        self._name = name
        self._board = board

    def handle(self, op: int, arg: int, payload: bytes) -> bytes:
        """The reply to one request; ENOSYS for an op there is not."""
        handler = _HANDLERS.get(op)
        if handler is None:
            raise OSError(errno.ENOSYS, f"op {op}")
        return handler(self, arg, payload) or b""

    # Processor.

    def booted(self, _arg: int, _payload: bytes) -> bytes:
        """The process is about to run /boot.py."""
        controller = self._world.controllers.get(self._name)
        return bytes([controller.booted() if controller else 0])

    def info(self, _arg: int, _payload: bytes) -> bytes:
        """Why it was reset, and its unique id."""
        return bytes([self._board.reset_cause]) + self._board.unique_id

    def reset(self, arg: int, payload: bytes) -> None:
        """Kill the process and start it again."""
        (sleep_ms,) = struct.unpack("<I", payload)
        self._restart(arg, sleep_ms / 1000)

    def _restart(self, cause: int, after_s: float = 0.0) -> None:
        controller = self._world.controllers.get(self._name)
        if controller is None:
            raise OSError(errno.EPERM, "nobody owns this board's process")
        controller.restart(cause, after_s)

    def watchdog_start(self, _arg: int, payload: bytes) -> None:
        """Start the watchdog."""
        (timeout_ms,) = struct.unpack("<I", payload)
        self._board.start_watchdog(timeout_ms / 1000, lambda: self._restart(link.WDT_RESET))

    def watchdog_feed(self, _arg: int, _payload: bytes) -> None:
        """Feed it."""
        self._board.feed_watchdog()

    # Clock and memory.

    def rtc_memory(self, arg: int, payload: bytes) -> bytes:
        """Memory that outlives a reset."""
        if arg:
            if len(payload) > _RTC_MEMORY_BYTES:
                raise OSError(errno.ENOSPC, "RTC memory")
            self._board.rtc_memory = payload
        return self._board.rtc_memory

    def rtc_time(self, arg: int, payload: bytes) -> bytes:
        """The real-time clock."""
        if arg:
            self._board.set_clock(struct.unpack("<q", payload)[0])
        return struct.pack("<q", self._board.clock_us())

    def nvs_get(self, _arg: int, payload: bytes) -> bytes:
        """A value of the non-volatile storage."""
        if payload not in self._board.nvs:
            raise OSError(errno.ENOENT, "no such key")
        return self._board.nvs[payload]

    def nvs_set(self, _arg: int, payload: bytes) -> None:
        """Store a value."""
        end = 1 + payload[0]
        self._board.nvs[payload[1:end]] = payload[end:]

    def nvs_erase(self, _arg: int, payload: bytes) -> None:
        """Forget a value."""
        if self._board.nvs.pop(payload, None) is None:
            raise OSError(errno.ENOENT, "no such key")

    # Buses and pins.

    def i2c_scan(self, arg: int, _payload: bytes) -> bytes:
        """Who answers on the bus."""
        return self._board.i2c_scan(arg)

    def i2c_read_mem(self, arg: int, payload: bytes) -> bytes:
        """Read registers."""
        address, register, count = struct.unpack("<BBH", payload)
        return self._board.i2c_read(arg, address, register, count)

    def i2c_read(self, arg: int, payload: bytes) -> bytes:
        """Read from where the last access ended."""
        address, count = struct.unpack("<BH", payload)
        return self._board.i2c_read(arg, address, None, count)

    def i2c_write(self, arg: int, payload: bytes) -> None:
        """Write registers."""
        self._board.i2c_write(arg, payload[0], payload[1:])

    def pin_set(self, arg: int, payload: bytes) -> None:
        """Drive a pin."""
        self._board.set_output(arg, float(payload[0]), 0)

    def pin_get(self, arg: int, _payload: bytes) -> bytes:
        """Read a pin."""
        return bytes([self._board.level(arg)])

    def pin_irq(self, arg: int, payload: bytes) -> None:
        """Watch a pin."""
        self._board.watch_pin(arg, payload[0])

    def pwm_set(self, arg: int, payload: bytes) -> None:
        """Drive a pin with pulses."""
        freq_hz, duty = struct.unpack("<IH", payload)
        self._board.set_output(arg, duty / 65535, freq_hz)

    def adc_uv(self, arg: int, _payload: bytes) -> bytes:
        """Measure a pin."""
        return struct.pack("<I", self._board.adc_uv(arg))

    # Radio.

    def _station(self) -> Station:
        return self._world.air.station(self._name)

    def ble_active(self, arg: int, _payload: bytes) -> None:
        """Switch the controller."""
        if not arg:
            self._world.air.silence(self._name)

    def ble_advertise(self, _arg: int, payload: bytes) -> None:
        """Start, replace or stop the advert."""
        interval_us, advert_type = struct.unpack_from("<IB", payload)
        if interval_us:
            self._world.air.advertise(self._name, interval_us * 1e-6, advert_type, payload[5:])
        else:
            self._world.air.stop_advertising(self._name)

    def ble_scan(self, _arg: int, payload: bytes) -> None:
        """Start or stop a scan."""
        duration_ms, interval_us, window_us = struct.unpack("<iII", payload)
        if duration_ms < 0:
            self._world.air.stop_scan(self._name)
            return
        duration_s = duration_ms / 1000 if duration_ms else None
        self._world.air.scan(
            self._name, duration_s, interval_us * 1e-6, window_us * 1e-6, self._scan_result, self._scan_done
        )

    def _scan_result(self, address: bytes, advert_type: int, rssi: int, data: bytes) -> None:
        head = struct.pack("<B6sBb", 1, address, advert_type, rssi)
        self._world.send_event(self._name, link.EVENT_SCAN_RESULT, head + data)

    def _scan_done(self) -> None:
        self._world.send_event(self._name, link.EVENT_SCAN_DONE, b"")

    def ble_mac(self, _arg: int, _payload: bytes) -> bytes:
        """The controller's address."""
        return b"\x01" + self._station().address

    def ble_new_mac(self, arg: int, _payload: bytes) -> None:
        """Take a new random address."""
        top_bits = _RESOLVABLE if arg == _ADDR_MODE_RESOLVABLE else _NON_RESOLVABLE
        self._station().address = self._world.air.random_address(top_bits)

    def wlan_active(self, arg: int, _payload: bytes) -> None:
        """Switch the station."""
        self._board.wlan.active = bool(arg)
        if not arg:
            self._board.wlan.connected_at_s = None

    def wlan_connect(self, _arg: int, _payload: bytes) -> None:
        """Associate."""
        if not self._board.wlan.active:
            raise OSError(errno.EPERM, "the station is not active")
        self._board.wlan_connect()

    def wlan_disconnect(self, _arg: int, _payload: bytes) -> None:
        """Leave."""
        self._board.wlan.connected_at_s = None

    def wlan_status(self, _arg: int, _payload: bytes) -> bytes:
        """Where the station stands."""
        return struct.pack("<Hb", self._board.wlan_status(), self._board.rssi_dbm)

    def accept(self, _arg: int, _payload: bytes) -> None:
        """Ops whose effect is not emulated: pin direction, line speed."""


_HANDLERS: dict[int, Callable[[Calls, int, bytes], bytes | None]] = {
    link.PIN_MODE: Calls.accept,
    link.PIN_SET: Calls.pin_set,
    link.PIN_IRQ: Calls.pin_irq,
    link.PWM_SET: Calls.pwm_set,
    link.WDT_FEED: Calls.watchdog_feed,
    link.UART_INIT: Calls.accept,
    link.BOOTED: Calls.booted,
    link.I2C_SCAN: Calls.i2c_scan,
    link.I2C_READ_MEM: Calls.i2c_read_mem,
    link.I2C_WRITE_MEM: Calls.i2c_write,  # address, register, data: the same bytes as a plain write
    link.I2C_READ: Calls.i2c_read,
    link.I2C_WRITE: Calls.i2c_write,
    link.PIN_GET: Calls.pin_get,
    link.ADC_UV: Calls.adc_uv,
    link.INFO: Calls.info,
    link.RESET: Calls.reset,
    link.WDT_START: Calls.watchdog_start,
    link.RTC_MEMORY: Calls.rtc_memory,
    link.RTC_TIME: Calls.rtc_time,
    link.NVS_GET: Calls.nvs_get,
    link.NVS_SET: Calls.nvs_set,
    link.NVS_ERASE: Calls.nvs_erase,
    link.BLE_ACTIVE: Calls.ble_active,
    link.BLE_ADVERTISE: Calls.ble_advertise,
    link.BLE_SCAN: Calls.ble_scan,
    link.BLE_MAC: Calls.ble_mac,
    link.BLE_NEW_MAC: Calls.ble_new_mac,
    link.WLAN_ACTIVE: Calls.wlan_active,
    link.WLAN_CONNECT: Calls.wlan_connect,
    link.WLAN_DISCONNECT: Calls.wlan_disconnect,
    link.WLAN_STATUS: Calls.wlan_status,
}
