"""Files onto a board over its USB port: the raw REPL by mpremote's own transport, each file read back by its hash."""

from __future__ import annotations

import ast
import base64
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

from jikimi.fleet.errors import BoardError

# Bytes of a file in one command, which the board holds in memory as text and as bytes.
_CHUNK_BYTES = 2048
_PATHS_AT_ONCE = 32
_SERIAL_TIMEOUT_S = 1.0
_MAIN = "/main.py"
_RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
_ANSWER_S = 10.0  # a board that was just reset may take seconds to listen
_TRY_S = 1.0
_OPEN_S = 3.0  # a port that another program is just letting go, or that a reset took off the bus
_REOPEN_S = 0.05

# What the board runs; {…} is filled in with literals.
_HASHES = """
import hashlib
def digest(path):
    try:
        f = open(path, 'rb')
    except OSError:
        return None
    h = hashlib.sha256()
    while True:
        data = f.read(512)
        if not data:
            break
        h.update(data)
    f.close()
    return h.digest()
print({{path: digest(path) for path in {paths}}})
"""
_FOLDERS = """
import os
for folder in {folders}:
    try:
        os.mkdir(folder)
    except OSError as error:
        if error.errno != 17:
            raise
"""
_APPEND = """
import binascii
with open({path!r}, {mode!r}) as f:
    f.write(binascii.a2b_base64({text}))
"""

Progress = Callable[[str, int, int], None]  # path, files written, files to write


def install(port: str, files: Mapping[str, bytes], *, reset: bool = True, progress: Progress | None = None) -> int:
    """Make the board at `port` have `files` (absolute device paths); files that are right already are left alone.

    /main.py comes last, so that a board whose cable was pulled does not start half an application. Then the board is
    reset. Returns how many files were written; BoardError when the board does not answer or a file reads back wrong.
    """
    with _raw_repl(port) as transport:
        wrong = _differing(transport, files)
        _make_folders(transport, wrong)
        for done, path in enumerate(wrong):
            if progress is not None:
                progress(path, done, len(wrong))
            _write(transport, path, files[path])
        damaged = _differing(transport, {path: files[path] for path in wrong})
        if damaged:
            raise BoardError(f"{damaged[0]} on the board at {port} reads back wrong: is its flash worn out?")
        if reset:
            transport.exec_raw_no_follow("import machine\nmachine.reset()")
            transport.in_raw_repl = False  # it will not answer any more
    return len(wrong)


def read_file(port: str, path: str) -> bytes:
    """Content of a file on the board; BoardError when there is none."""
    with _raw_repl(port) as transport:
        return bytes(transport.fs_readfile(path, chunk_size=_CHUNK_BYTES))


def run(port: str, code: str) -> str:
    """Execute `code` on the board after a soft reset without /main.py; what it printed. BoardError when it raises."""
    with _raw_repl(port) as transport:
        output: bytes = transport.exec(code)
        return output.decode().replace("\r\n", "\n")


def _differing(transport: Any, files: Mapping[str, bytes]) -> list[str]:
    """Those of `files` that are missing on the board or have another hash; /main.py last."""
    order = sorted(files, key=lambda path: (path == _MAIN, path))
    wrong = []
    for start in range(0, len(order), _PATHS_AT_ONCE):
        some = order[start : start + _PATHS_AT_ONCE]
        found = ast.literal_eval(transport.exec(_HASHES.format(paths=some)).decode())
        wrong += [path for path in some if found[path] != hashlib.sha256(files[path]).digest()]
    return wrong


def _make_folders(transport: Any, paths: Iterable[str]) -> None:
    folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents} - {"/"}
    if folders:
        transport.exec(_FOLDERS.format(folders=sorted(folders)))


def _write(transport: Any, path: str, content: bytes) -> None:
    for start in range(0, max(1, len(content)), _CHUNK_BYTES):
        text = base64.b64encode(content[start : start + _CHUNK_BYTES])
        transport.exec(_APPEND.format(path=path, mode="ab" if start else "wb", text=text))


@contextmanager
def _raw_repl(port: str) -> Iterator[Any]:
    try:
        from mpremote.transport import TransportError  # type: ignore[import-untyped]
        from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]
    except ImportError as error:
        raise BoardError("boards are reached with mpremote: pip install 'jikimi[virtual]'") from error

    transport = None
    try:
        transport = _opened(lambda: SerialTransport(port, timeout=_SERIAL_TIMEOUT_S), TransportError)
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


def _opened(attempt: Callable[[], Any], refused: type[Exception]) -> Any:
    """The port as soon as it opens: a board that was just reset, or a program that just let go, needs a moment."""
    deadline = time.monotonic() + _OPEN_S
    while True:
        try:
            return attempt()
        except refused:
            if time.monotonic() > deadline:
                raise
        time.sleep(_REOPEN_S)


def _wake(transport: Any) -> None:
    """Interrupt what runs and ask for the raw REPL until it answers: what is sent to a booting board is lost."""
    deadline = time.monotonic() + _ANSWER_S
    while time.monotonic() < deadline:
        transport.serial.write(b"\r\x03\r\x01")
        if transport.read_until(1, _RAW_PROMPT, timeout=_TRY_S, timeout_overall=_TRY_S).endswith(_RAW_PROMPT):
            return
    raise OSError("no answer: is MicroPython on it, and is no other program using the port?")
