"""One board's circuit: which chip hangs on which bus, pins, clock and the state that outlives a reset."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from jikimi.fleet.virtual import link, wiring
from jikimi.fleet.virtual.chips.bmi270 import Bmi270
from jikimi.fleet.virtual.chips.inertial import Samples
from jikimi.fleet.virtual.chips.lsm6ds3trc import Lsm6ds3trc
from jikimi.fleet.virtual.chips.lsm6dsox import Lsm6dsox
from jikimi.fleet.virtual.chips.max30102 import Light, Max30102
from jikimi.fleet.virtual.chips.mpu6050 import Mpu6050
from jikimi.fleet.virtual.chips.ryuw122 import Ryuw122

_OUTPUTS_KEPT = 100_000
_EPOCH_AFTER_POWER_UP_US = 946_684_800_000_000  # 2000-01-01, where an ESP32's clock starts

HEART_ADDRESS = 0x57  # the MAX30102's only one
Imu = Lsm6dsox | Mpu6050 | Bmi270
IMUS: dict[str, tuple[int, type[Imu]]] = {
    "lsm6dsox": (0x6A, Lsm6dsox),  # SA0 low
    "lsm6ds3trc": (0x6A, Lsm6ds3trc),
    "mpu6050": (0x68, Mpu6050),  # AD0 low
    "bmi270": (0x68, Bmi270),  # SDO low
}


@dataclass
class Faults:
    """What is wrong with a board; may be changed at any time."""

    imu_nak: bool = False  # the sensor does not answer on the bus
    imu_frozen: bool = False  # it answers, with its last sample for ever
    uart_garbage: float = 0.0  # chance of a spoilt byte on the UWB module's line
    uwb_silent: bool = False  # the UWB module has died
    wifi_down: bool = False  # `network.WLAN` does not connect; host sockets are not cut
    wifi_password_wrong: bool = False  # the access point is there and refuses


@dataclass(frozen=True)
class Output:
    """A change of an output pin."""

    t_s: float  # since the world started
    name: str  # as in wiring.OUTPUT_PINS, else "gpioN"
    level: float  # 0..1; a PWM output's duty
    freq_hz: int  # 0 for plain levels


class RegisterChip(Protocol):
    """A chip on I2C with eight-bit registers."""

    def read(self, register: int, count: int, t_s: float) -> bytes: ...  # noqa: D102
    def write(self, register: int, data: bytes, t_s: float) -> None: ...  # noqa: D102


@dataclass
class Wlan:
    """The Wi-Fi station as the board sees it."""

    active: bool = False
    connected_at_s: float | None = None  # when association will have been completed


ASSOCIATION_S = 0.3  # scan, authentication, four-way handshake and DHCP on a quiet network


class Hardware:
    """The circuit of the board `name`. Methods raise OSError with a bus error's errno, as the real ones do."""

    def __init__(
        self,
        name: str,
        samples: Samples,
        exchange: Callable[[Ryuw122, str, bytes], None],
        now: Callable[[], float],
    ) -> None:
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        self.name = name
        self.faults = Faults()
        self.battery_mv = 4000
        self.rssi_dbm = -55  # of the access point
        self.unique_id = bytes([0x02]) + seed.to_bytes(8, "big")[:5]  # locally administered: no vendor's address
        self.outputs: deque[Output] = deque(maxlen=_OUTPUTS_KEPT)
        self.uwb = Ryuw122(self._uart_out, exchange, seed)
        self.uart_sinks: dict[int, Callable[[bytes], None]] = {}
        self.pin_listener: Callable[[int, int], None] | None = None
        self.wlan = Wlan()
        self.nvs: dict[bytes, bytes] = {}
        self.reset_cause = link.PWRON_RESET
        self._watchdog_s = 0.0
        self._watchdog: asyncio.TimerHandle | None = None
        self._rng = random.Random(seed)
        self._now = now
        self._levels: dict[int, int] = {}
        self._irq_edges: dict[int, int] = {}
        self._i2c: dict[int, RegisterChip] = {}
        self._i2c_pointer: dict[int, int] = {}
        self._samples, self._seed = samples, seed
        self.heart: Max30102 | None = None
        self.imu_address = 0
        self.fit_imu("lsm6dsox")
        self.power_up()

    def fit_imu(self, kind: str) -> None:
        """Solder another inertial unit (a name in IMUS) in place of the one there is."""
        self._i2c.pop(self.imu_address, None)
        self.imu_address, chip = IMUS[kind]
        self.imu: Imu = chip(self._samples, self._seed)
        self._i2c[self.imu_address] = self.imu

    def fit_heart(self, light: Light) -> None:
        """Solder a MAX30102 that sees this light."""
        self.heart = self._i2c[HEART_ADDRESS] = Max30102(light)

    # Power and memory.

    def power_up(self) -> None:
        """Power comes back: everything that is not flash or a chip's own flash is lost."""
        self.uwb.powered = True
        self.imu.power_up(self._now())
        if self.heart is not None:
            self.heart.power_up(self._now())
        self.uwb.power_up()
        self.rtc_memory = b""
        self.set_clock(_EPOCH_AFTER_POWER_UP_US)
        self.reset(link.PWRON_RESET)

    def power_down(self) -> None:
        """Power goes: outputs fall, the modules are dead."""
        self.reset(link.PWRON_RESET)
        self.uwb.powered = False

    def reset(self, cause: int) -> None:
        """The processor starts again; chips on the bus keep their registers, as they do on a real board."""
        self.reset_cause = cause
        self.stop_watchdog()
        self._irq_edges.clear()
        for pin in wiring.OUTPUT_PINS:
            if self._levels.get(pin):
                self.set_output(pin, 0.0, 0)
        if cause != link.SOFT_RESET:
            self.wlan = Wlan()

    def start_watchdog(self, timeout_s: float, bite: Callable[[], None]) -> None:
        """Call `bite` unless fed within each `timeout_s`; it cannot be stopped but by a reset."""
        self._watchdog_s, self._bite = timeout_s, bite
        self.feed_watchdog()

    def feed_watchdog(self) -> None:
        """Start its time again."""
        if self._watchdog_s:
            timeout_s = self._watchdog_s
            self.stop_watchdog()
            self._watchdog_s = timeout_s
            self._watchdog = asyncio.get_running_loop().call_later(timeout_s, self._bite)

    def stop_watchdog(self) -> None:
        """Stop it, as a reset does."""
        self._watchdog_s = 0.0
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def set_clock(self, utc_us: int) -> None:
        """Set the real-time clock."""
        self._clock_offset_us = utc_us - time.monotonic_ns() // 1000

    def clock_us(self) -> int:
        """The real-time clock, UTC µs."""
        return self._clock_offset_us + time.monotonic_ns() // 1000

    # I2C.

    def i2c_scan(self, bus: int) -> bytes:
        """Addresses that answer."""
        return bytes(address for address in sorted(self._i2c) if self._answers(bus, address))

    def i2c_read(self, bus: int, address: int, register: int | None, count: int) -> bytes:
        """A read transaction; without `register` from where the last one ended. ENODEV when nothing answers."""
        self._require(bus, address)
        start = self._i2c_pointer.get(address, 0) if register is None else register
        self._i2c_pointer[address] = start
        return self._i2c[address].read(start, count, self._now())

    def i2c_write(self, bus: int, address: int, data: bytes) -> None:
        """A write transaction: register number, then values."""
        self._require(bus, address)
        if data:
            self._i2c_pointer[address] = data[0]
            self._i2c[address].write(data[0], data[1:], self._now())

    def _answers(self, bus: int, address: int) -> bool:
        self.imu.frozen = self.faults.imu_frozen
        missing = self.faults.imu_nak and address == self.imu_address
        return bus == wiring.I2C_BUS and address in self._i2c and not missing

    def _require(self, bus: int, address: int) -> None:
        if not self._answers(bus, address):
            raise OSError(errno.ENODEV, "no device answers")  # what the ESP32 port raises on a NAK

    # UART.

    def uart_in(self, uart: int, data: bytes) -> None:
        """Bytes the board sends."""
        if uart == wiring.UWB_UART:
            self._apply_uwb_faults()
            self.uwb.receive(data)

    def _uart_out(self, data: bytes) -> None:
        sink = self.uart_sinks.get(wiring.UWB_UART)
        if sink is not None:
            sink(data)

    def _apply_uwb_faults(self) -> None:
        self.uwb.garbage, self.uwb.silent = self.faults.uart_garbage, self.faults.uwb_silent

    # Pins.

    def set_output(self, pin: int, level: float, freq_hz: int) -> None:
        """The board drives a pin; only changes are recorded."""
        scaled = round(level * 65535)
        if self._levels.get(pin) == scaled and freq_hz == 0:
            return
        self._levels[pin] = scaled
        self.outputs.append(Output(self._now(), wiring.OUTPUT_PINS.get(pin, f"gpio{pin}"), level, freq_hz))

    def level(self, pin: int) -> int:
        """What the board reads at a pin."""
        default = 65535 if pin in wiring.PULLED_UP else 0
        return 1 if self._levels.get(pin, default) else 0

    def drive_input(self, pin: int, level: int) -> None:
        """The world drives a pin."""
        before = self.level(pin)
        self._levels[pin] = 65535 if level else 0
        edge = 0 if before == level else 1 if level else 2
        if edge & self._irq_edges.get(pin, 0) and self.pin_listener is not None:
            self.pin_listener(pin, level)

    def watch_pin(self, pin: int, edges: int) -> None:
        """Report edges (1 rising, 2 falling) of `pin` to `pin_listener`."""
        self._irq_edges[pin] = edges

    def adc_uv(self, pin: int) -> int:
        """Voltage at a pin in µV, with the converter's noise."""
        if pin != wiring.BATTERY_PIN:
            return 0
        noise_uv = self._rng.gauss(0.0, 2_000)  # ESP32-S3 converter, a few counts of 12 bit
        return max(0, round(self.battery_mv * 1000 / wiring.BATTERY_DIVIDER + noise_uv))

    # Wi-Fi.

    def wlan_connect(self) -> None:
        """Begin to associate."""
        self.wlan.connected_at_s = self._now() + ASSOCIATION_S

    def wlan_status(self) -> int:
        """A network.STAT_ value of the ESP32 port: 1000 idle, 1001 connecting, 1010 got IP, 201 none, 202 wrong key."""
        if not self.wlan.active or self.wlan.connected_at_s is None:
            return 1000
        if self.faults.wifi_down:
            return 201
        if self.faults.wifi_password_wrong:
            return 202
        return 1010 if self._now() >= self.wlan.connected_at_s else 1001
