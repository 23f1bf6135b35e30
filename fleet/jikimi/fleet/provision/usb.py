"""A board over its USB port: the raw REPL by mpremote's own transport, each file read back by its hash."""

from __future__ import annotations

import base64
import hashlib
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

from jikimi.fleet import literals
from jikimi.fleet.errors import BoardError
from jikimi.fleet.provision import ladder
from jikimi.fleet.provision.ports import check_port

# Bytes of a file in one piece, and of pieces in one command: the board holds the command as text and as byte code.
_CHUNK_BYTES = 2048
_COMMAND_BYTES = 6144
_PATHS_AT_ONCE = 32
_SERIAL_TIMEOUT_S = 1.0  # while it is not known whether anything answers
_SILENT_S = 10.0  # of a board that works on what it was told
_MAIN = "/main.py"
_OPEN_S = 3.0  # a port that another program is just letting go, or that a reset took off the bus
_REOPEN_S = 0.05
_WINDOW_BITS = 10  # of deflate: 1 KiB of the board's memory

# What the board runs; {…} is filled in with literals.
# An answer comes back byte by byte, so it is short: digests as text, in the order of the paths.
_HASHES = """
import binascii, hashlib
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
    return binascii.b2a_base64(h.digest())[:-1]
print([digest(path) for path in {paths}])
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
# Text that is packed is shorter to send; what packing does not shorten (native code, keys) is sent as it is.
_WRITER = """
import binascii, deflate, io
def w(path, mode, packed, text):
    data = binascii.a2b_base64(text)
    if packed:
        data = deflate.DeflateIO(io.BytesIO(data), deflate.RAW, {bits}).read()
    with open(path, mode) as f:
        f.write(data)
