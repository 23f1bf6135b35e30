"""The frames between a board's emulated modules (rom/_world.py) and the world, over a Unix-domain stream socket.

A board opens one connection for calls, one for events when it wants any, and one per UART. The first frame on each is
HELLO. Request: op u8, seq u8, arg u8, 0, length u16, payload. Reply (only to the ops above ONE_WAY): seq u8, errno u8,
length u16, payload. Event: kind u8, length u8, payload. All little endian. After its HELLO a UART connection carries
the bare bytes of the line. rom/_world.py has the same numbers; a test compares them.
"""

from __future__ import annotations

import struct

REQUEST = struct.Struct("<BBBxH")
REPLY = struct.Struct("<BBH")

# One way: no reply, so that setting a pin costs no round trip.
PIN_MODE = 0x01  # arg pin; mode u8 (1 in, 3 out), pull u8 (0 none, 1 down, 2 up)
PIN_SET = 0x02  # arg pin; level u8
PIN_IRQ = 0x03  # arg pin; edges u8 (1 rising, 2 falling)
PWM_SET = 0x04  # arg pin; frequency u32 Hz, duty u16
WDT_FEED = 0x05
UART_INIT = 0x06  # arg uart; baud rate u32
ONE_WAY = 0x0F  # the last one-way op

HELLO = 0x10  # arg channel (0 calls, 1 events, 16 + n UART n); name of the board
BOOTED = 0x11  # the emulated board is about to run /boot.py; reply: flags u8 (bit 0: skip main.py)
I2C_SCAN = 0x12  # arg bus; reply: one byte per address that answers
I2C_READ_MEM = 0x13  # arg bus; address u8, register u8, count u16
I2C_WRITE_MEM = 0x14  # arg bus; address u8, register u8, data
I2C_READ = 0x15  # arg bus; address u8, count u16
I2C_WRITE = 0x16  # arg bus; address u8, data
PIN_GET = 0x17  # arg pin; reply: level u8
ADC_UV = 0x18  # arg pin; reply: u32 µV at the pin
INFO = 0x19  # reply: reset cause u8, unique id 6 bytes
RESET = 0x1A  # arg 2 hard, 4 deep sleep, 5 soft; sleep ms u32. No reply: the process is killed
WDT_START = 0x1B  # timeout ms u32
RTC_MEMORY = 0x1C  # arg 0 get, 1 set; data
RTC_TIME = 0x1D  # arg 0 get, 1 set; UTC µs since 1970 i64
NVS_GET = 0x1E  # key (namespace 0x00 name); reply: value, ENOENT when there is none
NVS_SET = 0x1F  # key length u8, key, value
NVS_ERASE = 0x20  # key
BLE_ACTIVE = 0x21  # arg 0 off, 1 on
BLE_ADVERTISE = 0x22  # interval µs u32 (0 stops), advert type u8, data
BLE_SCAN = 0x23  # duration ms i32 (negative stops, 0 for ever), interval µs u32, window µs u32
BLE_MAC = 0x24  # reply: address type u8, 6 bytes
BLE_NEW_MAC = 0x25  # arg 2 resolvable, 3 non-resolvable: take a new random address
WLAN_ACTIVE = 0x26  # arg 0 off, 1 on
WLAN_CONNECT = 0x27  # ssid 0x00 key
WLAN_DISCONNECT = 0x28
WLAN_STATUS = 0x29  # reply: status u16, rssi i8

CHANNEL_CALLS, CHANNEL_EVENTS, CHANNEL_UART = 0, 1, 16

EVENT_SCAN_RESULT = 1  # address type u8, address 6, advert type u8, rssi i8, data
EVENT_SCAN_DONE = 2
EVENT_PIN = 3  # pin u8, level u8

# Values of machine.reset_cause() on the ESP32 port.
PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
