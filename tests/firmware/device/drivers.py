"""Both drivers against fakes of their chips; prints what came of each case."""

# ruff: noqa: T201 - stdout is the result.

import asyncio
import json
import struct

from fake_chips import FakeLsm6dsox, FakeUart

from jikimi.edge.drivers.lsm6dsox import Lsm6dsox
from jikimi.edge.drivers.ryuw122 import ANCHOR, Ryuw122
from jikimi.edge.port import port

here = port()
result = {}


async def imu():
    chip = FakeLsm6dsox()
    driver = Lsm6dsox(chip, 104, here.sleep_ms)
    await driver.start()
    result["set up"] = {"acc": chip.registers[0x10], "gyro": chip.registers[0x11], "batch": chip.registers[0x09],
                        "mode": chip.registers[0x0A], "control": chip.registers[0x12]}  # fmt: skip
    samples = bytearray(16 * 12)
    result["empty"] = driver.read_into(samples)
    for i in range(3):
        chip.feed(0x01, 10 + i, -20, 30)
        chip.feed(0x04, 0, 0, 0)  # a time stamp, which nobody asked for
        chip.feed(0x02, 100 + i, -200, 32767)
    count = driver.read_into(samples)
    result["samples"] = [list(struct.unpack_from("<6h", samples, 12 * i)) for i in range(count)]
    for i in range(100):
        chip.feed(0x01, 0, 0, 0)
        chip.feed(0x02, i, 0, 0)
    chip.overrun = True
    counts = [driver.read_into(samples) for _ in range(7)]
    result["burst"] = counts
    result["overruns"] = driver.overruns > 0
    result["wrong chip"] = await refused(Lsm6dsox(FakeLsm6dsox(0x6A), 104, here.sleep_ms).start)
    chip.broken = True
    result["no chip"] = await refused(driver.start)


async def refused(call, *args):
    try:
        await call(*args)
    except OSError as error:
        return "OSError " + str(error.args[0])
    return "taken"


def module(line):
    if line.startswith("AT+ANCHOR_SEND=TAG00001,"):
        return b"+OK\r\n+ANCHOR_RCV=TAG00001,5,a,b,c,412 cm\r\n"
    if line.startswith("AT+ANCHOR_SEND=STALE001,"):
        return b"+OK\r\n+ANCHOR_RCV=OTHER001,0,,900 cm\r\n"
    if line.startswith("AT+ANCHOR_SEND=SPOILT01,"):
        return b"+OK\r\n\xff\xfe\r\n+ANCHOR_RCV=SPOILT01,9,x,4\r\n"
    if line.startswith("AT+ANCHOR_SEND=WRONG001,"):
        return b"+ERR=5\r\n"
    return b"+ERR=4\r\n" if line == "AT+ADDRESS=" else b"+OK\r\n"


async def uwb():
    uart = FakeUart(module)
    driver = Ryuw122(uart, here)
    await driver.start(ANCHOR, "FAB00001", "NODE0001")
    result["commands"] = uart.sent[:]
    for address in ("TAG00001", "STALE001", "SPOILT01", "WRONG001"):
        result[address] = await driver.exchange(address, "hello")
    result["garbled"] = driver.garbled
    result["refused"] = await refused(driver.set_address, "")
    uart.say(b"+READY\r\n+TAG_RCV=3,1,2\r\n+TAG_RCV=9,short\r\n")
    result["received"] = [driver.received(), driver.received()]
    uart.say(b"x" * 300)
    driver.received()
    uart.say(b"\r\n+TAG_RCV=2,ok\r\n")
    result["after noise"] = driver.received()
    silent = Ryuw122(FakeUart(lambda _line: b""), here)
    result["silent start"] = await refused(silent.start, ANCHOR, "FAB00001", "NODE0001")
    for name, answer in (("silent", b""), ("noisy", b"\xfe\x93K\r\nxyz\r\n"), ("refusing", b"+ERR=3\r\n")):
        result[name + " exchanges"] = await exchanges(Ryuw122(FakeUart(lambda _line, a=answer: a), here))


async def exchanges(driver):
    """How many exchanges give no distance before the module is taken for broken."""
    tries = 0
    while await refused(driver.exchange, "TAG00001", "x") == "taken":
        tries += 1
    return tries


async def main():
    await imu()
    await uwb()


asyncio.run(main())
print(json.dumps(result))
