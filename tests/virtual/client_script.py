# ruff: noqa: T201, ASYNC110
# mypy: ignore-errors
# Runs on the virtual board and, unchanged, on CPython with the same emulated modules. Prints what must be the same.
import asyncio
import struct

import bluetooth
import esp32
import machine
import network


def error_of(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return error.errno
    return 0


def i2c():
    bus = machine.I2C(0, scl=machine.Pin(9), sda=machine.Pin(8), freq=400000)
    print("scan", bus.scan())
    print("who", bus.readfrom_mem(0x6A, 0x0F, 1))
    print("nak", error_of(bus.readfrom_mem, 0x42, 0, 1) == 19)
    bus.writeto_mem(0x6A, 0x12, b"\x01")
    bus.writeto_mem(0x6A, 0x10, bytearray([0x40, 0x4C]))
    got = bytearray(3)
    bus.readfrom_mem_into(0x6A, 0x10, got)
    print("ctrl", got)
    bus.writeto(0x6A, b"\x10")
    print("plain", bus.readfrom(0x6A, 2))
    print("other bus", machine.I2C(1).scan())


def pins():
    print("button", machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP).value())
    led = machine.Pin(10, machine.Pin.OUT, value=1)
    print("led", led.value(), led())
    led.off()
    print("led", led.value())
    buzzer = machine.PWM(machine.Pin(5), freq=2700, duty_u16=32768)
    print("pwm", buzzer.freq(), buzzer.duty_u16(), buzzer.duty())
    buzzer.deinit()
    battery = machine.ADC(machine.Pin(1), atten=machine.ADC.ATTN_11DB)
    print("battery", abs(battery.read_uv() - 2_000_000) < 20_000, 40_000 < battery.read_u16() < 44_000)


def clock_and_memory():
    rtc = machine.RTC()
    print("year", rtc.datetime()[0])
    rtc.datetime((2026, 11, 24, 1, 3, 4, 5, 600))
    print("set", rtc.datetime()[:7])
    rtc.memory(b"keep")
    print("memory", rtc.memory())
    nvs = esp32.NVS("jikimi")
    print("nvs", error_of(nvs.get_i32, "n") == 2)
    nvs.set_i32("n", -7)
    nvs.set_blob("b", b"\x00\x01")
    blob = bytearray(4)
    print("nvs", nvs.get_i32("n"), nvs.get_blob("b", blob), blob)
    nvs.erase_key("n")
    print("nvs", error_of(nvs.erase_key, "n") == 2)
    print("id", len(machine.unique_id()), machine.freq() > 0)


async def answer(uart):
    for _ in range(1000):
        line = uart.readline()
        if line is not None:
            return line
        await asyncio.sleep(0.005)
    return None


async def uwb():
    uart = machine.UART(1, 115200, tx=17, rx=18, timeout=0)
    print("idle", uart.any(), uart.read(), uart.readline())
    uart.write(b"AT\r\n")
    print("at", await answer(uart))
    uart.write(b"AT+MODE=1\r\nAT+ADDRESS?\r\n")
    print("two", await answer(uart), await answer(uart))
    uart.write(b"AT+VER?\r\n")
    while not uart.any():
        await asyncio.sleep(0.005)
    head = bytearray(5)
    print("into", uart.readinto(head), head, uart.read(2), (await answer(uart))[-2:])


async def wifi():
    wlan = network.WLAN(network.STA_IF)
    print("wlan", wlan.active(), wlan.isconnected(), error_of(wlan.connect, "net", "key") != 0)
    wlan.active(True)
    wlan.connect("net", "key")
    print("connecting", wlan.status() == network.STAT_CONNECTING, wlan.ifconfig()[0])
    while not wlan.isconnected():
        await asyncio.sleep(0.01)
    print("connected", wlan.status() == network.STAT_GOT_IP, wlan.ifconfig()[0], wlan.status("rssi"))


async def ble():
    events = []

    def irq(event, data):
        if event == 5:
            events.append((data[0], len(bytes(data[1])), data[2], data[3], bytes(data[4])))
        else:
            events.append((event, data))

    radio = bluetooth.BLE()
    print("ble", error_of(radio.gap_scan, 0) != 0, radio.active(True), radio is bluetooth.BLE())
    radio.irq(irq)
    before = radio.config("mac")
    radio.config(addr_mode=3)
    print("mac", before[0], len(before[1]), radio.config("mac") != before)
    radio.gap_advertise(100_000, b"\x02\x01\x06", connectable=False)
    print("long", error_of(radio.gap_advertise, 100_000, bytes(32)) != 0)
    radio.gap_scan(0, 30_000, 30_000)
    while not events:
        await asyncio.sleep(0.01)
    radio.gap_scan(None)
    while events[-1] != (6, ()):
        await asyncio.sleep(0.01)
    print("heard", events[0])
    radio.gap_advertise(None)
    radio.active(False)


async def button():
    pressed = []
    pin = machine.Pin(0, machine.Pin.IN)
    pin.irq(pressed.append, machine.Pin.IRQ_FALLING)
    print("press now")
    while not pressed:
        await asyncio.sleep(0.01)
    print("pressed", pressed[0] is pin, pin.value())


async def main():
    i2c()
    pins()
    clock_and_memory()
    await uwb()
    await wifi()
    await ble()
    await button()
    machine.WDT(timeout=60_000).feed()
    print("cause", machine.reset_cause())
    print("end", struct.calcsize("<I"))


asyncio.run(main())
