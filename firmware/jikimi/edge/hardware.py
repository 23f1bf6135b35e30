"""The objects of `machine`, `bluetooth` and `network` that a board's pin table names."""

from jikimi.edge import boards
from jikimi.edge.inputs import Input
from jikimi.edge.radio import Radio
from jikimi.wire import kinds

_I2C_HZ = 400_000
_RESETS = ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET", "SOFT_RESET")
_REASONS = ("power", "hard", "watchdog", "deepsleep", "soft")


class Hardware:
    """What is soldered to this board. Parts are made when asked for."""

    def __init__(self, config, port):
        self._machine = port.machine(config.board)
        self._config = config
        self._port = port
        self._pins = boards.pins(config.board, config.kind)

    def reset_reason(self):
        """Why the chip started, one word."""
        cause = self._machine.reset_cause()
        for name, reason in zip(_RESETS, _REASONS):  # noqa: B905 - MicroPython's zip has no strict
            if getattr(self._machine, name, None) == cause:
                return reason
        return "unknown"

    def watchdog(self, timeout_ms):
        """Start it; the function that feeds it."""
        return self._machine.WDT(timeout=timeout_ms).feed

    def warner(self):
        """Vibration, tone and lights; the stack light on a node."""
        machine, pins = self._machine, self._pins
        if self._config.kind == "node":
            from jikimi.edge.node_parts import stack_light

            return stack_light(machine, pins, self._config.machine)
        from jikimi.edge.warn import Warner

        outputs = [
            machine.Pin(pin, machine.Pin.OUT) for pin in (pins.haptic, pins.led_red, pins.led_amber, pins.led_green)
        ]
        buzzer = machine.PWM(machine.Pin(pins.buzzer), freq=2700, duty_u16=0)
        red, amber, green = outputs[1:]
        wearer = self._config.wearer
        return Warner(outputs[0], buzzer, red, amber, green, wearer.hears, wearer.sees_colour)

    def imu(self):
        """The inertial unit, not started."""
        name = self._config.imu.driver
        # Only the driver that is wanted takes memory; a node has none.
        module = __import__("jikimi.edge.drivers." + name, None, None, (name,))
        driver = getattr(module, name[0].upper() + name[1:])(self.i2c(), self._config.imu.rate_hz, self._port.sleep_ms)
        if driver.missing():
            self._port.say("jk log the sensor needs the file " + driver.missing() + " (firmware/WIRING.md)")
        return driver

    def i2c(self):
        """The bus of the sensors."""
        machine, pins = self._machine, self._pins
        return machine.I2C(pins.i2c_id, scl=machine.Pin(pins.scl), sda=machine.Pin(pins.sda), freq=_I2C_HZ)

    def uwb(self):
        """The ranging module, not started; None when the configuration has none."""
        if self._config.uwb is None:
            return None
        from jikimi.edge.drivers import ryuw122

        machine, pins = self._machine, self._pins
        tx, rx = machine.Pin(pins.uart_tx), machine.Pin(pins.uart_rx)
        return ryuw122.Ryuw122(machine.UART(pins.uart_id, ryuw122.BAUD, tx=tx, rx=rx, timeout=0), self._port)

    def air(self):
        """The BLE radio, not started."""
        return Radio(self._port.ble(self._config.board), self._port.ticks_ms)

    def speed(self, make_fault):
        """The machine's speed input as speed.Speed, or None when the configuration has none.

        `make_fault(kinds.SENSOR_SPEED)` gives the function that hears of its faults.
        """
        settings = self._config.machine.speed
        if settings is None:
            return None
        from jikimi.edge.node_parts import speed_source
        from jikimi.edge.speed import Speed

        source = speed_source(self._machine, self._pins, settings, self._port)
        fault = make_fault(kinds.SENSOR_SPEED)
        return Speed(source, settings, self._config.machine.separation.max_mm_s, self._port, fault)

    def button(self):
        """A function that says whether the button is pressed (it connects to ground)."""
        machine = self._machine
        return Input(machine.Pin(self._pins.button, machine.Pin.IN, machine.Pin.PULL_UP), 0)

    def docked(self):
        """A function that says whether the charger's voltage is there (high, through a divider)."""
        if self._pins.charger is None:
            return Input(None, 1)
        machine = self._machine
        return Input(machine.Pin(self._pins.charger, machine.Pin.IN, machine.Pin.PULL_DOWN), 1)

    def battery_adc(self):
        """The converter at the battery, for the full range of a cell behind its divider."""
        machine = self._machine
        return machine.ADC(machine.Pin(self._pins.battery_adc), atten=machine.ADC.ATTN_11DB)

    def wifi(self):
        """The station, or None when the configuration names no network."""
        if self._config.wifi is None:
            return None
        import network

        from jikimi.edge.wifi import Wifi

        return Wifi(network, self._config.wifi, self._port)
