"""Pin tables: one per kind of board, by the name in `config.board`. Pins of `virtual` are those of an ESP32-S3 tag."""


class Pins:
    """GPIO numbers; None where a board lacks the part."""

    def __init__(self, **pins):
        self.i2c_id = pins["i2c_id"]
        self.scl = pins["scl"]
        self.sda = pins["sda"]
        self.uart_id = pins["uart_id"]
        self.uart_tx = pins["uart_tx"]
        self.uart_rx = pins["uart_rx"]
        self.haptic = pins["haptic"]
        self.buzzer = pins["buzzer"]
        self.led_red = pins["led_red"]
        self.led_amber = pins["led_amber"]
        self.led_green = pins["led_green"]
        self.button = pins["button"]
        self.battery_adc = pins["battery_adc"]
        self.charger = pins["charger"]


_BOARDS = {
    "virtual": {
        "i2c_id": 0,
        "scl": 9,
        "sda": 8,
        "uart_id": 1,
        "uart_tx": 17,
        "uart_rx": 18,
        "haptic": 4,
        "buzzer": 5,
        "led_red": 6,
        "led_amber": 7,
        "led_green": 10,
        "button": 0,
        "battery_adc": 1,
        "charger": 2,
    },
}


def pins(board):
    """Pin table of a board; ValueError naming the known ones."""
    if board not in _BOARDS:
        raise ValueError(f"board {board!r} is not known; known: {', '.join(sorted(_BOARDS))}")
    return Pins(**_BOARDS[board])
