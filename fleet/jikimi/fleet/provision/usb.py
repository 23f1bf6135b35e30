"""Files onto a board over its USB port: the raw REPL by mpremote's own transport, each file read back by its hash."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jikimi.fleet.errors import BoardError

# Bytes of a file in one command: its text form must fit into a small heap several times over.
_CHUNK_BYTES = 2048
_SERIAL_TIMEOUT_S = 1.0
_MAIN = "/main.py"
_RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
_ANSWER_S = 10.0  # a board that was just reset may take seconds to listen
_TRY_S = 1.0

Progress = Callable[[str, int, int], None]  # path, files done, files in all


def install(port: str, files: Mapping[str, bytes], *, reset: bool = True, progress: Progress | None = None) -> int:
    """Make the board at `port` have `files` (absolute device paths); files that are right already are left alone.

    /main.py comes last, so that a board whose cable was pulled does not start half an application. Then the board is
    reset. Returns how many files were written; BoardError when the board does not answer or a file reads back wrong.
    """
    order = sorted(files, key=lambda path: (path == _MAIN, path))
    written = 0
    with _raw_repl(port) as transport:
        for done, path in enumerate(order):
            if progress is not None:
                progress(path, done, len(order))
            written += _ensure(transport, port, path, files[path])
        if reset:
            transport.exec_raw_no_follow("import machine\nmachine.reset()")
            transport.in_raw_repl = False  # it will not answer any more
    return written


def read_file(port: str, path: str) -> bytes:
    """Content of a file on the board; BoardError when there is none."""
    with _raw_repl(port) as transport:
        return bytes(transport.fs_readfile(path, chunk_size=_CHUNK_BYTES))


def run(port: str, code: str) -> str:
    """Execute `code` on the board after a soft reset without /main.py; what it printed. BoardError when it raises."""
    with _raw_repl(port) as transport:
        output: bytes = transport.exec(code)
        return output.decode().replace("\r\n", "\n")


def _ensure(transport: Any, port: str, path: str, content: bytes) -> bool:
    """Whether the file had to be written."""
    if _has(transport, path, content):
        return False
    _make_parents(transport, path)
    transport.fs_writefile(path, content, chunk_size=_CHUNK_BYTES)
    if not _has(transport, path, content):
        raise BoardError(f"{path} on the board at {port} does not read back as written: its flash may be worn out")
    return True


def _has(transport: Any, path: str, content: bytes) -> bool:
    if not transport.fs_exists(path):
        return False
    return bool(transport.fs_hashfile(path, "sha256") == hashlib.sha256(content).digest())


def _make_parents(transport: Any, path: str) -> None:
    parts = path.split("/")[1:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/" + "/".join(parts[:depth])
        if not transport.fs_exists(folder):
            transport.fs_mkdir(folder)


@contextmanager
def _raw_repl(port: str) -> Iterator[Any]:
    try:
        from mpremote.transport import TransportError  # type: ignore[import-untyped]
        from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]
    except ImportError as error:
        raise BoardError("boards are reached with mpremote: pip install 'jikimi[virtual]'") from error

    transport = None
    try:
        transport = SerialTransport(port, timeout=_SERIAL_TIMEOUT_S)
        _wake(transport)
        transport.enter_raw_repl()
        yield transport
        if transport.in_raw_repl:
            transport.exit_raw_repl()
    except (TransportError, OSError) as error:
        raise BoardError(f"the board at {port} failed: {error}") from error
    finally:
        if transport is not None:
            transport.close()


def _wake(transport: Any) -> None:
    """Interrupt what runs and ask for the raw REPL until it answers: what is sent to a booting board is lost."""
    deadline = time.monotonic() + _ANSWER_S
    while time.monotonic() < deadline:
        transport.serial.write(b"\r\x03\r\x01")
        if transport.read_until(1, _RAW_PROMPT, timeout=_TRY_S, timeout_overall=_TRY_S).endswith(_RAW_PROMPT):
            return
    raise OSError("no answer: is MicroPython on it, and is no other program using the port?")
