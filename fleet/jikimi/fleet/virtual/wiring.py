"""What is soldered to which pin of the virtual board, an ESP32-S3 tag; the firmware's table says the same."""

from __future__ import annotations

I2C_BUS = 0
UWB_UART = 1

OUTPUT_PINS = {4: "haptic", 5: "buzzer", 6: "led_red", 7: "led_amber", 10: "led_green"}
BUTTON_PIN = 0  # to ground when pressed, pull-up on the board
CHARGER_PIN = 2  # high while the charger's voltage is there
BATTERY_PIN = 1  # through a divider by two
BATTERY_DIVIDER = 2
