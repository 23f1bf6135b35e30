"""Pin tables: which GPIO does what, by the name in `config.board` and the kind of device.

firmware/WIRING.md has the same tables with the wiring; a test holds both against each other and against what the chips
forbid (strapping, flash, USB, console pins). The virtual board is wired as an ESP32-S3-DevKitC-1.
"""

# Of both kinds; of a tag; of a node.
NAMES = (
    "i2c_id scl sda uart_id uart_tx uart_rx buzzer button"
    " haptic led_red led_amber led_green battery_adc charger"
    " stack_red stack_amber stack_green clear pulse drive_off rs485_id rs485_tx rs485_rx"
)

# Texts, and not tables: they take an eighth of the memory, and one of them is read once.
_S3 = {
    "tag": "i2c_id=0 scl=9 sda=8 uart_id=1 uart_tx=17 uart_rx=18 buzzer=5 button=0"
    " haptic=4 led_red=6 led_amber=7 led_green=10 battery_adc=1 charger=2",
    "node": "uart_id=1 uart_tx=17 uart_rx=18 buzzer=5 button=0 stack_red=11 stack_amber=12 stack_green=13 clear=14"
    " pulse=15 drive_off=16 rs485_id=2 rs485_tx=47 rs485_rx=21",
}
# The C3 has fewer pins: its tag ranges by BLE only and has no contact for a charger, its node has no RS-485.
_C3 = {
    "tag": "i2c_id=0 scl=5 sda=4 buzzer=3 button=9 haptic=1 led_red=6 led_amber=7 led_green=10 battery_adc=0",
    "node": "uart_id=1 uart_tx=0 uart_rx=1 button=9 stack_red=6 stack_amber=7 stack_green=10 clear=4 pulse=5"
    " drive_off=3",
}
# GPIO lines of a Raspberry Pi's header (BCM numbers); the UART is the header's own.
_PI = {
    "node": "uart_id=0 uart_tx=14 uart_rx=15 button=27 stack_red=5 stack_amber=6 stack_green=13 clear=19 pulse=23"
    " drive_off=24",
}

BOARDS = {"virtual": _S3, "esp32-s3-devkitc-1": _S3, "esp32-c3-devkitm-1": _C3, "linux": _PI}


class Pins:
    """GPIO numbers and bus numbers by NAMES; None where a board lacks the part."""

    def __init__(self, text):
        for part in text.split():
            name, number = part.split("=")
            setattr(self, name, int(number))

    def __getattr__(self, name):  # and no attributes: the name of each takes memory
        if name not in NAMES.split():
            raise AttributeError(name)


def pins(board, kind="tag"):
    """Pin table of a board for a kind of device; ValueError naming the known ones."""
    if board not in BOARDS:
        raise ValueError(f"board {board!r} is not known; known: {', '.join(sorted(BOARDS))}")
    if kind not in BOARDS[board]:
        raise ValueError(f"board {board!r} cannot be a {kind}")
    return Pins(BOARDS[board][kind])


def check(config):
    """ValueError when the configuration asks for what the board does not have."""
    found = pins(config.board, config.kind)
    speed = config.machine.speed if config.machine is not None else None
    wanted = [("uwb", config.uwb is not None, found.uart_tx)]
    if speed is not None:
        wanted.append(("machine.speed.pulses_per_m", speed.pulses_per_m is not None, found.pulse))
        rtu = speed.modbus is not None and speed.modbus.over == "rtu"
        wanted.append(("machine.speed.modbus over rtu", rtu, found.rs485_tx))
    for name, asked, pin in wanted:
        if asked and pin is None:
            raise ValueError(f"{name}: board {config.board} has no pins for it")
