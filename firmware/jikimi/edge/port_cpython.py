"""What is particular to CPython (a machine node that is a Linux gateway)."""

import asyncio
import base64
import importlib.util
import os
import ssl
import sys
import tempfile
import time
import zlib
from traceback import format_exception

from jikimi.edge.files import Files

CORE = "cffi"
GATEWAY = "linux"  # the board's name in the configuration
# The exit status that asks a supervisor (systemd: RestartForceExitStatus) for a new start.
RESTART_STATUS = 75


async def sleep_ms(ms):
    """Let other tasks run for so long."""
    await asyncio.sleep(ms / 1000)


async def wait_for_ms(awaitable, ms):
    """As asyncio.wait_for, which before Python 3.12 may keep a cancellation to itself; TimeoutError when late."""
    async with asyncio.timeout(ms / 1000):
        return await awaitable


def ticks_ms():
    """Milliseconds that never go back."""
    return time.monotonic_ns() // 1_000_000


def ticks_diff(later, earlier):
    """`later` - `earlier`; the MicroPython clock wraps, this one does not."""
    return later - earlier


def machine(board):
    """The module with pins and buses, with the interface of MicroPython's: this computer's, or the virtual board's.

    OSError on a gateway without the packages it needs: nothing but installing them would help.
    """
    if board == GATEWAY:
        if importlib.util.find_spec("bleak") is None:
            raise OSError("bleak is not installed: pip install 'jikimi[gateway]'")
        from jikimi.edge import gateway_machine as chosen
    else:
        import machine as chosen
    return chosen


def ble(board):
    """The BLE controller, with the interface of MicroPython's `bluetooth.BLE`."""
    if board == GATEWAY:
        from jikimi.edge.gateway_ble import Ble  # needs the extra `gateway`

        return Ble()
    import bluetooth

    return bluetooth.BLE()


def load_core():
    """The signal core's functions, the same as the native module's."""
    from jikimi.sigcore import block

    return block


def epoch_ms():
    """UTC in milliseconds: a gateway's clock is kept by its operating system."""
    return time.time_ns() // 1_000_000


def set_clock(epoch):
    """Nothing: setting a gateway's clock is its operating system's business."""


def files(root):
    """Files below `root`, synchronised to disk, names too."""
    return Files(root, _sync_file, _sync_directory)


def _sync_file(file):
    file.flush()
    os.fsync(file.fileno())


def _sync_directory(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def tls_context(directory):
    """Mutual TLS with the DER files `ca`, `cert` and `key` in a directory; OSError or ValueError when they are bad."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=_content(directory + "/ca.der"))
    # OpenSSL reads a chain from PEM files only; the key is on disk for as long as this call, readable by us alone.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:
        pem.write(_pem("CERTIFICATE", _content(directory + "/cert.der")))
        key = _content(directory + "/key.der")
        pem.write(_pem("PRIVATE KEY" if _is_pkcs8(key) else "EC PRIVATE KEY", key))
        pem.flush()
        context.load_cert_chain(pem.name)
    return context


def _is_pkcs8(der):
    # PKCS8 is SEQUENCE { INTEGER 0, SEQUENCE …, SEC1 is SEQUENCE { INTEGER 1, OCTET STRING … (RFC 5958, RFC 5915).
    body = der[2:] if der[1] < 0x80 else der[2 + (der[1] & 0x7F) :]
    return body[:3] == b"\x02\x01\x00"


def _pem(label, der):
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"


def _content(path):
    with open(path, "rb") as file:
        return file.read()


async def open_stream(host, port, context, server_name):
    """(reader, writer) over TLS, or plain TCP when `context` is None."""
    return await asyncio.open_connection(host, port, ssl=context, server_hostname=server_name if context else None)


def application_dir(_root):
    """Where the application's files are: what the fingerprint in the birth message is taken of."""
    return os.path.dirname(__file__)


def native_arch():
    """None: a gateway's application comes with its packages, not as a release."""


def inflated(file, window_bits):
    """The content of a deflate stream piece by piece; ValueError when it is none."""
    stream = zlib.decompressobj(-window_bits)
    try:
        while not stream.eof:
            data = file.read(512)
            if not data:
                raise ValueError("the stream is cut off")
            yield stream.decompress(data)
    except zlib.error as error:
        raise ValueError("not a deflate stream") from error


def say(line):
    """One line on the console, at once: it is a ledger."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def describe(error):
    """An exception as one short text."""
    return f"{type(error).__name__}({', '.join(str(arg) for arg in error.args)})"


def traceback(error):
    """An exception with its traceback, as text."""
    return "".join(format_exception(error)).rstrip()


def heap_free():
    """None: a gateway has no fixed heap to report on."""


def reset():
    """End the process with the status that asks for a new start."""
    sys.stdout.flush()
    os._exit(RESTART_STATUS)
