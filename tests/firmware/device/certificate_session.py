"""One connection of the real MQTT client over real TLS, with the date the chip's clock has; prints how it went.

Arguments: port, server name, client id, seconds since 1970 of the chip's clock (empty: it has never been set). The
folder `tls` has the device's files. The interpreter's own UTC, by which mbedTLS checks validity, is this chip's: it is
in the file named by FAST_CLOCK (tools/fast_clock.c), and machine.RTC changes it there, as it does on an ESP32.
"""

# ruff: noqa: T201, PTH123 - stdout is the result; MicroPython has no pathlib.

import asyncio
import json
import os
import struct
import sys
import time


class Rtc:
    """machine.RTC of a chip whose clock is the interpreter's."""

    kept = b""

    def memory(self, data=None):
        if data is not None:
            Rtc.kept = data
        return Rtc.kept

    def datetime(self, when=None):
        now = time.time()
        if when is not None:
            year, month, day, _weekday, hour, minute, second, _us = when
            wanted = time.mktime((year, month, day, hour, minute, second, 0, 0))
            with open(os.getenv("FAST_CLOCK"), "r+b") as file:
                skipped_us, off_us = struct.unpack("<qq", file.read(16))
                file.seek(0)
                file.write(struct.pack("<qq", skipped_us, off_us + (wanted - int(now)) * 1_000_000))
        year, month, day, hour, minute, second, weekday, _yearday = time.gmtime(int(now))[:8]
        return (year, month, day, weekday, hour, minute, second, 0)


class Machine:
    RTC = Rtc


sys.modules["machine"] = Machine

from jikimi.edge.mqtt import Client  # noqa: E402
from jikimi.edge.port import port  # noqa: E402

here = port()
port_number, server_name, client_id = int(sys.argv[1]), sys.argv[2], sys.argv[3]
tls = here.tls_context("tls")
outcome = {"knows the time": here.epoch_ms() is not None, "connected": False, "reason": None}


async def session():
    client = Client(here, lambda: here.open_stream("127.0.0.1", port_number, tls, server_name), client_id)
    try:
        await client.connect()
        outcome["connected"] = True
    except OSError as error:
        outcome["reason"] = here.describe(error)
    await client.close()
    outcome["knows the time after"] = here.epoch_ms() is not None


asyncio.run(session())
print(json.dumps(outcome))
