"""What is particular to MicroPython (ESP32 and the virtual board)."""

import asyncio
import errno
import gc
import io
import ssl
import sys
import time

import deflate

import jikimi.edge as _edge
from jikimi.edge.files import Files

CORE = "native"
# By the number in sys.implementation._mpy (MicroPython, py/persistentcode.h).
_ARCHES = {2: "x64", 10: "xtensawin", 11: "rv32imc"}
# Before this year a clock was never set: an ESP32 starts in 2000, a POSIX port in 1970.
_EARLIEST_YEAR = 2025
_DAY_MS = 86_400_000
# In the chip's memory that lives exactly as long as its clock: that is put at a guess, and no start may believe it.
_GUESS = b"guess"
# When the site's authority came into being, UTC in ms: `tls_context` reads it.
_site_since_ms = 0
# Seconds between this port's epoch and 1970.
_EPOCH_S = 946_684_800 if time.gmtime(0)[0] == 2000 else 0

sleep_ms = asyncio.sleep_ms
wait_for_ms = asyncio.wait_for_ms
ticks_ms = time.ticks_ms
ticks_diff = time.ticks_diff


def machine(_board):
    """The module with the chip's pins and buses."""
    import machine

    return machine


def ble(_board):
    """The BLE controller."""
    import bluetooth

    return bluetooth.BLE()


def load_core():
    """The signal core's functions: here the native module itself."""
    import jikimi.sigcore

    return jikimi.sigcore


def epoch_ms():
    """UTC in milliseconds by the chip's clock; None while that is not set."""
    import machine

    rtc = machine.RTC()
    if rtc.memory() == _GUESS:
        return None
    year, month, day, _weekday, hour, minute, second, us = rtc.datetime()
    now_ms = (_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000 + us // 1000
    # Before the site began, and in its first day, it is no time that anybody told.
    return None if year < _EARLIEST_YEAR or now_ms < _site_since_ms + _DAY_MS else now_ms


def set_clock(epoch):
    """Set the chip's clock, which keeps it over resets, to a UTC in milliseconds."""
    _put_clock(epoch)
    _mark_clock(b"")  # after it: a reset in between leaves a right time that is not believed


def _put_clock(epoch):
    import machine

    year, month, day, hour, minute, second, weekday, _yearday = time.gmtime(epoch // 1000 - _EPOCH_S)[:8]
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, epoch % 1000 * 1000))


def _mark_clock(mark):
    import machine

    machine.RTC().memory(mark)


def _days(year, month, day):
    """Days from 1970-01-01 (mktime counts from another year on some ports, and in local time on others).

    Years are counted from March, so that the leap day is the last of its year.
    """
    if month < 3:
        year -= 1
    from_march = (month + 9) % 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * from_march + 2) // 5 + day - 719469


def files(root):
    """Files below `root`: `flush` writes through to flash (littlefs: sync of the file), names are journalled by it."""
    return Files(root, lambda file: file.flush(), lambda _path: None)


def tls_context(directory):
    """Mutual TLS with the DER files `ca`, `cert` and `key` in a directory; OSError or ValueError when they are bad."""
    global _site_since_ms
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    authority = _content(directory + "/ca.der")
    context.load_verify_locations(cadata=authority)
    _site_since_ms = _valid_since_ms(authority)
    context.load_cert_chain(_content(directory + "/cert.der"), _content(directory + "/key.der"))
    return context


def _valid_since_ms(certificate):
    """UTC in ms from which a certificate (DER) is valid: the first time in it (RFC 5280, 4.1.2.5.1); 0: none found."""
    at = -1
    while True:
        at = certificate.find(b"\x17\x0d", at + 1)  # UTCTime of 13 bytes: YYMMDDhhmmssZ
        if at < 0:
            return 0
        text = certificate[at + 2 : at + 15]
        if text[:12].isdigit() and text[12:] == b"Z":
            year, month, day, hour, minute, second = [int(text[i : i + 2]) for i in range(0, 12, 2)]
            return (_days(2000 + year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000


def _content(path):
    with open(path, "rb") as file:
        return file.read()


async def open_stream(host, port, context, server_name):
    """(reader, writer) over TLS, or plain TCP when `context` is None.

    An ESP32 checks validity by its clock, which starts in the year 2000: then no certificate is valid yet, and the
    site, which would set the clock, is never reached. So a clock that nobody has set is put at the site's beginning,
    and marked as a guess first.
    """
    if context is not None and _site_since_ms and epoch_ms() is None:
        _mark_clock(_GUESS)
        _put_clock(_site_since_ms)
    try:
        return await asyncio.open_connection(host, port, ssl=context, server_hostname=server_name)
    except IndexError:  # asyncio takes the first address, and an ESP32 gives none, and no error, for an unknown name
        raise OSError(errno.EHOSTUNREACH, "no address for " + host) from None


def application_dir(_root):
    """Where the application's files are: what the fingerprint in the birth message is taken of."""
    return _edge.__path__.rpartition("/")[0]


def native_arch():
    """Architecture of the native code this interpreter takes; None for one that no release is made for."""
    return _ARCHES.get(getattr(sys.implementation, "_mpy", 0) >> 10 & 0x0F)


def inflated(file, window_bits):
    """The content of a deflate stream piece by piece; ValueError when it is none."""
    stream = deflate.DeflateIO(file, deflate.RAW, window_bits)
    while True:
        try:
            piece = stream.read(512)
        except (OSError, EOFError):
            raise ValueError("not a deflate stream") from None
        if not piece:
            return
        yield piece


def say(line):
    """One line on the console."""
    print(line)


def describe(error):
    """An exception as one short text."""
    return f"{type(error).__name__}({', '.join([str(arg) for arg in error.args])})"


def traceback(error):
    """An exception with its traceback, as text; without it when there is no memory left for it."""
    gc.collect()
    try:
        text = io.StringIO()
        sys.print_exception(error, text)
        return text.getvalue().rstrip()
    except MemoryError:
        return type(error).__name__


def heap_free():
    """Bytes free for Python objects."""
    gc.collect()
    return gc.mem_free()


def reset():
    """Restart the device; does not return."""
    import machine

    machine.reset()