"""

Progress = Callable[[int, int], None]  # files written, files to write


def _silent(_text: str) -> None:
    """Nobody listens."""


class Board:
    """A board in its raw REPL; made by `connected`."""

    def __init__(self, transport: Any, port: str, rung: str) -> None:
        self.port = port
        self.rung = rung  # of the ladder that worked
        self._transport = transport

    def run(self, code: str, silent_s: float = _SILENT_S) -> str:
        """Execute `code`, which may be silent for so long; what it printed. BoardError when it raises."""
        output, error = self._transport.exec_raw(code, timeout=silent_s)
        if error:
            raise BoardError(f"the board at {self.port} failed: {error.decode().strip().splitlines()[-1]}")
        return str(output.decode().replace("\r\n", "\n"))

    def ask(self, code: str, silent_s: float = _SILENT_S) -> Any:
        """Execute `code`, which prints one Python literal last; that value."""
        lines = self.run(code, silent_s).strip().splitlines()
        try:
            return literals.value(lines[-1])
        except (IndexError, SyntaxError, ValueError) as error:
            raise BoardError(f"the board at {self.port} gave no usable answer, but {lines[-1:]}") from error

    def install(self, files: Mapping[str, bytes], progress: Progress | None = None) -> int:
        """Make the board have `files` (absolute paths); those that are right already are left alone.

        /main.py comes last, so that a board whose cable was pulled does not start half an application. Returns how
        many files were written; BoardError when one reads back wrong.
        """
        wrong = self.differing(files)
        self._make_folders(wrong)
        if wrong:
            self.run(_WRITER.format(bits=_WINDOW_BITS))
        for done, command in _commands({path: files[path] for path in wrong}):
            self.run(command)
            if progress is not None:
                progress(done, len(wrong))
        damaged = self.differing({path: files[path] for path in wrong})
        if damaged:
            raise BoardError(f"{damaged[0]} on the board at {self.port} reads back wrong: is its flash worn out?")
        return len(wrong)

    def read(self, path: str) -> bytes:
        """Content of a file on the board."""
        return bytes(self._transport.fs_readfile(path, chunk_size=_CHUNK_BYTES))

    def read_if_there(self, path: str) -> bytes | None:
        """Content of a file on the board, or None when there is none."""
        (found,) = self.ask(_HASHES.format(paths=[path]))
        return None if found is None else self.read(path)

    def make_folder(self, path: str) -> None:
        """Make a folder unless it is there."""
        self.run(_FOLDERS.format(folders=[path]))

    def reset(self) -> None:
        """Restart it; it does not answer any more."""
        self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
        self._transport.in_raw_repl = False

    def differing(self, files: Mapping[str, bytes]) -> list[str]:
        """Those of `files` that are missing on the board or have another hash; /main.py last."""
        order = sorted(files, key=lambda path: (path == _MAIN, path))
        wrong = []
        for start in range(0, len(order), _PATHS_AT_ONCE):
            some = order[start : start + _PATHS_AT_ONCE]
            found = self.ask(_HASHES.format(paths=some))
            wrong += [path for path, digest in zip(some, found, strict=True) if digest != _digest(files[path])]
        return wrong

    def _make_folders(self, paths: Iterable[str]) -> None:
        folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents} - {"/"}
        if folders:
            self.run(_FOLDERS.format(folders=sorted(folders)))


@contextmanager
def connected(port: str, say: ladder.Say = _silent, *, person_s: float = 0.0) -> Iterator[Board]:
    """The board at `port`, brought to its raw REPL by the ladder; BoardError, naming the port, for all that fails."""
    try:
        from mpremote.transport import TransportError  # type: ignore[import-untyped]
        from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]
    except ImportError as error:
        raise BoardError("boards are reached with mpremote: pip install 'jikimi[usb]'") from error

    transport = None
    try:
        transport = _opened(port, lambda: SerialTransport(port, timeout=_SERIAL_TIMEOUT_S), TransportError)
        rung = ladder.to_raw_repl(transport, port, say, person_s=person_s)
        transport.serial.timeout = _SILENT_S  # to mpremote, a byte that comes later is a board that failed
        yield Board(transport, port, rung)
        if transport.in_raw_repl:
            transport.exit_raw_repl()
    except (TransportError, OSError) as error:
        raise BoardError(f"the board at {port} failed: {_last_line(error)}") from error
    finally:
        if transport is not None:
            transport.close()


def install(port: str, files: Mapping[str, bytes], *, reset: bool = True, progress: Progress | None = None) -> int:
    """`Board.install` at `port`, then a reset unless it is not wanted."""
    with connected(port) as board:
        written = board.install(files, progress)
        if reset:
            board.reset()
    return written


def read_file(port: str, path: str) -> bytes:
    """Content of a file on the board; BoardError when there is none."""
    with connected(port) as board:
        return board.read(path)


def run(port: str, code: str) -> str:
    """Execute `code` on the board after a soft reset without /main.py; what it printed. BoardError when it raises."""
    with connected(port) as board:
        return board.run(code)


def _commands(files: Mapping[str, bytes]) -> Iterator[tuple[int, str]]:
    """What the board shall run to have `files`: (files that are whole after it, command)."""
    lines: list[str] = []
    for done, (path, content) in enumerate(files.items()):
        for start in range(0, max(1, len(content)), _CHUNK_BYTES):
            lines.append(_piece(path, start, content[start : start + _CHUNK_BYTES]))
            if sum(map(len, lines)) > _COMMAND_BYTES:
                yield done, "\n".join(lines)
                lines = []
    if lines:
        yield len(files), "\n".join(lines)


def _digest(content: bytes) -> bytes:
    return base64.b64encode(hashlib.sha256(content).digest())


def _piece(path: str, start: int, data: bytes) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, -_WINDOW_BITS)
    packed = packer.compress(data) + packer.flush()
    shorter = len(packed) < len(data)
    text = base64.b64encode(packed if shorter else data)
    return f"w({path!r}, {'ab' if start else 'wb'!r}, {int(shorter)}, {text!r})"


def _last_line(error: Exception) -> str:
    """Of an error on the board mpremote keeps the whole traceback; its last line says what happened."""
    text = str(error.args[-1] if error.args else error).strip()
    return text.splitlines()[-1] if text else type(error).__name__


def _opened(port: str, attempt: Callable[[], Any], refused: type[Exception]) -> Any:
    """The port as soon as it opens: a board that was just reset, or a program that just let go, needs a moment."""
    deadline = time.monotonic() + _OPEN_S
    while True:
        try:
            return attempt()
        except refused as error:
            if time.monotonic() > deadline:
                check_port(port)
                raise BoardError(
                    f"{port} does not open: close the program that uses it, such as a serial monitor"
                ) from error
        time.sleep(_REOPEN_S)
