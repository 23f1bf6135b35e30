"""The parts of a machine node behind a board's pin table: stack light, relay, speed input, button of the pairing."""

from jikimi.edge import modbus
from jikimi.edge.speed import Pulses, Register
from jikimi.edge.stack_light import TIMER_MS, StackLight
from jikimi.edge.warn import IDENTIFY

_TONE_HZ = 2700
_LEASE_TIMER = 0  # any hardware timer
_PAIRED_MS = 2000
_BUTTON_MS = 50
# A press stands for so long: while a tag changes its id it is two tags for a second, then one not yet measured.
_PRESS_MS = 3000
_MODBUS_PARITY = {"none": None, "even": 0, "odd": 1}


def stack_light(machine, pins, settings):
    """All of it off, and asking for slow, until somebody watches; `settings` is the section `machine`."""
    lights = [
        None if pin is None else machine.Pin(pin, machine.Pin.OUT, value=0)
        for pin in (pins.stack_red, pins.stack_amber, pins.stack_green, pins.clear)
    ]
    buzzer = None if pins.buzzer is None else machine.PWM(machine.Pin(pins.buzzer), freq=_TONE_HZ, duty_u16=0)
    red, amber, green, clear = lights
    light = StackLight(red, amber, green, buzzer, clear, settings.slow_at, settings.slow_signal == "pulses")
    light.timer = machine.Timer(_LEASE_TIMER)
    light.timer.init(mode=machine.Timer.PERIODIC, period=TIMER_MS, callback=light.overdue)
    return light


def speed_source(machine, pins, settings, port):
    """What measures the machine's speed as the configuration's section says; its `read` as speed.Speed wants it."""
    if settings.pulses_per_m is not None:
        count = counter(machine, machine.Pin(pins.pulse, machine.Pin.IN, machine.Pin.PULL_UP))
        return Pulses(count, drive(machine, pins.drive_off), settings.pulses_per_m, port)
    bus = settings.modbus
    if bus.over == "tcp":
        return Register(modbus.Tcp(bus.host, bus.port, bus.unit, port, bus.timeout_ms), bus)
    uart = machine.UART(
        pins.rs485_id,
        bus.baud,
        parity=_MODBUS_PARITY[bus.parity],
        # Without parity a second stop bit takes its place (MODBUS over Serial Line V1.02, 2.5.1).
        stop=2 if bus.parity == "none" else 1,
        tx=machine.Pin(pins.rs485_tx),
        rx=machine.Pin(pins.rs485_rx),
        timeout=0,
    )
    return Register(modbus.Rtu(uart, bus.unit, port, bus.timeout_ms), bus)


def counter(machine, pin):
    """A function that counts falling edges: the chip's pulse counter, or interrupts where it has none (ESP32-C3)."""
    if hasattr(machine, "Counter"):
        return machine.Counter(0, pin, edge=machine.Counter.FALLING).value
    return _Edges(machine, pin).value


class _Edges:
    def __init__(self, machine, pin):
        self._count = 0
        pin.irq(self._on_edge, machine.Pin.IRQ_FALLING)

    def _on_edge(self, _pin):
        self._count += 1

    def value(self):
        return self._count


def drive(machine, drive_off):
    """A function that says whether the drive may move: a contact to ground that is closed while it is off."""
    if drive_off is None:
        return lambda: True
    pin = machine.Pin(drive_off, machine.Pin.IN, machine.Pin.PULL_UP)
    return lambda: bool(pin.value())


class Watch:
    """`near` as proximity_node.NodeProximity: its listening keeps the stack light `signs` alive."""

    def __init__(self, near, signs):
        self._near = near
        self._signs = signs
        self._beat = None

    async def listen(self, beat):
        """As NodeProximity.listen."""
        self._beat = beat
        await self._near.listen(self._alive)

    def _alive(self):
        self._signs.alive()
        self._beat()


class ShownFault:
    """A faults.Fault of a part without which people are not seen: the stack light `signs` shows it as well."""

    def __init__(self, fault, signs, sensor):
        self._fault = fault
        self._signs = signs
        self._sensor = sensor

    def __call__(self, code):
        self._signs.fault(self._sensor, bool(code))
        self._fault(code)


async def watch_button(pressed, pair, signs, port, beat):
    """Every press at the machine: `pair()` says whether it exempted somebody; all lights blink when it did."""
    before = pressed()
    asked = None  # since when a press waits for its one tag
    while True:
        beat()
        now = pressed()
        if now and not before:
            asked = port.ticks_ms()
        before = now
        if asked is not None:
            paired = pair()
            if paired or port.ticks_diff(port.ticks_ms(), asked) >= _PRESS_MS:
                asked = None
                _answer(paired, signs, port)
        await port.sleep_ms(_BUTTON_MS)


def _answer(paired, signs, port):
    port.say("jk log paired with a tag" if paired else "jk log no single tag in contact")
    if paired:
        signs.briefly(IDENTIFY, _PAIRED_MS)
