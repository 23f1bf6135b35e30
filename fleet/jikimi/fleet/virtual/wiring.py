"""What is soldered to which pin of the virtual board, an ESP32-S3 tag; the firmware's table says the same."""

from __future__ import annotations

I2C_BUS = 0
UWB_UART = 1

BUTTON_PIN = 0  # to ground when pressed, pull-up on the board
CHARGER_PIN = 2  # high while the charger's voltage is there
BATTERY_PIN = 1  # through a divider by two
BATTERY_DIVIDER = 2
OUTPUT_PINS = {
    4: "haptic", 5: "buzzer", 6: "led_red", 7: "led_amber", 10: "led_green",
    11: "stack_red", 12: "stack_amber", 13: "stack_green", 14: "clear",
}  # fmt: skip
PULSE_PIN = 15  # of the machine's speed; falling edges, pull-up on the board
DRIVE_OFF_PIN = 16  # to ground while the machine's drive is off, pull-up on the board
PULLED_UP = (BUTTON_PIN, PULSE_PIN, DRIVE_OFF_PIN)
