"""What is particular to MicroPython (ESP32 and the virtual board)."""

import asyncio
import gc
import ssl
import sys
import time

from jikimi.edge.files import Files

CORE = "native"
# Before this year a clock was never set: an ESP32 starts in 2000, a POSIX port in 1970.
_EARLIEST_YEAR = 2025
# Seconds between this port's epoch and 1970.
_EPOCH_S = 946_684_800 if time.gmtime(0)[0] == 2000 else 0

sleep_ms = asyncio.sleep_ms
wait_for_ms = asyncio.wait_for_ms
ticks_ms = time.ticks_ms
ticks_diff = time.ticks_diff


def load_core():
    """The signal core's functions: here the native module itself."""
    import jikimi.sigcore

    return jikimi.sigcore


def epoch_ms():
    """UTC in milliseconds; None while the clock is not set."""
    import machine

    if machine.RTC().datetime()[0] < _EARLIEST_YEAR:
        return None
    return time.time_ns() // 1_000_000 + _EPOCH_S * 1000


def files(root):
    """Files below `root`: `flush` writes through to flash (littlefs: sync of the file), names are journalled by it."""
    return Files(root, lambda file: file.flush(), lambda _path: None)


def tls_context(directory):
    """Mutual TLS with the DER files `ca`, `cert` and `key` in a directory; OSError or ValueError when they are bad."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=_content(directory + "/ca.der"))
    context.load_cert_chain(_content(directory + "/cert.der"), _content(directory + "/key.der"))
    return context


def _content(path):
    with open(path, "rb") as file:
        return file.read()


async def open_stream(host, port, context, server_name):
    """(reader, writer) over TLS, or plain TCP when `context` is None."""
    return await asyncio.open_connection(host, port, ssl=context, server_hostname=server_name)


def say(line):
    """One line on the console."""
    print(line)


def describe(error):
    """An exception as one short text."""
    return f"{type(error).__name__}({', '.join([str(arg) for arg in error.args])})"


def print_traceback(error):
    """For the technician who reads the console."""
    sys.print_exception(error)


def heap_free():
    """Bytes free for Python objects."""
    gc.collect()
    return gc.mem_free()


def reset():
    """Restart the device; does not return."""
    import machine

    machine.reset()
